"""What may be read: records, lists and counts, always through the masked relation."""

from runtime.reading.records import (
    PAGE_SIZE,
    ListQuery,
    Page,
    Shown,
    count_records,
    get,
    ids_matching,
    labels_of,
    list_records,
    masked_records,
    pick,
    readable_ids,
    shown_records,
)

__all__ = [
    "PAGE_SIZE",
    "ListQuery",
    "Page",
    "Shown",
    "count_records",
    "get",
    "ids_matching",
    "labels_of",
    "list_records",
    "masked_records",
    "pick",
    "readable_ids",
    "shown_records",
]
