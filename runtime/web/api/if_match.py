"""Which version of a record a request changes: If-Match, or `version` in its body."""

import re
from typing import Any

from fastapi import Request

from metadata.problems import ROOT, Invalid, Path, Problem, Refused
from runtime.web.visit import Visit

_etag = re.compile(r'\A"([0-9]{1,19})\.([0-9]{1,9})"\Z')


def version_in(body: dict[str, Any]) -> int | None:
    """The version that a body names."""
    version = body.get("version")
    if version is not None and (isinstance(version, bool) or not isinstance(version, int)):
        message = {"en": "The version is a whole number", "zh": "version 须为整数"}
        raise Invalid(Problem(Path(("version",)), "bad_version", message))
    return version


def version_of(visit: Visit, request: Request, body: dict[str, Any], id: int) -> tuple[int | None, bool]:
    """The version that was changed, and whether it is to be checked."""
    given = request.headers.get("if-match")
    if given is None:
        return version_in(body), True
    if given.strip() == "*":
        if visit.actor.kind != "key" or "overwrite" not in (visit.actor.scopes or ()):
            message = {
                "en": "Only API keys with the scope overwrite may do without a version",
                "zh": "仅具备 overwrite 权限的密钥可忽略版本",
            }
            raise Refused(Problem(ROOT, "scope_missing", message))
        return None, False
    found = _etag.match(given.strip())
    if found is None or int(found[1]) != id:
        message = {"en": "If-Match must hold the ETag of this record", "zh": "If-Match 须为该记录的 ETag"}
        raise Invalid(Problem(ROOT, "bad_etag", message))
    return int(found[2]), True
