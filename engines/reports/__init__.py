"""The report engine: from dimensions and measures to one select, from rows to a result."""
