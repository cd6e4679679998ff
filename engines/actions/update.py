"""Change other records: the one that a link leads to, or those that link here or meet a condition."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from engines.action_type import ActionContext, ActionType, Occasion, values_now
from engines.action_values import needs_of
from engines.compiled import CompiledField
from engines.effects import UpdateRecord
from engines.expressions import evaluate
from engines.facts import Needs, Search
from engines.values import CompiledValue
from metadata import registry
from metadata.expressions import Expression, Scope
from metadata.names import FieldOfForm, FormName, RowExpression
from metadata.nouns import ValueOf
from metadata.text import Text
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
        if not options.values:
            context.ask_to_mend("no_values", _NO_VALUES, "values", hint=_NAME_FIELDS)
        if options.record is not None:
            return self._one(options, form, values, context)
        link = self._link(options, form, context) if options.link else None
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

    def _one(
        self, options: Any, form: str, values: Mapping[str, CompiledValue], context: ActionContext
    ) -> Target | None:
        """The one record that an expression names; anything else would mean all records there are."""
        if options.link is not None or options.where is not None:
            context.ask_to_mend(
                "target_unclear", _UNCLEAR, "link" if options.link is not None else "where", hint=_ONE_WAY
            )
        record = context.value(options.record, "record", want=link_to(form))
        if record.expression is None:
            context.add("not_a_record", _NO_RECORD, "record", hint=_AN_EXPRESSION)
            return None
        return Target(form, values, record=record.expression)

    def _link(self, options: Any, form: str, context: ActionContext) -> CompiledField | None:
        """The link of the other form that leads to the record at hand."""
        link = context.field(form, options.link, "link")
        if link is not None and (link.target != context.form or link.is_list):
            message = {"en": f"“{options.link}” does not lead to this form", "zh": f"“{options.link}”未关联到本表单"}
            context.add("not_a_link", message, "link", hint=_LEADS_HERE)
        return link

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


_NO_VALUES: Text = {"en": "Nothing is set", "zh": "没有设置任何字段"}
_NAME_FIELDS: Text = {"en": "Name a field and its value", "zh": "请填写字段及其值"}
_UNCLEAR: Text = {
    "en": "`record` names one record, so `link` and `where` have nothing to find",
    "zh": "record 已指定一条记录，不能再用 link 或 where 查找",
}
_ONE_WAY: Text = {"en": "Leave one of them out", "zh": "请删去其中之一"}
_NO_RECORD: Text = {"en": "This is no link to a record", "zh": "这不是关联记录"}
_AN_EXPRESSION: Text = {
    "en": "Write an expression that leads to the record, such as “=customer”",
    "zh": "请写指向记录的表达式，例如 “=customer”",
}
_LEADS_HERE: Text = {"en": "Name a link of that form to this one", "zh": "请填写该表单中指向本表单的关联字段"}
