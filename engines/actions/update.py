"""Change other records: the one that a link leads to, or those that link here or meet a condition."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from engines.action_type import ActionContext, ActionType, Occasion, values_now
from engines.action_values import needs_of
from engines.effects import UpdateRecord
from engines.expressions import evaluate
from engines.facts import Needs, Search
from engines.values import CompiledValue
from metadata import registry
from metadata.expressions import Expression, Scope
from metadata.names import FieldOfForm, FormName, RowExpression
from metadata.nouns import ValueOf
from metadata.value_types import YES_NO
from metadata.value_types import link as link_to

MOST_FOUND = 200


@dataclass(frozen=True)
class Target:
    """Which records are meant: one (`record`), or those found by `link` and `where`; and what they get."""

    form: str
    values: Mapping[str, CompiledValue]
    record: Expression | None = None
    link: str | None = None
    where: Expression | None = None
    limit: int = MOST_FOUND


class Update(ActionType):
    """Changes records of another form: "=customer" names one, `link` and `where` find several."""

    name = "update"
    title = {"en": "Update records", "zh": "修改其他记录"}
    icon = "file-pencil"

    class Options(registry.Options):
        form: FormName
        record: ValueOf = None
        link: FieldOfForm | None = None
        where: RowExpression | None = None
        limit: Annotated[int, Field(ge=1, le=MOST_FOUND)] = MOST_FOUND
        values: dict[FieldOfForm, ValueOf]

    def compile(self, options: Any, context: ActionContext) -> Target | None:
        form = context.form_id(options.form, "form")
        if form is None:
            return None
        values = context.values_of(form, options.values, "values")
        if options.record is not None:
            record = context.value(options.record, "record", want=link_to(form)).expression
            return Target(form, values, record=record)
        link = context.field(form, options.link, "link") if options.link else None
        where = (
            context.within(Scope(context.app.names, form)).expression(options.where, "where", want=YES_NO)
            if (options.where)
            else None
        )
        if options.link is None and options.where is None:
            message = {"en": "Say which records to change", "zh": "请说明要修改哪些记录"}
            hint = {"en": "Give “record”, “link” or “where”", "zh": "请填写 record、link 或 where"}
            context.add("target_missing", message, hint=hint)
        return Target(form, values, None, link.id if link else None, where, options.limit)

    def execute(self, compiled: Target, occasion: Occasion) -> list[UpdateRecord] | Needs:
        values = values_now(compiled.values, occasion)
        records = self._records(compiled, occasion)
        if isinstance(values, Needs) or isinstance(records, Needs):
            return (values if isinstance(values, Needs) else Needs()) | (
                records if isinstance(records, Needs) else Needs()
            )
        return [UpdateRecord(compiled.form, record, values) for record in records]

    def sentence(self, options: Any, language: str) -> str:
        fields = ", ".join(options.values)
        return f"修改“{options.form}”的 {fields}" if language == "zh" else f"set {fields} of {options.form}"

    def _records(self, compiled: Target, occasion: Occasion) -> list[int] | Needs:
        if compiled.record is not None:
            needs = needs_of([compiled.record], occasion.environment)
            if needs:
                return needs
            record = evaluate(compiled.record, occasion.environment)
            return [record] if record is not None else []
        text = compiled.where.text if compiled.where is not None else ""
        linked = occasion.record_id if compiled.link else None
        search = Search(compiled.form, compiled.link, linked, text, compiled.where, compiled.limit)
        found = occasion.facts.found.get(search)
        if found is None:
            return Needs(found=frozenset({search}))
        return [each["id"] for each in found]
