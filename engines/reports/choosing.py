"""What readers may choose, compiled: parameters of reports, filters of dashboards, and what a card chooses for them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from engines.action_values import compile_value
from engines.checks.installation import is_written_out, problem_of_id
from engines.compiled import CompiledField
from engines.context import CheckContext
from engines.reports.compiled import CompiledParameter
from engines.reports.parameters import DOES_NOT_FIT, read_value
from engines.values import CompiledValue
from metadata.expressions import NOWHERE
from metadata.problems import ROOT, Problem, Refusal, nearest
from metadata.reports import ParameterDefinition
from metadata.text import Text
from metadata.value_types import DATE, DEPARTMENT, MEMBER, TEXT, YES_NO, ValueType, link, number

TYPES = {
    "text": TEXT,
    "number": number(10),
    "date": DATE,
    "yes_no": YES_NO,
    "member": MEMBER,
    "department": DEPARTMENT,
}


def compile_parameter(written: ParameterDefinition, checking: CheckContext) -> CompiledParameter:
    """Compile a parameter of a report or a filter of a dashboard; its `where` is for the report to add."""
    value_type = _type_of(written, checking)
    default = compile_choice(written.default, value_type, checking.at("default"))
    return CompiledParameter(written.name, written.caption, value_type, default, None, written.required, written)


def compile_choice(raw: Any, value_type: ValueType, checking: CheckContext) -> CompiledValue:
    """Compile what an author chose for a parameter: written out, or an expression over the user and the day."""
    if is_written_out(raw) and not checking.app.makes_do and (problem := problem_of_id(value_type)) is not None:
        checking.problems.extend([problem], checking.path)
        return CompiledValue()
    try:
        return compile_value(raw, NOWHERE, checking.app.functions, value_type, _reader(value_type))
    except Refusal as refusal:
        checking.problems.extend(refusal.problems, checking.path)
    except ValueError:
        checking.add("wrong_type", DOES_NOT_FIT, hint=_AS_ITS_TYPE)
    return CompiledValue()


def no_option(chosen: CompiledValue, field: CompiledField | None) -> Problem | None:
    """What is wrong with a choice where a parameter offers the options of a field, and it is none of them."""
    if field is None or not field.choices or chosen.literal in (None, "") or chosen.literal in field.choices:
        return None
    message = {"en": f"“{chosen.literal}” is not one of the options", "zh": f"“{chosen.literal}”不是可选项"}
    return Problem(ROOT, "not_an_option", message, nearest(str(chosen.literal), field.choices) or _of(field.choices))


def check_twice(names: Sequence[str], checking: CheckContext) -> None:
    """Say which names stand twice in a list of things."""
    for name, times in Counter(names).items():
        if times > 1:
            message = {"en": f"The name “{name}” is there twice", "zh": f"名称“{name}”重复"}
            last = len(names) - 1 - list(reversed(names)).index(name)
            checking.ask_to_mend("duplicate_name", message, last, hint=_ANOTHER_NAME)


def _type_of(written: ParameterDefinition, checking: CheckContext) -> ValueType:
    if written.type != "link":
        if written.form is not None:
            checking.ask_to_mend("useless_key", _NOT_A_LINK, "form", hint=_MAKE_IT_A_LINK)
        return TYPES[written.type]
    ids = checking.app.form_ids
    if written.form is None:
        checking.add("unknown_form", _NO_FORM, "form", hint=_SAY_THE_FORM)
    elif written.form not in ids:
        message = {"en": f"There is no form “{written.form}”", "zh": f"不存在表单“{written.form}”"}
        checking.add("unknown_form", message, "form", hint=nearest(written.form, ids))
    return link(ids.get(written.form or "", ""))


def _of(known: Iterable[str]) -> Text:
    return {"en": f"There are: {', '.join(known)}", "zh": f"可选：{'、'.join(known)}"}


def _reader(value_type: ValueType) -> Callable[[Any], Any]:
    """Reads a value that is written down as it is."""
    return lambda raw: None if raw is None else read_value(value_type.name, raw)


_AS_ITS_TYPE: Text = {
    "en": "Write it as the type says, or as an expression: “=today - 30”",
    "zh": "请按类型书写，或写表达式：“=today - 30”",
}
_ANOTHER_NAME: Text = {"en": "Give one of them another name", "zh": "请为其中一个另取名称"}
_NOT_A_LINK: Text = {"en": "`form` goes with the type “link” only", "zh": "form 只能与 link 类型一起使用"}
_MAKE_IT_A_LINK: Text = {"en": "Leave it out, or write “type”: “link”", "zh": "请删去，或将 type 设为 link"}
_NO_FORM: Text = {"en": "It is not said which form's records can be chosen", "zh": "没有说明可选择哪个表单的记录"}
_SAY_THE_FORM: Text = {"en": "Write the “form” beside the type", "zh": "请在 type 旁填写 form"}
