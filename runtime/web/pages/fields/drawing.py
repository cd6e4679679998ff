"""From compiled fields and values to what templates draw: inputs, shown values, and the grids of subforms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from engines.compiled import CompiledField, CompiledForm
from runtime.web import formats
from runtime.web.pages.fields.looks import FEW, is_passed_on, kind_of, size_of, span_of, widget_of
from runtime.web.pages.fields.values import Values
from runtime.web.pages.fields.views import ColumnView, FieldView, RowView

PLACE = "__row__"


@dataclass(frozen=True)
class Drawing(Values):
    """Draws the fields of one app for one reader."""

    def view(self, field: CompiledField, value: Any, label: Any = None, mode: str = "view", **more: Any) -> FieldView:
        """A field with its value, shown. `label` is what links are called: a text, or several for several."""
        drawn = self._frame(field, mode)
        if is_passed_on(field) and drawn.options:
            drawn = replace(drawn, widget="select")
        return replace(drawn, **self._content(field, value, label, drawn.widget), **more)

    def edit(
        self, field: CompiledField, value: Any, label: Any = None, posted: Sequence[str] | None = None, **more: Any
    ) -> FieldView:
        """A field with its value as an input; what was posted stands before what is stored."""
        drawn = replace(self._frame(field, "edit"), **self._content(field, value, label, widget_of(field)))
        if posted is not None and drawn.kind in ("text", "number", "date", "datetime") and not drawn.computed:
            drawn = replace(drawn, text=posted[-1] if posted else "")
        return replace(drawn, **more)

    def _frame(self, field: CompiledField, mode: str) -> FieldView:
        options = self.choices(field)
        required = bool(field.required) and mode == "edit"
        widget = widget_of(field)
        few = widget == "select" and required and len(options) <= FEW
        return FieldView(
            field=field.id,
            name=field.name,
            label=self.title(field),
            widget=widget,
            kind=kind_of(field.type),
            mode=mode,
            id=f"fld-{field.name}",
            post=field.name,
            help=self.say(field.help),
            required=required,
            many=field.type.name == "list",
            live=field.expression is not None,
            computed=field.is_derived,
            span=span_of(self.definitions.get(field.id), field, few),
            layout="choices" if few else "",
            prefix=self.prefix(field) if mode == "edit" else "",
            suffix=self.suffix(field) if mode == "edit" else "",
            length=getattr(field.options, "max_length", None),
            options=options,
        )

    def _content(self, field: CompiledField, value: Any, label: Any, widget: str) -> dict[str, Any]:
        match field.type.name:
            case "number":
                return {"value": value, "text": self.typed_number(field, value), "shown": self.shown(field, value)}
            case "date":
                return {"value": value, "text": formats.day(value), "shown": formats.day(value)}
            case "datetime":
                local = value.astimezone(self.zone) if isinstance(value, datetime) else None
                return {"value": local, "text": formats.minute(local), "shown": formats.minute(local)}
            case "yes_no":
                return {"value": bool(value), "text": "true" if value else "", "shown": self._yes_no(value, widget)}
            case "rows":
                return {"value": value or (), "text": ""}
            case _:
                references = self.references(field.type, value, label, widget)
                if references is None:
                    text = str(value) if value is not None else ""
                    return {"value": value or "", "text": text, "shown": self.shown(field, value)}
                shown = self.word(", ").join(each.label for each in references)
                if field.type.name == "list":
                    plain = widget == "multi_select"
                    return {"value": [r.id for r in references] if plain else references, "text": "", "shown": shown}
                one = references[0] if references else None
                return {"value": one, "text": one.label if one else "", "shown": shown}

    def _yes_no(self, value: Any, widget: str) -> str:
        return self.word("Yes") if value else (self.word("No") if widget != "computed" else "")

    # --- subforms ---

    def columns(self, subform: CompiledForm, rows: Sequence[Mapping[str, Any]]) -> list[ColumnView]:
        """The heads of a subform's grid, with the totals of its numbers."""
        return [self._column(each, rows) for each in subform.fields.values()]

    def _column(self, field: CompiledField, rows: Sequence[Mapping[str, Any]]) -> ColumnView:
        summed = field.type.name == "number" and self.look(field).adds_up
        values = [row[field.id] for row in rows if row.get(field.id) is not None] if summed else []
        return ColumnView(
            field=field.id,
            name=field.name,
            label=self.title(field),
            kind=kind_of(field.type),
            size=size_of(field),
            required=field.required,
            computed=field.is_derived,
            help=self.say(field.help),
            sum=summed,
            total=self.shown(field, sum(values, Decimal(0))) if values else "",
        )

    def row(self, parent: CompiledField, token: str, record: str, cells: Sequence[FieldView]) -> RowView:
        """A row whose cells post under the subform's name and the row's token."""
        placed = [
            replace(
                cell,
                in_row=True,
                id=f"fld-{parent.name}-{token}-{cell.name}",
                post=f"{parent.name}.{token}.{cell.name}",
            )
            for cell in cells
        ]
        return RowView(token, record, placed)
