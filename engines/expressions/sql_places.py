"""Where an expression reads in SQL: the columns, lists and rows of the record, of a row, or behind a link."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select

from engines.expressions.not_pushable import NotPushable
from engines.expressions.readable import Readable
from metadata.expressions import Node

Column = ColumnElement[Any]
Condition = ColumnElement[bool]


class Places:
    """The relations that the names of one expression mean; each loop over rows adds its own."""

    def __init__(self, relation: Readable) -> None:
        self.sources: dict[str, Readable] = {"record": getattr(relation, "record", relation), "row": relation}

    def column(self, node: Node) -> Column:
        """The masked column of a field."""
        return self.source(node.args[0]).column(node.value)

    def source(self, base: Node) -> Readable:
        """Where a field is read: the record, a row, or what a link leads to."""
        if base.kind == "root":
            return self.sources[base.value]
        if base.kind != "field":
            raise NotPushable({"en": "This path is only known on the server", "zh": "该路径只能逐行计算"})
        return self.source(base.args[0]).follow(base.value)

    def unmasked(self, node: Node) -> tuple[Column, Condition] | None:
        """A field's own column, and where it may be seen."""
        if node.kind != "field" or node.args[0].kind != "root":
            return None
        return self.sources[node.args[0].value].unmasked(node.value)

    def side_table(self, node: Node) -> tuple[FromClause, Column, Condition]:
        """The values of a list: a source, its column, and which belong to the record."""
        if node.kind != "field" or node.args[0].kind != "root":
            raise NotPushable({"en": "A list behind a link runs on the server", "zh": "关联记录中的列表只能逐行计算"})
        return self.sources[node.args[0].value].values(node.value)

    def rows(self, rows: Node, loop: str) -> tuple[Readable, Condition]:
        """The rows of a subform, from here on known under the name of the loop, and which belong to the record."""
        if rows.kind != "field" or rows.args[0].kind != "root":
            raise NotPushable({"en": "Rows behind a link run on the server", "zh": "关联记录中的明细只能逐行计算"})
        source, belongs = self.sources[rows.args[0].value].rows(rows.value)
        self.sources[loop] = source
        return source, belongs


def inner(selected: Select[Any], source: FromClause) -> Select[Any]:
    """A sub-select over this source that takes everything else from the statement around it."""
    return selected.select_from(source).correlate_except(source)
