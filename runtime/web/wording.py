"""The words of the pages in every language: msgid is English, the catalogues are .po files, read as they are."""

import gettext
import io
from functools import lru_cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("en", "zh")
TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
CATALOGUES = {"zh": TEMPLATES / "locale" / "zh_CN" / "LC_MESSAGES" / "messages.po"}


@lru_cache
def catalogue(language: str) -> Catalog:
    """The catalogue of a language; empty for English, whose words are the msgids."""
    if language not in CATALOGUES:
        return Catalog(locale="en")
    with CATALOGUES[language].open("rb") as file:
        return read_po(file, locale="zh_CN")


@lru_cache
def translations(language: str) -> gettext.NullTranslations:
    """The catalogue in the form that gettext reads; compiled in memory, so no built file can be stale."""
    if language not in CATALOGUES:
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@lru_cache
def script_messages(language: str) -> dict[str, str]:
    """The messages that the islands say, translated: what a page embeds as JSON."""
    found = catalogue(language)
    messages = {message: found.get(message) for message in _script_texts()}
    return {text: str(entry.string) for text, entry in messages.items() if entry and entry.string}


@lru_cache
def _script_texts() -> frozenset[str]:
    folder = TEMPLATES / "static" / "js"
    rows = extract_from_dir(folder, [("**.js", "javascript")], keywords={"_": None})
    return frozenset(message for _, _, message, *_ in rows if isinstance(message, str))
