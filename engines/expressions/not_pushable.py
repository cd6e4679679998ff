"""The answer of a target that cannot say an expression."""

from metadata.text import Text, say


class NotPushable(Exception):
    """The expression has no form in this target; the caller evaluates it row by row. `reason` says why, for people."""

    def __init__(self, reason: Text) -> None:
        super().__init__(say(reason, "en"))
        self.reason = reason
