"""The built-in connectors, one a file; all network input and output."""
