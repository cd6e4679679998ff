"""The pages of the documentation as tests read them: fenced blocks, the marks before them, links and headings."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.md"), *ROOT.glob("*.md")])
BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[^>]*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True)
class Block:
    """A fenced block; the mark is the comment that stands right before it, as in `<!-- into forms -->`."""

    language: str
    text: str
    mark: str = ""

    def json(self) -> Any:
        return json.loads(self.text)


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    found = BLOCK.finditer(text)
    return [Block(each["language"], each["text"], (each["mark"] or "").strip()) for each in found]


def without_blocks(text: str) -> str:
    return BLOCK.sub("", text)


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ .*$", without_blocks(text), re.MULTILINE)


def links(text: str) -> Iterator[str]:
    """Where the links of a page lead; addresses elsewhere are left out."""
    for target in re.findall(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)", without_blocks(text)):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(text: str) -> set[str]:
    """The names by which headings are linked to, as code hosting sites make them."""
    plain = (re.sub(r"[`*]", "", heading.lstrip("#").strip()).lower() for heading in headings(text))
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


# --- the tutorial ---


def put(document: dict[str, Any], mark: str, value: Any) -> None:
    """Do with a definition what the mark of a block says: `into forms/machine/fields` or `replace ...`."""
    verb, path = mark.split(" ", 1)
    *way, last = path.split("/")
    place: Any = document
    for part in way:
        place = place[part] if isinstance(place, dict) else _named(place, part)
    if verb == "replace":
        place[place.index(_named(place, last))] = value
        return
    there = place.setdefault(last, [])
    there.extend(value if isinstance(value, list) else [value])


def _named(things: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(each for each in things if each["name"] == name)
