"""Reading lists of values: each once, in order, not too many; and how many rows a subform may have."""

from collections.abc import Callable
from typing import Any, TypeVar

from engines.forms.texts import wrong_type
from engines.values import ValueProblem

T = TypeVar("T")

MOST_VALUES = 500
MOST_ROWS = 1_000


def read_list(raw: Any, read_one: Callable[[Any], T | None], most: int = MOST_VALUES) -> tuple[T, ...]:
    """Read a JSON list, element by element; doubles and blanks fall away."""
    if raw is None:
        return ()
    if not isinstance(raw, list | tuple):
        raise wrong_type(raw, {"en": "a list", "zh": "列表"})
    if len(raw) > most:
        raise ValueProblem(
            "too_many_values",
            {"en": f"At most {most} values are allowed here", "zh": f"此处最多 {most} 个值"},
            limit={"name": "values", "max": most, "actual": len(raw)},
        )
    read = (read_one(each) for each in raw)
    return tuple(dict.fromkeys(each for each in read if each is not None))
