"""The checked tree in its targets: evaluated, as SQL, in the browser."""
