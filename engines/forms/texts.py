"""Reading text values: always text, cleaned of what no database keeps, never longer than allowed."""

import unicodedata
from typing import Any

from engines.values import ValueProblem

MOST_TEXT = 500
MOST_LONG_TEXT = 20_000


def read_text(raw: Any, most: int, least: int = 0, lines: bool = False) -> str | None:
    """Read text: trimmed, composed (NFC), without control characters; blank is None."""
    if raw is None:
        return None
    if not isinstance(raw, str):
        raise wrong_type(raw, {"en": "text", "zh": "文本"})
    text = unicodedata.normalize("NFC", raw.replace("\r\n", "\n").strip())
    _refuse_control_characters(text, lines)
    if not text:
        return None
    if len(text) > most:
        raise ValueProblem(
            "too_long",
            {
                "en": f"This has {len(text):,} characters; {most:,} are allowed",
                "zh": f"共 {len(text)} 个字符，最多 {most} 个",
            },
            {"en": "Shorten the text", "zh": "请缩短内容"},
            {"name": "characters", "max": most, "actual": len(text)},
        )
    if len(text) < least:
        raise ValueProblem(
            "too_short",
            {"en": f"This needs at least {least} characters", "zh": f"至少需要 {least} 个字符"},
            limit={"name": "characters", "min": least, "actual": len(text)},
        )
    return text


def wrong_type(raw: Any, wanted: dict[str, str]) -> ValueProblem:
    """The problem of a JSON value that is of the wrong sort altogether."""
    found = _json_word(raw)
    return ValueProblem(
        "wrong_type",
        {"en": f"This must be {wanted['en']}, not {found['en']}", "zh": f"此处应为{wanted['zh']}，而不是{found['zh']}"},
    )


def _refuse_control_characters(text: str, lines: bool) -> None:
    if text.isprintable():
        return
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs") and not (lines and character in "\n\t"):
            raise ValueProblem(
                "control_character",
                {
                    "en": f"The character U+{ord(character):04X} cannot be stored here",
                    "zh": f"此处不能保存字符 U+{ord(character):04X}",
                },
                {"en": "Remove line breaks and control characters", "zh": "请删除换行和控制字符"},
            )


def _json_word(raw: Any) -> dict[str, str]:
    if isinstance(raw, bool):
        return {"en": "true or false", "zh": "是/否值"}
    if isinstance(raw, str):
        return {"en": "text", "zh": "文本"}
    if isinstance(raw, dict):
        return {"en": "an object", "zh": "对象"}
    if isinstance(raw, list | tuple):
        return {"en": "a list", "zh": "列表"}
    if raw is None:
        return {"en": "nothing", "zh": "空值"}
    return {"en": "a number", "zh": "数字"}
