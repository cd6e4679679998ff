"""Instances of flows and their tasks: what people do with them, step by step."""
