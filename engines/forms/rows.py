"""How the rows of a subform change: what is new, what is different or elsewhere, what is gone."""

from collections.abc import Mapping, Sequence
from typing import Any

from engines.compiled import CompiledForm
from engines.forms.save import RowChanges

Row = Mapping[str, Any]


def differ(subform: CompiledForm, before: Sequence[Row], after: Sequence[Row]) -> bool:
    """Whether anything about the rows has changed, their order included."""
    if len(before) != len(after):
        return True
    return any(old["id"] != new["id"] or row_differs(subform, old, new) for old, new in zip(before, after, strict=True))


def row_changes(subform: CompiledForm, before: Sequence[Row], after: Sequence[Row]) -> RowChanges:
    """What has to be written, row by row; `position` is the place in the list."""
    known = {row["id"]: (index, row) for index, row in enumerate(before)}
    created, updated = [], []
    for index, row in enumerate(after):
        whole = {**row, "position": index}
        if row["id"] not in known:
            created.append(whole)
        elif known[row["id"]][0] != index or row_differs(subform, known[row["id"]][1], row):
            updated.append(whole)
    kept = {row["id"] for row in after}
    return RowChanges(tuple(created), tuple(updated), tuple(id for id in known if id not in kept))


def row_differs(subform: CompiledForm, before: Row, after: Row) -> bool:
    """Whether a stored value of the row has changed."""
    return any(before.get(id) != after.get(id) for id, field in subform.fields.items() if field.storage != "computed")
