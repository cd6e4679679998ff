"""A definition cut into parts, each known by the hash of what it says, as git keeps files."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from metadata.app import AppDefinition
from metadata.canonical import canonical

SECTIONS = ("roles", "forms", "views", "flows", "rules", "reports", "dashboards", "access", "stories")
HEAD = "app"


@dataclass(frozen=True)
class Part:
    """One form, flow, rule, ... as written, or the head of the app. Never changed once stored."""

    kind: str
    hash: str
    body: Mapping[str, Any]

    @property
    def id(self) -> str | None:
        """The stable id of the thing; access entries and stories have none."""
        return self.body.get("id")


def cut(app: AppDefinition) -> tuple[Part, ...]:
    """Cut a definition into its parts, in order, the head first."""
    document = canonical(app)
    head = {key: value for key, value in document.items() if key not in SECTIONS}
    return (part(HEAD, head), *(part(kind, body) for kind in SECTIONS for body in document.get(kind, ())))


def part(kind: str, body: Mapping[str, Any]) -> Part:
    written = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return Part(kind, hashlib.sha256(f"{kind}:{written}".encode()).hexdigest(), body)


def join(parts: Iterable[Part]) -> dict[str, Any]:
    """Put parts together again."""
    document: dict[str, Any] = {}
    for each in parts:
        if each.kind == HEAD:
            document.update(each.body)
        else:
            document.setdefault(each.kind, []).append(dict(each.body))
    return document
