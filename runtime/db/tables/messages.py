"""People talking to each other, and their files."""

from sqlalchemy import Index, Table

from engines.columns import Id, UtcDateTime
from runtime.db.tables.columns import identity, may, metadata, must

notification = Table(
    "ff_notification",
    metadata,
    identity(),
    must("member", Id),
    may("app"),
    may("form"),
    may("record", Id),
    must("title"),
    must("body"),
    may("read_at", UtcDateTime),
    must("at", UtcDateTime),
    may("cause", Id),
    Index("ix_ff_notification_member", "member", "read_at", "at"),
)

comment = Table(
    "ff_comment",
    metadata,
    identity(),
    must("app"),
    must("form"),
    must("record", Id),
    must("member", Id),
    must("text"),
    must("at", UtcDateTime),
    Index("ix_ff_comment_record", "form", "record", "at"),
)

file = Table(
    "ff_file",
    metadata,
    identity(),
    must("app"),
    may("form"),
    may("field"),
    may("record", Id),
    must("name"),
    must("size", Id),
    must("type"),
    must("sha256"),
    must("storage"),
    may("uploaded_by", Id),
    must("at", UtcDateTime),
    Index("ix_ff_file_record", "form", "record"),
    Index("ix_ff_file_unused", "record", "at"),
)
