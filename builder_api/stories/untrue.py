"""A story says what is not the case: the one way in which its sentences fail."""

from metadata.text import Text, say


class NotSo(Exception):
    """What a story says is not the case."""

    def __init__(self, message: Text) -> None:
        super().__init__(say(message, "en"))
        self.message = message


def not_so(english: str, chinese: str) -> NotSo:
    """What to raise when a sentence did not come true."""
    return NotSo({"en": english, "zh": chinese})
