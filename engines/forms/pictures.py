"""Pictures of text: `9` a digit, `A` a capital letter, `a` any letter, `*` a letter or digit; the rest as it stands."""

from typing import Annotated

from pydantic import Field

from engines.values import ValueProblem

Picture = Annotated[str, Field(min_length=1, max_length=100)]
"""A picture in a kind's options, such as "AA-9999"; a backslash takes the next character literally."""


def match_picture(text: str, picture: str) -> None:
    """Refuse a text that does not look like its picture."""
    if not _matches(text, picture):
        raise ValueProblem(
            "pattern",
            {"en": f"This must look like {picture}", "zh": f"格式应为 {picture}"},
            {
                "en": "9 stands for a digit, A for a capital letter, a for a letter, * for a letter or digit",
                "zh": "9 表示数字，A 表示大写字母，a 表示字母，* 表示字母或数字",
            },
        )


def _matches(text: str, picture: str) -> bool:
    marks = iter(picture)
    characters = iter(text)
    for mark in marks:
        literal = mark == "\\"
        wanted = next(marks, "\\") if literal else mark
        found = next(characters, None)
        if found is None or not (found == wanted if literal else _fits(found, wanted)):
            return False
    return next(characters, None) is None


def _fits(character: str, mark: str) -> bool:
    match mark:
        case "9":
            return character in "0123456789"
        case "A":
            return character.isalpha() and character.isupper()
        case "a":
            return character.isalpha()
        case "*":
            return character.isalnum()
    return character == mark
