"""Computed fields: what they are made of, which of them a save must know, and which move without one."""
