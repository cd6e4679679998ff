"""Design time: edits definitions and publishes them. Runtime never imports it."""
