"""Capitals and small letters of all scripts on PostgreSQL, whose own default knows only those of its locale."""

from typing import Any

from sqlalchemy import ColumnElement, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

UNICODE_BUILT_IN = (18,)


class CaseMapped(ColumnElement[str]):
    """upper(text) or lower(text), within a sub-select so that its collation stays inside."""

    type = Text()
    inherit_cache = False

    def __init__(self, mapping: str, text: ColumnElement[Any]) -> None:
        self.mapping = mapping
        self.text = text

    @property
    def _from_objects(self) -> Any:
        return self.text._from_objects

    def get_children(self, **_: Any) -> Any:
        return (self.text,)


@compiles(CaseMapped, "postgresql")
def _postgresql(element: CaseMapped, compiler: SQLCompiler, **options: Any) -> str:
    version = getattr(compiler.dialect, "server_version_info", None) or UNICODE_BUILT_IN
    collation = "pg_unicode_fast" if tuple(version) >= UNICODE_BUILT_IN else "und-x-icu"
    return f'(SELECT {element.mapping}({compiler.process(element.text, **options)} COLLATE "{collation}"))'
