"""Expressions: from text to one checked, typed tree."""
