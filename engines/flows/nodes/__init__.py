"""The built-in nodes of a flow, one a file."""
