"""The rule engine: which rules an event concerns and what they ask for."""
