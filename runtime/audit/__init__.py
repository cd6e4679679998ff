"""What is no change of data: told, read, and sealed as a chain."""

from runtime.audit.entries import note

__all__ = [
    "note",
]
