"""What a publish would do to tables and records, in the words of whoever publishes it."""

from collections.abc import Mapping

from engines.compiled import CompiledApp
from engines.forms.schema_plan import SchemaPlan, Step
from metadata.text import Text, say

SENTENCES: Mapping[str, Text] = {
    "create_table": {"en": "A table for {where}", "zh": "为{where}建立数据表"},
    "add_column": {"en": "A column for {where}", "zh": "为{where}增加一列"},
    "add_index": {"en": "An index for {where}", "zh": "为{where}建立索引"},
    "drop_index": {"en": "No index any more for {where}", "zh": "去掉{where}的索引"},
    "convert": {"en": "The values of {where} become those of its new type", "zh": "把{where}的值转换为新的类型"},
    "move": {"en": "Records with an old option of {where} get the new one", "zh": "把{where}的旧选项改为新选项"},
    "number": {"en": "The records there are get numbers in {where}", "zh": "为已有记录补上{where}的编号"},
    "fill": {"en": "{where} is worked out for the records there are", "zh": "为已有记录计算{where}"},
}
FORM: Text = {"en": "“{form}”", "zh": "“{form}”"}
FIELD: Text = {"en": "“{field}” of “{form}”", "zh": "“{form}”的“{field}”"}


def steps_said(app: CompiledApp, plan: SchemaPlan, language: str) -> list[dict[str, str]]:
    """Each step in words, and as those say it who look after the database."""
    return [{"words": step_said(app, step, language), "summary": step.summary} for step in plan.steps]


def step_said(app: CompiledApp, step: Step, language: str) -> str:
    """One step in words; what is in the definition no longer goes by its id."""
    form = app.forms.get(step.form)
    field = form.fields.get(step.field or "") if form is not None else None
    titles = {
        "form": say(form.title, language) if form is not None else step.form,
        "field": say(field.title, language) if field is not None else step.field or "",
    }
    where = say(FIELD if step.field else FORM, language).format(**titles)
    return say(SENTENCES[step.kind], language).format(where=where)
