"""Which linked records an expression will read, so that they can be fetched before it runs."""

from collections.abc import Iterable, Mapping
from typing import Any

from engines.facts import Facts, RecordKey
from metadata.expressions import Expression


def missing_records(
    expressions: Iterable[Expression], record: Mapping[str, Any], facts: Facts, truth: bool = True, **more: Any
) -> frozenset[RecordKey]:
    """The (form, id) keys that the expressions follow from this record and that the facts do not hold yet."""
    raise NotImplementedError
