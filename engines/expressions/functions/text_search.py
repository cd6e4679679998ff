"""Looking for a part of a text, and replacing it."""

from decimal import Decimal
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Numeric, cast, func, or_

from engines.expressions.arithmetic import require_length
from engines.expressions.function_kind import FunctionKind
from engines.expressions.not_pushable import NotPushable
from metadata.expressions.building import WHOLE
from metadata.expressions.signatures import Parameter
from metadata.value_types import TEXT, YES_NO

Column = ColumnElement[Any]
TWO_TEXTS = (Parameter("text", TEXT), Parameter("part", TEXT))
DIGITS = 7


class Contains(FunctionKind):
    """Tells whether a text holds another one; capitals and small letters differ.

    >>> CONTAINS("Fourfold", "fold")
    true
    """

    name = "CONTAINS"
    theme = "text"
    title = {"en": "Contains", "zh": "包含文本"}
    chinese = "判断文本是否包含另一段文本，区分大小写。"
    parameters = TWO_TEXTS
    result = YES_NO

    def value(self, text: str, part: str) -> bool:
        return part in text

    def postgresql(self, text: Column, part: Column) -> Column:
        return func.strpos(text, part) > 0

    def sqlite(self, text: Column, part: Column) -> Column:
        return func.instr(text, part) > 0


class StartsWith(FunctionKind):
    """Tells whether a text begins with another one.

    >>> STARTSWITH("Fourfold", "Four")
    true
    """

    name = "STARTSWITH"
    repeats = 2
    theme = "text"
    title = {"en": "Begins with", "zh": "开头是"}
    chinese = "判断文本是否以另一段文本开头。"
    aliases = ("BEGINS", "STARTS_WITH")
    parameters = TWO_TEXTS
    result = YES_NO

    def value(self, text: str, part: str) -> bool:
        return text.startswith(part)

    def postgresql(self, text: Column, part: Column) -> Column:
        return func.starts_with(text, part)

    def sqlite(self, text: Column, part: Column) -> Column:
        return func.substr(text, 1, func.length(part)) == part


class EndsWith(FunctionKind):
    """Tells whether a text ends with another one.

    >>> ENDSWITH("Fourfold", "fold")
    true
    """

    name = "ENDSWITH"
    repeats = 2
    theme = "text"
    title = {"en": "Ends with", "zh": "结尾是"}
    chinese = "判断文本是否以另一段文本结尾。"
    aliases = ("ENDS_WITH",)
    parameters = TWO_TEXTS
    result = YES_NO

    def value(self, text: str, part: str) -> bool:
        return text.endswith(part)

    def postgresql(self, text: Column, part: Column) -> Column:
        return func.right(text, func.char_length(part)) == part

    def sqlite(self, text: Column, part: Column) -> Column:
        return or_(part == "", func.substr(text, 0 - func.length(part)) == part)


class Find(FunctionKind):
    """Gives the position of a part within a text (the first is 1); 0 when it is not there.

    >>> FIND("fold", "Fourfold")
    5
    >>> FIND("x", "Fourfold")
    0
    """

    name = "FIND"
    theme = "text"
    title = {"en": "Position", "zh": "查找位置"}
    chinese = "返回一段文本在另一文本中的位置（首字符为 1），找不到时为 0。"
    aliases = ("SEARCH",)
    parameters = (Parameter("part", TEXT), Parameter("text", TEXT))
    result = WHOLE
    magnitude = DIGITS

    def value(self, part: str, text: str) -> Decimal:
        return Decimal(text.find(part) + 1)

    def postgresql(self, part: Column, text: Column) -> Column:
        return cast(func.strpos(text, part), Numeric)

    def sqlite(self, part: Column, text: Column) -> Column:
        return func.instr(text, part)


class Replace(FunctionKind):
    """Puts a new text in the place of every occurrence of an old one; the new text is written out.

    >>> REPLACE("a-b-c", "-", "+")
    "a+b+c"
    """

    name = "REPLACE"
    theme = "text"
    title = {"en": "Replace", "zh": "替换文本"}
    chinese = "将文本中的某段内容全部替换为新的内容。"
    aliases = ("SUBSTITUTE",)
    parameters = (Parameter("text", TEXT), Parameter("old", TEXT), Parameter("new", TEXT))
    result = TEXT

    def value(self, text: str, old: str, new: str) -> str:
        if not old:
            return text
        require_length(len(text) + text.count(old) * (len(new) - len(old)))
        return text.replace(old, new)

    def postgresql(self, text: Column, old: Column, new: Column) -> Column:
        return func.replace(text, old, _written_out(new))

    def sqlite(self, text: Column, old: Column, new: Column) -> Column:
        return func.replace(text, old, _written_out(new))


def _written_out(new: Column) -> Column:
    """A computed replacement could make a text of any size, before anybody could stop it."""
    if not isinstance(getattr(new, "clause", new), BindParameter):
        raise NotPushable(
            {
                "en": "REPLACE() with a computed text runs on the server",
                "zh": "REPLACE() 的替换内容为计算值时只能逐行计算",
            }
        )
    return new
