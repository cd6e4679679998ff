"""What was changed in records: written with each save, read as a timeline."""

from runtime.history.entries import Change, changed_already, changes, document, note_change, values_of

__all__ = [
    "Change",
    "changed_already",
    "changes",
    "document",
    "note_change",
    "values_of",
]
