"""What all relations of one statement share: how each form is seen, at which moment, now or looking back."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from engines.compiled import CompiledApp, CompiledForm
from engines.expressions import Moment, to_sql, where
from engines.grants import Grant
from engines.masks import View
from engines.relation.past import Past
from metadata.expressions import Expression

if TYPE_CHECKING:
    from engines.relation.masked import Relation

Column = ColumnElement[Any]
See = Callable[[str], View]
CLOCK = "clock"


@dataclass(frozen=True)
class Reading:
    """What all relations of one statement share: how the actor sees each form, how the truth is seen, and when.

    `notes` gets CLOCK when the statement depends on the very moment: then it is good for one request only.
    """

    app: CompiledApp
    see: See
    truth: See
    moment: Moment
    dialect: str
    notes: set[str] = field(default_factory=set)
    back: "LookingBack | None" = None

    @property
    def as_truth(self) -> "Reading":
        return replace(self, see=self.truth)

    @property
    def is_truth(self) -> bool:
        return self.see is self.truth

    def table(self, form: CompiledForm) -> FromClause:
        """The records of a form (or the rows of a subform): those of today, or those of the moment looked back to."""
        return form.table if self.back is None else self.back.past.table(form)

    def where(self, expression: Expression, relation: "Relation") -> Column:
        """A condition over a relation, in the forms that can use an index."""
        self._note(expression)
        return where(expression, relation, self.moment, self.dialect)

    def value(self, expression: Expression, relation: "Relation", decimals: int | None) -> Column:
        """A value over a relation, in the form in which such fields are stored."""
        self._note(expression)
        return to_sql(expression, relation, self.moment, self.dialect, decimals)

    def _note(self, expression: Expression) -> None:
        if any(node.kind == "call" and node.value == "NOW" for node in expression.root.walk()):
            self.notes.add(CLOCK)


@dataclass(frozen=True)
class LookingBack:
    """What reading the past takes: the records then, how they are read today, and who may see the history of a form."""

    past: Past
    today: Reading
    allowed: Callable[[str], tuple[Grant, ...]]
