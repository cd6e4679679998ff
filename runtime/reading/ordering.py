"""In which order a list shows its records: by fields that the actor may see, and always a whole order."""

from typing import TYPE_CHECKING

from engines.relation.masked import Relation
from metadata.problems import Invalid, LimitExceeded, Path, Problem
from runtime.reading.paging import SORTABLE, Order, SortKey
from runtime.reading.shown_columns import follow, resolve

if TYPE_CHECKING:
    from runtime.reading.question import Question

MOST_SORT_KEYS = 5


def order_of(question: "Question", relation: Relation, sort: str) -> Order:
    """The order that was asked for, or the form's own; always a whole one, ending with the id."""
    place = Path(("sort",))
    asked = [each.strip() for each in sort.split(",") if each.strip()] if sort else _own_order(question)
    if len(asked) > MOST_SORT_KEYS:
        raise _too_many(len(asked), place)
    keys = [_sort_key(question, relation, each, index, place) for index, each in enumerate(asked)]
    if not any(each.removeprefix("-") == "id" for each in asked):
        keys.append(SortKey("~id", relation.column("id"), True, question.names.fields(question.form.id)["id"].type))
    return tuple(keys)


def _own_order(question: "Question") -> list[str]:
    definition = next((each for each in question.app.definition.forms if each.key == question.form.id), None)
    known = question.names.fields(question.form.id)
    own = definition.sort if definition else ()
    return [("-" if each.descending else "") + each.field for each in own if each.field.split(".")[0] in known]


def _sort_key(question: "Question", relation: Relation, text: str, index: int, place: Path) -> SortKey:
    wanted = resolve(question.app, question.names, question.form.id, text.removeprefix("-"), place)
    if wanted.type.name not in SORTABLE:
        message = {"en": f"A list cannot be sorted by “{wanted.name}”", "zh": f"列表不能按“{wanted.name}”排序"}
        raise Invalid(Problem(place, "not_sortable", message))
    column = follow(relation, wanted.path).column(wanted.path[-1])
    return SortKey(f"~{index}", column, text.startswith("-"), wanted.type)


def _too_many(asked: int, place: Path) -> LimitExceeded:
    message = {
        "en": f"A list is sorted by at most {MOST_SORT_KEYS} fields",
        "zh": f"最多按 {MOST_SORT_KEYS} 个字段排序",
    }
    limit = {"name": "sort", "max": MOST_SORT_KEYS, "actual": asked}
    return LimitExceeded(Problem(place, "limit_exceeded", message, limit=limit))
