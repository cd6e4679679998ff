"""A label in several languages, as people write it: "Amount" or {"en": "Amount", "zh": "金额"}."""

from collections.abc import Mapping

Text = str | dict[str, str]

DEFAULT_LANGUAGE = "en"


def spelt_out(name: str) -> str:
    """What people see of a thing without a title: its name with blanks and a capital."""
    return name.replace("_", " ").capitalize()


def say(text: str | Mapping[str, str] | None, language: str) -> str:
    """Give the text in the language, else in English, else in the first language there is."""
    if text is None:
        return ""
    if isinstance(text, str):
        return text
    return text.get(language) or text.get(DEFAULT_LANGUAGE) or next(iter(text.values()), "")
