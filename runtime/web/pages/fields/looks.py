"""What fields look like on pages: their widgets, how wide they stand, the tones of their options."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from engines.compiled import CompiledField
from engines.field_look import FieldLook
from engines.system_fields import SYSTEM_TITLES
from metadata.text import say
from metadata.value_types import ValueType
from runtime.web.rendering import TEMPLATES

FEW = 3
WIDTHS = {"full": 12, "half": 6, "third": 4}
COLUMNS = {"list": "large", "datetime": "moment", "yes_no": "small"}
SPANS = {"number": 3, "date": 3, "datetime": 3, "yes_no": 3, "member": 3, "department": 3, "rows": 12}
KEPT_BY_VALUE_TYPE = {
    "text": "text",
    "number": "number",
    "yes_no": "yes_no",
    "date": "date",
    "datetime": "datetime",
    "member": "member",
    "department": "department",
    "link": "link",
    "list": "tags",
    "rows": "subform",
}


@dataclass(frozen=True)
class SystemKind:
    """Stands for a field kind where the platform itself keeps the field."""

    name: str = "system"
    widget: str = ""

    def look_of(self, options: Any) -> FieldLook:
        return FieldLook()


def system_field(name: str, type: ValueType, language: str) -> CompiledField:
    """A field of the platform (owner, created at, ...) as something to draw."""
    title = say(SYSTEM_TITLES.get(name, name), language)
    return CompiledField(name, name, title, SystemKind(), None, type, read_only=True)  # type: ignore[arg-type]


def widget_of(field: CompiledField) -> str:
    """The widget file of a field's kind; a kind without one is drawn by its value type."""
    wanted = "computed" if field.expression is not None or field.rollup is not None else field.kind.widget
    if wanted in _widgets():
        return wanted
    return KEPT_BY_VALUE_TYPE.get(field.type.name, "text")


@cache
def _widgets() -> frozenset[str]:
    return frozenset(file.stem for file in (TEMPLATES / "widgets").glob("*.html"))


def kind_of(type: ValueType) -> str:
    return type.name if type.name in KEPT_BY_VALUE_TYPE else "text"


def span_of(definition: Any, field: CompiledField, few: bool) -> int:
    """How wide a field stands on the form: as the author says, else by its value type."""
    width = getattr(definition, "width", None)
    if width:
        return WIDTHS[width]
    if few:
        return 6
    return field.kind.look_of(field.options).width or SPANS.get(field.type.name, 6)


def size_of(field: CompiledField) -> str:
    """How wide a column of a subform is."""
    return field.kind.look_of(field.options).column or COLUMNS.get(field.type.name, "medium")


def is_passed_on(field: CompiledField) -> bool:
    """Whether the field shows nothing but what stands somewhere else, as a lookup does."""
    return field.expression is not None and field.expression.root.kind == "field" and bool(field.expression.reads)


TONES = ("slate", "blue", "purple", "yellow", "orange", "teal", "green", "red")


def tone(field: CompiledField, index: int) -> str:
    """The tone of a stage whose author chose none: the later, the warmer. Other choices stay plain."""
    return TONES[index % len(TONES)] if field.stage else ""
