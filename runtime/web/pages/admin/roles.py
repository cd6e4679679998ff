"""Who holds which role of which app."""

from fastapi import APIRouter
from fastapi.responses import Response

from runtime.web.deps import UserAdmin
from runtime.web.pages.navigation import live_apps
from runtime.web.pages.page import page_of

router = APIRouter(include_in_schema=False)


@router.get("/admin/roles")
def roles(visit: UserAdmin) -> Response:
    page = page_of(visit)
    with page.visit.read() as tx:
        people = tx.organisation
        apps = [
            {
                "name": app.name,
                "title": page.say(app.title),
                "roles": [
                    {
                        "name": role.name,
                        "title": page.say(role.caption),
                        "members": [people.people[each] for each in people.holders(app.name, role.key)],
                    }
                    for role in app.definition.roles
                ],
            }
            for app in live_apps(tx)
        ]
        return page.show(tx, "pages/admin/roles.html", apps=apps)
