"""What a publish would change, and do to tables and records, in the words of whoever publishes it."""

from collections.abc import Mapping
from typing import Any

from builder_api.versions import differences
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
SECTION_TITLES: Mapping[str, Text] = {
    "roles": {"en": "Role", "zh": "角色"},
    "forms": {"en": "Form", "zh": "表单"},
    "views": {"en": "View", "zh": "视图"},
    "flows": {"en": "Flow", "zh": "流程"},
    "rules": {"en": "Rule", "zh": "规则"},
    "reports": {"en": "Report", "zh": "报表"},
    "dashboards": {"en": "Dashboard", "zh": "仪表盘"},
    "access": {"en": "Access", "zh": "权限"},
    "stories": {"en": "Story", "zh": "故事"},
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


def changes_said(now: Mapping[str, Any], wanted: Mapping[str, Any], language: str) -> list[dict[str, Any]]:
    """The differences between two definitions, each thing by its title where it has one."""
    titles = {
        (section, each.get("id") or each.get("name")): each.get("title")
        for document in (wanted, now)
        for section in SECTION_TITLES
        for each in document.get(section, ())
    }
    return [
        {
            **each,
            "title": say(titles[(each["section"], each["id"] or each["name"])] or each["name"] or each["id"], language),
            "section": say(SECTION_TITLES[each["section"]], language),
        }
        for each in differences(now, wanted)
    ]
