"""The door: every record that is created, changed, deleted, restored or handed over comes through here."""

from runtime.records.door import Saved, assign, delete, history_of, load, restore, save

__all__ = ["Saved", "assign", "delete", "history_of", "load", "restore", "save"]
