"""Apps: their parts, manifests and drafts."""

from sqlalchemy import Column, Index, Integer, Table

from engines.columns import Id, UtcDateTime
from runtime.db.tables.columns import Json, identity, key, may, metadata, must

app = Table(
    "ff_app",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    must("name"),
    may("live", Id),
    must("title", Json),
    Index("uq_ff_app_name", "name", unique=True),
)

part = Table("ff_part", metadata, key("hash"), must("kind"), must("body", Json))

manifest = Table(
    "ff_manifest",
    metadata,
    identity(),
    must("app"),
    must("number", Integer),
    may("parent", Id),
    may("version"),
    must("parts", Json),
    must("ids", Json),
    must("published_at", UtcDateTime),
    may("published_by", Id),
    may("package", Id),
    Index("uq_ff_manifest_app_number", "app", "number", unique=True),
)

draft = Table(
    "ff_draft",
    metadata,
    key("app"),
    must("version", Integer),
    must("document", Json),
    must("updated_at", UtcDateTime),
    may("updated_by", Id),
)

counter = Table("ff_counter", metadata, key("app"), key("field"), key("period"), must("value", Id))
