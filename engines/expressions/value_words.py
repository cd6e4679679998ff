"""Values in words: fields by their titles, constants as people write them, sums and functions as phrases."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from engines.expressions.arithmetic import plain
from engines.expressions.evaluate import function_kind
from engines.expressions.phrases import PHRASES, SIGNS, TITLES, glued
from metadata.expressions import Node
from metadata.expressions.aggregates import ALWAYS
from metadata.expressions.words import NAMES
from metadata.text import Text, say

WORD, PRODUCT, SUM, PHRASE, CLAUSE, AND, OR, CHOICE = 9, 8, 7, 6, 5, 4, 3, 2
STRENGTHS = {"*": PRODUCT, "/": PRODUCT, "%": PRODUCT, "+": SUM, "-": SUM}
MADE_OF = {"if", "either", "smallest", "largest"}
PLAIN = {"field", "extra", "literal", "if", "either"}


@dataclass(frozen=True)
class Called:
    """What a field is called, what its options are, and whether its numbers are shares of a hundred."""

    title: Text
    options: Mapping[str, Text] = field(default_factory=dict)
    percent: bool = False


@dataclass(frozen=True)
class Person:
    """What the user of an expression is called, and what is the user's."""

    name: Text
    whose: Text


THE_PERSON = Person({"en": "the person", "zh": "当前用户"}, {"en": "the person’s", "zh": "当前用户的"})


@dataclass(frozen=True)
class Titles:
    """What things are called: fields by form and field id, further names of the place, ids by kind, the user."""

    called: Callable[[str, str], Called | None] = lambda form, field: None
    extras: Mapping[str, Text] = field(default_factory=dict)
    labels: Mapping[tuple[str, int], str] = field(default_factory=dict)
    person: Person = THE_PERSON


@dataclass(frozen=True)
class Said:
    """Words, and how tightly they hold together: what is looser than its surroundings wants brackets."""

    text: str
    strength: int = WORD


class ValueWords:
    """Says values in one language; `condition` is said by who knows conditions."""

    def __init__(self, titles: Titles, language: str) -> None:
        self.titles = titles
        self.language = language

    def condition(self, node: Node) -> Said:
        raise NotImplementedError

    # --- small parts ---

    def phrase(self, key: str, strength: int = WORD, **parts: str) -> Said:
        return Said(glued(say(PHRASES[key], self.language), parts), strength)

    def within(self, said: Said, least: int) -> str:
        return said.text if said.strength >= least else glued(say(PHRASES["brackets"], self.language), {"a": said.text})

    def listed(self, texts: Iterable[str], last: str = "or") -> str:
        """a, b or c"""
        *first, final = texts
        if not first:
            return final
        comma = say(PHRASES["comma"], self.language)
        return glued(say(PHRASES[f"last_{last}"], self.language), {"a": comma.join(first), "b": final})

    def term(self, node: Node, like: Node | None = None) -> str:
        """A value as a part of a phrase; `like` is the other side, whose options give constants their titles."""
        return self.within(self.value(node, like), PHRASE)

    # --- values ---

    def value(self, node: Node, like: Node | None = None) -> Said:
        if node.type.name == "yes_no" and node.kind not in PLAIN:
            return self.phrase("whether", CHOICE, a=self.condition(node).text)
        if node.kind == "literal":
            return self.literal(node, like)
        if node.kind in STRENGTHS:
            return self.arithmetic(node)
        say_it = getattr(self, f"value_{node.kind}", None)
        said: Said = say_it(node) if say_it is not None else self.value_else(node)
        return said

    def literal(self, node: Node, like: Node | None) -> Said:
        value, known = node.value, self._described(like)
        if value is None or value == "":
            return self.phrase("blank")
        if isinstance(value, bool):
            return self.phrase("yes" if value else "no")
        if isinstance(value, str):
            title = known.options.get(value) if known is not None else None
            return self.phrase("quoted", a=say(title, self.language) if title else value)
        if isinstance(value, Decimal):
            share = known is not None and known.percent
            if like is not None and like.kind == "call" and like.value == "YEAR":
                return Said(plain(value))
            return Said(f"{thousands(value * 100)} %" if share else thousands(value))
        if isinstance(value, date | datetime):
            return Said(value.isoformat(" ", "minutes") if isinstance(value, datetime) else value.isoformat())
        if node.type.is_reference:
            label = self.titles.labels.get((node.type.name, value))
            return self.phrase("quoted", a=label) if label else self._by_id(node)
        return Said(str(value))

    def _by_id(self, node: Node) -> Said:
        english, chinese = NAMES[node.type.name]
        return Said(glued("{a} {b}", {"a": chinese if self.language == "zh" else english, "b": str(node.value)}))

    def value_else(self, node: Node) -> Said:
        """What can only be named: by what it is called in the tree."""
        texts = [self.term(arg) for arg in node.args]
        return Said(str(node.value or node.kind) + (f"({', '.join(texts)})" if texts else ""))

    def value_list(self, node: Node) -> Said:
        return Said(self.listed([self.term(arg) for arg in node.args]), CLAUSE)

    def value_root(self, node: Node) -> Said:
        if node.value == "user":
            return Said(say(self.titles.person.name, self.language))
        return self.phrase({"record": "record", "old": "old_record"}.get(node.value, "row"))

    def value_identity(self, node: Node) -> Said:
        return self.value(node.args[0])

    def value_extra(self, node: Node) -> Said:
        return Said(say(self.titles.extras.get(node.value, str(node.value)), self.language))

    def value_field(self, node: Node) -> Said:
        base, known = node.args[0], self._described(node)
        title = say(known.title, self.language) if known is not None else str(node.value)
        if is_user(base):
            whose = say(self.titles.person.whose, self.language)
            return self.phrase("of_person", a=whose, b=title[:1].lower() + title[1:])
        if base.kind != "root":
            return self.phrase("of", a=self.term(base), b=title)
        return self.phrase("before", a=title) if base.value == "old" else Said(title)

    value_column = value_field

    def arithmetic(self, node: Node) -> Said:
        strength = STRENGTHS[node.kind]
        left = self.within(self.value(node.args[0]), strength)
        right = self.within(self.value(node.args[1]), strength + (node.kind in "-/%"))
        return Said(f"{left} {SIGNS.get(node.kind, node.kind)} {right}", strength)

    def value_negate(self, node: Node) -> Said:
        return Said("-" + self.within(self.value(node.args[0]), PRODUCT), PRODUCT)

    def value_join(self, node: Node) -> Said:
        return Said(" & ".join(self.term(arg) for arg in node.args), PHRASE)

    def value_if(self, node: Node) -> Said:
        return self.choice(node, lambda each: self.term(each, node))

    def choice(self, node: Node, say_value: Callable[[Node], str]) -> Said:
        """An if with the ifs in its else side by side, however long the chain."""
        parts = []
        while node.kind == "if":
            test, value, node = node.args
            parts.append(self.phrase("case", test=self.within(self.condition(test), AND), a=say_value(value)).text)
        comma = say(PHRASES["comma_between"], self.language)
        return self.phrase("otherwise", CHOICE, a=comma.join(parts), b=say_value(node))

    def value_either(self, node: Node) -> Said:
        value, instead = node.args
        return self.phrase("instead", CHOICE, a=self.term(value, instead), b=self.term(instead, value))

    def value_smallest(self, node: Node) -> Said:
        return self.phrase("smallest", PHRASE, a=self.listed(map(self.term, node.args), "and"))

    def value_largest(self, node: Node) -> Said:
        return self.phrase("largest", PHRASE, a=self.listed(map(self.term, node.args), "and"))

    def value_length(self, node: Node) -> Said:
        return self.phrase("length", PHRASE, a=self.term(node.args[0]))

    def value_aggregate(self, node: Node) -> Said:
        rows, element, condition = node.args
        key = "rows" if node.value == "count" and element == ALWAYS else node.value
        known = {"rows": self.term(rows), "a": "" if key == "rows" else self.term(element)}
        if condition == ALWAYS:
            return self.phrase(f"total_{key}", PHRASE, **known)
        where = self.within(self.condition(condition), CLAUSE)
        return self.phrase(f"total_{key}_where", CLAUSE, **known, where=where)

    def value_call(self, node: Node) -> Said:
        name, args = node.value, node.args
        if name in ("TODAY", "NOW"):
            return self.phrase(name.lower())
        if name == "DATEADD":
            return self._moved(node)
        if name == "DAYS_BETWEEN":
            key = "days_since" if is_today(args[1]) else "days_until" if is_today(args[0]) else "days_between"
            return self.phrase(key, PHRASE, a=self.term(args[0]), b=self.term(args[1]))
        if name in ("TODATE", "MANAGER_OF", "HEAD_OF"):
            return self.phrase(name.lower(), PHRASE, a=self.term(args[0]))
        title = say(function_kind(name).title, self.language)
        comma = say(PHRASES["comma_between"], self.language)
        return self.phrase("call", a=title, b=comma.join(self.value(arg).text for arg in args))

    def _moved(self, node: Node) -> Said:
        """A date some days, weeks, months or years later, or earlier."""
        day, number, unit = node.args
        key, count = "later", number
        if number.is_constant and number.value is not None and number.value < 0:
            key, count = "earlier", Node("literal", number.type, value=-number.value)
        elif number.kind == "negate":
            key, count = "earlier", number.args[0]
        one = "_one" if count.is_constant and count.value == 1 else ""
        time = self.phrase(f"{unit.value}{one}", a=self.term(count))
        return self.phrase(key, SUM, a=self.term(day), b=time.text)

    # --- what things are called ---

    def _described(self, node: Node | None) -> Called | None:
        """What is known about the field that a value is, or is made of."""
        while node is not None and node.kind in MADE_OF:
            node = next((arg for arg in node.args if arg.type == node.type and not arg.is_constant), None)
        if node is None or node.kind not in ("field", "column"):
            return None
        base = node.args[0]
        form = "user" if is_user(base) else base.type.form or base.type.name
        if form not in ("user", "member", "department"):
            return self.titles.called(form, node.value)
        title = TITLES.get((form, node.value)) or TITLES.get(("member", node.value), node.value)
        return self.titles.called(form, node.value) or Called(title)


def is_today(node: Node) -> bool:
    return node.kind == "call" and node.value == "TODAY"


def is_user(node: Node) -> bool:
    return node.kind == "root" and node.value == "user"


def thousands(number: Decimal) -> str:
    """A number as people write it, its thousands set apart."""
    return f"{Decimal(plain(number)):,f}"
