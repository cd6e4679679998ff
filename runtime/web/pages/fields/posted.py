"""What a form posts, read back into values by field name: the shape that the API takes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData, UploadFile

from engines.compiled import CompiledField, CompiledForm
from runtime.web.pages.records.prefilled import has_default

DATE = re.compile(r"^(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?$")
EMPTIED = "left-empty"  # no field can be called so
MOMENT = re.compile(r"^(\d{4}-\d{2}-\d{2})[ T](\d{1,2}):(\d{2})$")
NUMBER_NOISE = re.compile(r"[,，\s¥￥$€£%]")


@dataclass(frozen=True)
class Row:
    """A posted row of a subform: the token in its names, the stored row's id or empty, its texts by column name."""

    token: str
    record: str
    texts: Mapping[str, list[str]]


@dataclass(frozen=True)
class Posted:
    """The posted form: the texts of each field, the rows of each subform, the files to be stored, and the names of the
    boxes that a person emptied, so that no default fills them."""

    texts: Mapping[str, list[str]]
    rows: Mapping[str, list[Row]]
    uploads: Mapping[str, list[UploadFile]] = field(default_factory=dict)
    emptied: frozenset[str] = frozenset()

    @classmethod
    def of(cls, form: CompiledForm, data: FormData) -> "Posted":
        subforms = {each.name for each in form.fields.values() if each.subform is not None}
        texts: dict[str, list[str]] = {}
        rows: dict[str, dict[str, dict[str, list[str]]]] = {}
        uploads: dict[str, list[UploadFile]] = {}
        for key, value in data.multi_items():
            if isinstance(value, UploadFile):
                if value.filename:
                    uploads.setdefault(key, []).append(value)
                continue
            name, dot, rest = key.partition(".")
            if name in subforms:
                row = rows.setdefault(name, {})
                if dot:
                    token, _, column = rest.partition(".")
                    row.setdefault(token, {}).setdefault(column, []).append(value)
            else:
                texts.setdefault(key, []).append(value)
        emptied = frozenset(texts.pop(EMPTIED, ()))
        return cls(texts, {name: _rows(found) for name, found in rows.items()}, uploads, emptied)

    def values(self, form: CompiledForm, editable: frozenset[str], zone: ZoneInfo) -> dict[str, Any]:
        """The values of the fields that were on the form and may be written, by name."""
        values: dict[str, Any] = {}
        for each in form.fields.values():
            if each.id not in editable or each.is_derived:
                continue
            if each.subform is not None:
                if each.name in self.rows:
                    values[each.name] = [self._row_values(each, row, zone) for row in self.rows[each.name]]
            elif each.name in self.texts:
                values[each.name] = read(each, self.texts[each.name], zone)
        return values

    def _row_values(self, field: CompiledField, row: Row, zone: ZoneInfo) -> dict[str, Any]:
        values: dict[str, Any] = {"id": row.record} if row.record else {}
        assert field.subform is not None
        for each in field.subform.fields.values():
            if each.is_derived or each.name not in row.texts:
                continue
            value = read(each, row.texts[each.name], zone)
            meant = value not in (None, "", []) or f"{field.name}.{row.token}.{each.name}" in self.emptied
            if row.record or meant or not has_default(each):
                values[each.name] = value
        return values


def read(field: CompiledField, texts: Sequence[str], zone: ZoneInfo) -> Any:
    """One field's posted texts as the value that the API takes; what cannot be read is left for the field to refuse."""
    if field.type.name == "list":
        return [text for text in (each.strip() for each in texts) if text]
    text = texts[-1].strip() if texts else ""
    if field.type.name == "yes_no":
        return text == "true"
    if not text:
        return None
    match field.type.name:
        case "number":
            return typed_number(text, field.kind.look_of(field.options).mark == "percent")
        case "date":
            return _date(text)
        case "datetime":
            return _moment(text, zone)
    return texts[-1] if field.kind.widget == "long_text" else text


def typed_number(text: str, percent: bool) -> Decimal | str:
    """The number that a text is, however its thousands are set apart; of a percentage, the share."""
    try:
        value = Decimal(NUMBER_NOISE.sub("", text))
    except InvalidOperation:
        return text
    if not value.is_finite():
        return text
    return value / 100 if percent else value


def _date(text: str) -> str:
    found = DATE.match(text)
    return f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}" if found else text


def _moment(text: str, zone: ZoneInfo) -> str:
    found = MOMENT.match(text)
    if not found:
        return text
    try:
        local = datetime.fromisoformat(f"{found[1]}T{found[2]:0>2}:{found[3]}").replace(tzinfo=zone)
    except ValueError:
        return text
    return local.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _rows(found: Mapping[str, Mapping[str, list[str]]]) -> list[Row]:
    return [Row(token, (texts.get("id") or [""])[-1], texts) for token, texts in found.items() if token]
