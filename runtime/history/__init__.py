"""What was changed in records: written with each save, read as a timeline."""

from runtime.history.entries import SYSTEM_TYPES, Change, changed_already, changes, document, note_change, values_of

__all__ = [
    "SYSTEM_TYPES",
    "Change",
    "changed_already",
    "changes",
    "document",
    "note_change",
    "values_of",
]
