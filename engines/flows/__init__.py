"""The flow engine: where an instance stands and what comes next."""
