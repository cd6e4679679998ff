"""What a route may ask for, as types of its arguments: the visit behind a guard, and the body, read and checked."""

from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.datastructures import FormData

from metadata.problems import ROOT, Problem, Refused
from runtime.identity.sessions import require_elevated
from runtime.web.guards import anyone, elevated, holds, must_be_session, signed_in, signed_in_page
from runtime.web.strict_json import BadJson
from runtime.web.visit import Visit


async def json_body(request: Request) -> dict[str, Any]:
    """The body, which must be a JSON object; read strictly, numbers exact."""
    body = request.scope["state"].get("json")
    if isinstance(body, dict):
        return body
    message = {"en": "Send a JSON object, with Content-Type application/json", "zh": "请发送 JSON 对象"}
    raise BadJson(Problem(ROOT, "object_expected", message))


async def checked_form(request: Request, visit: Annotated[Visit, Depends(anyone)]) -> FormData:
    """The fields of a page's form, which must carry the session's token (field or header `csrf`)."""
    form = await request.form(max_files=20, max_fields=1000, max_part_size=1_000_000)
    given = request.headers.get("x-csrf-token") or form.get("csrf")
    if visit.session is not None and given != visit.csrf:
        message = {"en": "This page is out of date; load it again", "zh": "页面已过期，请刷新后重试"}
        raise Refused(Problem(ROOT, "form_expired", message))
    request.state.form = form
    return form


async def elevated_form(
    visit: Annotated[Visit, Depends(anyone)], form: Annotated[FormData, Depends(checked_form)]
) -> FormData:
    """The fields of a form that acts on the installation; where the password is asked for first, they are kept."""
    require_elevated(must_be_session(visit), visit.services.clock())
    return form


SignedIn = Annotated[Visit, Depends(signed_in)]
SignedInPage = Annotated[Visit, Depends(signed_in_page)]
Anyone = Annotated[Visit, Depends(anyone)]
JsonBody = Annotated[dict[str, Any], Depends(json_body)]
CheckedForm = Annotated[FormData, Depends(checked_form)]
ElevatedForm = Annotated[FormData, Depends(elevated_form)]
Elevated = Annotated[Visit, Depends(elevated(signed_in))]
UserAdmin = Annotated[Visit, Depends(holds("user_admin"))]
ElevatedUserAdmin = Annotated[Visit, Depends(elevated(holds("user_admin")))]
Auditor = Annotated[Visit, Depends(holds("auditor", scope="see_audit"))]
AppAdmin = Annotated[Visit, Depends(holds("app_admin", scope="build"))]
