"""One verified archive of everything, and the way back."""

from runtime.backup.archive import back_up, lost_key, restore, verify

__all__ = [
    "back_up",
    "lost_key",
    "restore",
    "verify",
]
