"""The look at the bare text before any parser sees it: length, brackets, runs of operators, foreign characters."""

from metadata.expressions import limits
from metadata.expressions.errors import ExpressionError
from metadata.text import Text

FULL_WIDTH = {
    "（": "(", "）": ")", "，": ",", "。": ".", "＝": "==", "＞": ">", "＜": "<", "＋": "+", "－": "-", "＊": "*",
    "×": "*", "／": "/", "÷": "/", "％": "%", "＆": "&", "！": "not", "“": '"', "”": '"', "‘": "'", "’": "'",
    "＂": '"', "＇": "'", "≥": ">=", "≤": "<=", "≠": "!=", "；": ",", "：": "if … else", "、": ",",
}  # fmt: skip

FOREIGN: dict[str, tuple[Text, Text]] = {
    "#": ({"en": "“#” is not allowed", "zh": "不允许使用“#”"}, ""),
    ";": ({"en": "One expression only, without “;”", "zh": "只能写一个表达式，不能用“;”"}, ""),
    "{": (
        {"en": "Fields are written without { }", "zh": "字段不加 { }"},
        {"en": "Write amount instead of {amount}", "zh": "请写 amount，不要写 {amount}"},
    ),
    "`": (
        {"en": "“`” is not allowed", "zh": "不允许使用“`”"},
        {"en": 'Write text in "quotes"', "zh": '文本请用 "引号"'},
    ),
    "\\": ({"en": "“\\” is not allowed outside a text", "zh": "文本之外不允许使用“\\”"}, ""),
}

PAIRS: dict[str, tuple[str, Text]] = {
    "<>": ("!=", {"en": "Use != for “is not equal”", "zh": "“不等于”请用 !="}),
    "&&": ("and", {"en": "Use “and”", "zh": "请用 and"}),
    "||": ("or", {"en": "Use “or”", "zh": "请用 or"}),
}


def scan(text: object) -> str:
    """Give the text back, fit for the parser and of the same length; raises ExpressionError otherwise."""
    if not isinstance(text, str):
        raise ExpressionError("expression_type", {"en": "An expression is text", "zh": "表达式必须是文本"})
    if len(text) > limits.TEXT_LENGTH:
        raise _limit(
            {
                "en": f"The expression is longer than {limits.TEXT_LENGTH} characters",
                "zh": f"表达式超过 {limits.TEXT_LENGTH} 个字符",
            }
        )
    if not text.strip():
        raise ExpressionError("expression_empty", {"en": "The expression is empty", "zh": "表达式为空"})
    _refuse_unprintable(text)
    return _walk(text)


def refuse_unprintable_constant(text: str, column: int) -> None:
    """The same look at a text constant after its escapes were read."""
    if any(_is_unprintable(character) for character in text):
        raise ExpressionError("illegal_character", {"en": "Illegal character", "zh": "含有非法字符"}, column)


def _refuse_unprintable(text: str) -> None:
    for column, character in enumerate(text):
        if _is_unprintable(character):
            raise ExpressionError("illegal_character", {"en": "Illegal character", "zh": "含有非法字符"}, column)


def _is_unprintable(character: str) -> bool:
    return character == "\x00" or 0xD800 <= ord(character) <= 0xDFFF


def _walk(text: str) -> str:
    """Follow quotes and brackets; blanks of every kind become plain blanks, so that columns stay true."""
    out: list[str] = []
    depth = run = 0
    quote = ""
    escaped = False
    for column, character in enumerate(text):
        if quote:
            if character in "\r\n":
                raise _syntax({"en": "A text stays on one line", "zh": "文本必须写在同一行"}, column)
            out.append(character)
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == quote:
                quote = ""
            continue
        _refuse_foreign(text, column, character)
        depth = _depth(depth, character, column)
        run = run + 1 if character in "+-~(" or character.isspace() else 0
        if run > limits.RUN_OF_OPERATORS:
            raise _limit({"en": "Too many operators or blanks in a row", "zh": "连续的运算符或空格过多"}, column)
        if character in "\"'":
            quote = character
        out.append(" " if character.isspace() else character)
    if quote:
        raise _syntax({"en": "A text is not closed", "zh": "文本缺少结束引号"}, len(text), _close_hint(quote))
    return "".join(out)


def _depth(depth: int, character: str, column: int) -> int:
    if character in "([":
        depth += 1
    elif character in ")]":
        depth -= 1
    if depth > limits.BRACKETS:
        raise _limit({"en": "The brackets nest too deep", "zh": "括号嵌套过深"}, column)
    return depth


def _refuse_foreign(text: str, column: int, character: str) -> None:
    if character in FULL_WIDTH:
        wanted = FULL_WIDTH[character]
        raise _syntax(
            {"en": f"“{character}” is full-width punctuation", "zh": f"“{character}”是全角符号"},
            column,
            {"en": f"Type {wanted}", "zh": f"请改用 {wanted}"},
        )
    if character in FOREIGN:
        message, hint = FOREIGN[character]
        raise _syntax(message, column, hint)
    pair = text[column : column + 2]
    if pair in PAIRS:
        raise _syntax({"en": f"“{pair}” is not allowed", "zh": f"不允许使用“{pair}”"}, column, PAIRS[pair][1])
    if character == "=":
        _refuse_single_equals(text, column)
    if character == "!" and text[column + 1 : column + 2] != "=":
        raise _syntax(
            {"en": "“!” is not allowed", "zh": "不允许使用“!”"}, column, {"en": "Use “not”", "zh": "请用 not"}
        )


def _refuse_single_equals(text: str, column: int) -> None:
    before, after = text[column - 1 : column], text[column + 1 : column + 2]
    if after == "=" or (before and before in "=!<>"):
        return
    raise _syntax(
        {"en": "A single “=” does not compare", "zh": "单个“=”不能用于比较"},
        column,
        {"en": "Use == to compare", "zh": "比较请用 =="},
    )


def _close_hint(quote: str) -> Text:
    return {"en": f"Add the closing {quote}", "zh": f"请补上 {quote}"}


def _syntax(message: Text, column: int, hint: Text = "") -> ExpressionError:
    return ExpressionError("expression_syntax", message, column, hint)


def _limit(message: Text, column: int | None = None) -> ExpressionError:
    return ExpressionError("expression_limit", message, column)
