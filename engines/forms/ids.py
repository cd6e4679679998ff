"""Reading ids of members, departments and records: opaque text outside, whole numbers inside."""

from typing import Any

from engines.compiled import CompiledField
from engines.forms.lists import read_list
from engines.forms.texts import wrong_type
from engines.json_values import id_in
from engines.values import ValueProblem


def read_id(raw: Any) -> int | None:
    """Read one id as the API writes it."""
    if raw is None or raw == "":
        return None
    if not isinstance(raw, str):
        raise wrong_type(raw, {"en": 'an id as text, such as "1042"', "zh": '文本形式的 id，例如 "1042"'})
    id = id_in(raw)
    if id is None:
        raise ValueProblem(
            "bad_id",
            {"en": f"“{raw[:40]}” is not an id", "zh": f"“{raw[:40]}”不是有效的 id"},
            {"en": "Take the id as the API gave it", "zh": "请使用接口返回的 id"},
        )
    return id


def read_ids(raw: Any, field: CompiledField) -> Any:
    """Read one id, or a list of them where the field takes several."""
    return read_list(raw, read_id) if field.is_list else read_id(raw)
