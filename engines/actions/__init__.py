"""The built-in actions of rules and flows, one a file."""
