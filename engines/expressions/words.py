"""Expressions in words: a checked tree as a sentence in English or Chinese, with the titles that people know.

Any checked expression can be said. `Titles` tells what fields, options and people are called; what it does not know
keeps the name that stands in the definition.
"""

from collections.abc import Mapping

from engines.expressions.phrases import AFTER, ORDERS, joined
from engines.expressions.value_words import (
    AND,
    CLAUSE,
    OR,
    THE_PERSON,
    Called,
    Person,
    Said,
    Titles,
    ValueWords,
    is_today,
    is_user,
)
from metadata.expressions import Expression, Node
from metadata.expressions.aggregates import ALWAYS
from metadata.text import Text, say

__all__ = ["THE_PERSON", "Called", "Person", "Titles", "in_words", "say_expression"]

LANGUAGES = ("en", "zh")
TEXT_PARTS: Mapping[str, str] = {"CONTAINS": "contains", "STARTSWITH": "begins", "ENDSWITH": "ends"}


def in_words(expression: Expression, titles: Titles) -> Text:
    """The expression in both languages."""
    return {language: say_expression(expression, titles, language) for language in LANGUAGES}


def say_expression(expression: Expression, titles: Titles, language: str) -> str:
    """The expression as people read it: Stage is “Won” and Amount is greater than 5,000."""
    words = ConditionWords(titles, language if language in LANGUAGES else "en")
    root = expression.root
    return (words.condition(root) if root.type.name == "yes_no" else words.value(root)).text


class ConditionWords(ValueWords):
    """Says conditions, and that they do not hold."""

    def condition(self, node: Node) -> Said:
        say_it = getattr(self, f"condition_{node.kind}", None)
        if say_it is not None:
            said: Said = say_it(node)
            return said
        return self.phrase("is_yes", CLAUSE, a=self.term(node))

    def negated(self, node: Node) -> Said:
        """That a condition does not hold, in the words of that condition where it has some."""
        say_it = getattr(self, f"negated_{node.kind}", None)
        said = say_it(node) if say_it is not None else None
        return said or self.phrase("not", CLAUSE, a=self.within(self.condition(node), CLAUSE))

    def condition_literal(self, node: Node) -> Said:
        return self.phrase("always" if node.value else "never", CLAUSE)

    def condition_and(self, node: Node) -> Said:
        return self._joined(node, "and", AND)

    def condition_or(self, node: Node) -> Said:
        return self._joined(node, "or", OR)

    def _joined(self, node: Node, word: str, strength: int) -> Said:
        parts = (self.within(self.condition(arg), CLAUSE) for arg in node.args)
        return Said(joined(word, parts, self.language), strength)

    def condition_not(self, node: Node) -> Said:
        return self.negated(node.args[0])

    def negated_not(self, node: Node) -> Said:
        return self.condition(node.args[0])

    def negated_field(self, node: Node) -> Said:
        return self.phrase("is_no", CLAUSE, a=self.term(node))

    negated_extra = negated_either = negated_field

    def condition_if(self, node: Node) -> Said:
        return self.choice(node, lambda each: self.within(self.condition(each), CLAUSE))

    def condition_blank(self, node: Node) -> Said:
        return self._blank(node, "is_blank", "is_new")

    def negated_blank(self, node: Node) -> Said:
        return self._blank(node, "is_filled", "is_not_new")

    def _blank(self, node: Node, blank: str, new: str) -> Said:
        value = node.args[0]
        if value.kind == "identity" and value.args[0].value == "old":
            return self.phrase(new, CLAUSE)
        return self.phrase(blank, CLAUSE, a=self.term(value))

    def condition_compare(self, node: Node) -> Said:
        left, right = node.args
        if node.value == "==":
            return self._equal(left, right, "")
        if (passed := self._days(node)) is not None:
            return passed
        return self._ordered(node, "ordered")

    def negated_compare(self, node: Node) -> Said:
        if node.value == "==":
            return self._equal(node.args[0], node.args[1], "not_")
        return self._ordered(node, "not_ordered")

    def _ordered(self, node: Node, phrase: str) -> Said:
        left, right = node.args
        kind = "date" if left.type.name in ("date", "datetime") else "text" if left.type.name == "text" else "number"
        order = say(ORDERS[kind, node.value], self.language)
        return self.phrase(phrase, CLAUSE, a=self.term(left, right), order=order, b=self.term(right, left))

    def _equal(self, left: Node, right: Node, negation: str) -> Said:
        if _is_before(left, right) or _is_before(right, left):
            now = right if _is_before(left, right) else left
            return self.phrase("changed" if negation else "unchanged", CLAUSE, a=self.term(now))
        if left.is_constant and not right.is_constant:
            left, right = right, left
        if left.type.name == "yes_no":
            return self._same_truth(left, right, bool(negation))
        if right.is_constant and right.value in (None, ""):
            return self.phrase("is_filled" if negation else "is_blank", CLAUSE, a=self.term(left))
        kind = "number_" if left.type.name == "number" else "who_" if left.type.is_reference else ""
        return self.phrase(f"{negation}{kind}equal", CLAUSE, a=self.term(left, right), b=self.term(right, left))

    def _same_truth(self, left: Node, right: Node, differs: bool) -> Said:
        if right.is_constant:
            return self.condition(left) if bool(right.value) is not differs else self.negated(left)
        phrase = "not_equal" if differs else "equal"
        return self.phrase(phrase, CLAUSE, a=self.term(left), b=self.term(right))

    def _days(self, node: Node) -> Said | None:
        """Days counted from or to today, said as one says them: more than 7 days ago."""
        left, right = node.args
        if left.kind != "call" or left.value != "DAYS_BETWEEN":
            return None
        start, end = left.args
        if is_today(start) == is_today(end):
            return None
        key, day = ("ago", start) if is_today(end) else ("ahead", end)
        day = day.args[0] if day.kind == "call" and day.value == "TODATE" else day
        order = say(AFTER[key, node.value], self.language)
        days = self.phrase("one_day" if right.is_constant and right.value == 1 else "days", a=self.term(right))
        return self.phrase(key, CLAUSE, a=self.term(day), order=order, b=days.text)

    def condition_in(self, node: Node) -> Said:
        return self._among(node, "")

    def negated_in(self, node: Node) -> Said:
        return self._among(node, "not_")

    def _among(self, node: Node, negation: str) -> Said:
        value, container = node.args
        if container.kind == "list":
            items = [self.term(item, value) for item in container.args]
            if len(items) == 1:
                return self._equal(value, container.args[0], negation)
            return self.phrase(f"{negation}among", CLAUSE, a=self.term(value), b=self.listed(items))
        if container.kind == "field" and is_user(container.args[0]) and not value.is_constant:
            return self.phrase(f"{negation}among", CLAUSE, a=self.term(value), b=self.term(container))
        return self.phrase(f"{negation}holds_one", CLAUSE, a=self.term(container), b=self.term(value, container))

    def condition_call(self, node: Node) -> Said:
        return self._called(node, "") or self.phrase("holds", CLAUSE, a=self.value_call(node).text)

    def negated_call(self, node: Node) -> Said | None:
        return self._called(node, "not_")

    def _called(self, node: Node, negation: str) -> Said | None:
        key = TEXT_PARTS.get(node.value)
        if key is None:
            return None
        text, part = map(_in_any_case, node.args) if _is_in_any_case(node) else node.args
        return self.phrase(f"{negation}{key}", CLAUSE, a=self.term(text), b=self.term(part, text))

    def condition_aggregate(self, node: Node) -> Said:
        return self._quantified(node, node.value)

    def negated_aggregate(self, node: Node) -> Said | None:
        return self._quantified(node, "none") if node.value == "any" else None

    def _quantified(self, node: Node, key: str) -> Said:
        rows, element, condition = node.args
        if condition == ALWAYS:
            return self.phrase(f"{key}_rows", OR, rows=self.term(rows), a=self.condition(element).text)
        where = self.within(self.condition(condition), CLAUSE)
        return self.phrase(f"{key}_rows_where", OR, rows=self.term(rows), a=self.condition(element).text, where=where)


def _is_before(old: Node, now: Node) -> bool:
    """Whether one side is the other side as it was before the change."""
    if old.kind != "field" or now.kind != "field" or old.value != now.value:
        return False
    return (old.args[0].value, now.args[0].value) == ("old", "record")


def _is_in_any_case(node: Node) -> bool:
    """Whether both texts are made small only to look past capitals."""
    return all(arg.kind == "call" and arg.value == "LOWER" for arg in node.args)


def _in_any_case(node: Node) -> Node:
    return node.args[0]
