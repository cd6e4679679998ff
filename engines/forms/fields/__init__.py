"""The built-in field types, one a file."""
