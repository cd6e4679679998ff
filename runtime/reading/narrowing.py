"""Which records a list shows: a filter and the words of a search, over what the actor may see."""

from typing import TYPE_CHECKING

import sqlalchemy as sa

from engines.expressions import NotPushable, moment_of, where
from engines.relation.masked import Column, Relation
from metadata.expressions import Expression, Scope, check
from metadata.problems import Invalid, Path, Problem, Refusal
from metadata.text import say
from metadata.value_types import YES_NO

if TYPE_CHECKING:
    from runtime.reading.question import Question


def narrow(question: "Question", relation: Relation, filter: str, search: str) -> Relation:
    """Leave of a relation what a filter and the words of a search say."""
    if filter:
        relation.where(relation.reading.where(checked(question, filter), relation))
    for word in search.split():
        relation.where(_has_word(question, relation, word))
    return relation


def checked(question: "Question", text: str) -> Expression:
    """A filter, checked against the names that exist for the actor."""
    place = Path(("filter",))
    try:
        expression = understood(question, text)
        where(expression, question.relation(question.at_once()), moment_of(question.facts), question.tx.dialect)
    except NotPushable as reason:
        words = {each: say(reason.reason, each) for each in ("en", "zh")}
        message = {
            "en": f"A list cannot be filtered by this: {words['en']}",
            "zh": f"列表不支持该筛选条件：{words['zh']}",
        }
        raise Invalid(Problem(place, "not_pushable", message)) from None
    except Refusal as refusal:
        raise Invalid(*[each.under(place) for each in refusal.problems]) from None
    return expression


def understood(question: "Question", text: str) -> Expression:
    """A condition of the actor as it is written; whether a list can be filtered by it is another question."""
    return check(text, Scope(question.names, question.form.id).with_ids(), question.tx.services.kinds.functions, YES_NO)


def _has_word(question: "Question", relation: Relation, word: str) -> Column:
    fields = [each for each in _searched(question) if each in relation.fields]
    found = [relation.column(each).ilike(f"%{_literal(word)}%", escape="\\") for each in fields]
    return sa.or_(sa.false(), *found)


def _searched(question: "Question") -> list[str]:
    definition = next((each for each in question.app.definition.forms if each.key == question.form.id), None)
    chosen = [question.form.field_ids[name] for name in definition.search] if definition else []
    texts = [id for id, each in question.form.fields.items() if each.kind.is_searched and each.column]
    return [each for each in chosen if question.form.fields[each].type.name == "text"] or texts


def _literal(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
