"""Where computed fields live: stored with the save, or worked out in SQL at read; and the levels of roll-ups."""

from collections.abc import Iterator

from engines.compiled import FieldKey, Rollup
from engines.forms.resolve import CHANGING_SYSTEM_FIELDS, Resolver
from metadata.expressions import Expression
from metadata.expressions.signatures import find
from metadata.expressions.tree import Node, Read
from metadata.problems import Path, Problem, Problems
from metadata.value_types import ValueType

EVENTUAL_LEVEL = 3  # a total of totals of totals follows by a job, or one save would lock half of the app


class Storages:
    """Answers for every formula whether it can be stored, and for every roll-up what it rests on."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._computed: dict[FieldKey, bool] = {}
        self._levels: dict[FieldKey, int] = {}

    def is_computed(self, key: FieldKey) -> bool:
        """Whether the field is a formula that reads through links, moves with the clock, or reads one that does."""
        if key not in self._computed:
            expression = self._resolver.expressions.get(key)
            self._computed[key] = expression is not None and self._leads_away(expression, key[0])
        return self._computed[key]

    def rollup(self, key: FieldKey, problems: Problems) -> Rollup | None:
        """The roll-up of a field; a total over what is only known at reading is refused."""
        resolver = self._resolver
        total = resolver.totals[key]
        source = resolver.source_of(total)
        assert source is not None  # else it has a problem of its own and is no total
        link, value = self._id_in(source, total.link), self._id_in(source, total.value)
        where = resolver.wheres[key]
        bare = "record" if total.rows is None else "row"
        parts = [("where", read) for read in where.reads] if where else []
        if value is not None:
            parts.append((total.function, (bare, value)))
        wrong = {place for place, read in parts if self._is_away(read, source)}
        problems.items.extend(_away(resolver.written(key).path / place) for place in sorted(wrong))
        if wrong or link is None:
            return None
        return Rollup(
            form=key[0],
            field=key[1],
            source=resolver.form_ids[total.form],
            link=link,
            type=resolver.types[key],
            function=total.function,
            value=value,
            where=where,
            level=(level := self.level(key)),
            reads=frozenset(read[1] for _, read in parts if len(read) > 1) | {link},
            rows=None if total.rows is None else source,
            eventual=total.eventual or level >= EVENTUAL_LEVEL,
        )

    def _id_in(self, form: str, name: str | None) -> str | None:
        """The id of a field by its name; system fields are called by their names."""
        if name is None:
            return None
        written = self._resolver.forms[form].fields.get(name)
        return written.key[1] if written is not None else name

    def level(self, key: FieldKey) -> int:
        """How many roll-ups lie one behind the other below this field: 0 for what a person writes."""
        if key not in self._levels:
            self._levels[key] = 0  # cycles were refused before
            self._levels[key] = self._find_level(key)
        return self._levels[key]

    def read_by(self, key: FieldKey) -> Iterator[FieldKey]:
        """Every field that a formula reads, also on the way."""
        for read in self._resolver.expressions[key].reads:
            yield from (each for each, _ in self._walk(read, key[0]))

    def _find_level(self, key: FieldKey) -> int:
        resolver = self._resolver
        if key in resolver.totals:
            total = resolver.totals[key]
            source = resolver.source_of(total) or ""
            where, value = resolver.wheres[key], self._id_in(source, total.value)
            reads = [*(where.reads if where else ()), *([("row", value)] if value else ())]
            below = [each for read in reads for each, _ in self._walk(read, source)]
            return 1 + max((self.level(each) for each in below), default=0)
        expression = resolver.expressions.get(key)
        if expression is None:
            return 0
        return max((self.level(each) for read in expression.reads for each, _ in self._walk(read, key[0])), default=0)

    def _leads_away(self, expression: Expression, form: str) -> bool:
        if expression.type.volatile or any(self._asks_organisation(node) for node in expression.root.walk()):
            return True
        return any(self._is_away(read, form) for read in expression.reads)

    def _asks_organisation(self, node: Node) -> bool:
        """Whether a function of the expression looks into the organisation, which changes without any save."""
        function = find(self._resolver.functions, str(node.value)) if node.kind == "call" else None
        return "organisation" in getattr(function, "wants", ())

    def _is_away(self, read: Read, form: str) -> bool:
        """Whether what a path reads is not stored in the record or its rows."""
        in_row = read[0] == "record" and self._resolver.forms[form].parent is not None
        for index, (key, type) in enumerate(steps := list(self._walk(read, form))):
            if in_row and self.level(key):
                return True  # a moved total writes its record, not the rows
            if type.is_reference and index < len(steps) - 1 or type.volatile:
                return True
            if key[1] in CHANGING_SYSTEM_FIELDS or self.is_computed(key):
                return True
        return False

    def _walk(self, read: Read, form: str) -> Iterator[tuple[FieldKey, ValueType]]:
        """Every field on a path, with its type; fields of the directory end the walk."""
        resolver = self._resolver
        at: str | None = form
        if read[0] == "record" and resolver.forms[form].parent is not None:
            at = resolver.forms[form].parent
        for id in read[1:]:
            if at is None or at not in resolver.forms:
                yield ("", id), ValueType("blank")
                return
            written = resolver.forms[at].by_id.get(id)
            name = written.definition.name if written else id
            type = resolver.names.forms[at][name].type
            yield (at, id), type
            at = type.form


def _away(path: Path) -> Problem:
    message = {
        "en": "A roll-up reads stored values of its records only, nothing behind a link or computed at reading",
        "zh": "汇总只能读取记录自身存储的值，不能读取关联记录或读取时计算的值",
    }
    return Problem(path, "bad_rollup", message)
