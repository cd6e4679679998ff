"""Does what a reader of the documentation would type: `fourfold ...` in this process, `curl ...` against a client."""

import json
import shlex
from dataclasses import dataclass, field
from string import Template
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response
from typer.testing import CliRunner

from runtime.cli import commands

ANYTHING = "…"


def fourfold(line: str) -> str:
    """What a command prints; one that is meant to fail prints its problems."""
    words = shlex.split(line)
    assert words[0] == "fourfold", line
    return CliRunner().invoke(commands, words[1:]).output


@dataclass
class Curl:
    """Reads `curl` lines; `$NAME` stands for what an earlier block was marked to be remembered as."""

    client: TestClient
    known: dict[str, str] = field(default_factory=dict)

    def do(self, line: str) -> Response:
        words = shlex.split(Template(line.replace("\\\n", " ")).substitute(self.known))
        assert words.pop(0) == "curl", line
        method, headers, query, url = None, {}, {}, ""
        body: dict[str, Any] = {}
        use_cookies = False
        while words:
            word = words.pop(0)
            match word:
                case "-X":
                    method = words.pop(0)
                case "-H":
                    name, _, value = words.pop(0).partition(": ")
                    headers[name] = value
                case "-d":
                    body = {"content": words.pop(0)}
                case "-F":
                    name, _, file = words.pop(0).partition("=@")
                    body = {"files": {name: (file, b"%PDF-1.4 ...")}}
                case "-G":
                    method = "GET"
                case "--data-urlencode":
                    name, _, value = words.pop(0).partition("=")
                    query[name] = value
                case "-c" | "-b":
                    use_cookies = True
                    words.pop(0)
                case _:
                    url = word
        if not use_cookies:
            self.client.cookies.clear()
        return self.client.request(
            method or ("POST" if body else "GET"), url, headers=headers, params=query or None, **body
        )


def promised(told: Any, found: Any, place: str = "") -> list[str]:
    """Where an answer is not what the page shows; "…" stands for anything, and keys may be left out."""
    if told == ANYTHING:
        return []
    if isinstance(told, dict) and isinstance(found, dict):
        missing = [f"{place}/{key} is not there" for key in told if key not in found]
        shared = [wrong for key in told if key in found for wrong in promised(told[key], found[key], f"{place}/{key}")]
        return missing + shared
    if isinstance(told, list) and isinstance(found, list):
        if len(told) != len(found):
            return [f"{place} has {len(found)} items, not {len(told)}"]
        pairs = enumerate(zip(told, found, strict=True))
        return [wrong for index, (one, other) in pairs for wrong in promised(one, other, f"{place}/{index}")]
    if isinstance(told, str) and told.endswith(ANYTHING) and isinstance(found, str):
        return [] if found.startswith(told[:-1]) else [f"{place} is {found!r}, not {told!r}"]
    return [] if told == found else [f"{place} is {json.dumps(found)}, not {json.dumps(told)}"]
