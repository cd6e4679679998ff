"""The built-in triggers of a rule, one a file."""
