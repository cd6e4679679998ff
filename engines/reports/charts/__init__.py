"""The built-in charts, one a file."""
