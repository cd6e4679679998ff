"""Who acts: a signed-in member, an API key on a member's behalf, the public, or the platform itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engines.organisation import Organisation, Person

ActorKind = Literal["user", "key", "public", "system"]


@dataclass(frozen=True)
class Actor:
    """Somebody who asks for something, with what he is known to be at the moment of the request.

    `roles` maps an app's name to the ids of the roles held in it. `departments` holds his own department and all
    below it. `rights` are instance rights (user_admin, app_admin, auditor, ops); none of them lets him read app data.
    `scopes` limits an API key to some verbs; None means no such limit.
    """

    kind: ActorKind
    member: int | None = None
    name: str = ""
    email: str = ""
    language: str = "en"
    time_zone: str = ""
    department: int | None = None
    departments: frozenset[int] = frozenset()
    manager: int | None = None
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    rights: frozenset[str] = frozenset()
    scopes: frozenset[str] | None = None
    credential: str = ""

    def roles_in(self, app: str) -> frozenset[str]:
        return self.roles.get(app, frozenset())

    @property
    def is_system(self) -> bool:
        return self.kind == "system"


def acting(people: Organisation, person: Person, kind: ActorKind = "user", **more: Any) -> Actor:
    """Somebody of the organisation with all that he is at this moment, but for his rights over the installation."""
    return Actor(
        kind=kind,
        member=person.id,
        name=person.name,
        email=person.email,
        language=person.language,
        time_zone=person.time_zone,
        department=person.department,
        departments=people.below(person.department),
        manager=people.manager_of(person.id),
        roles=person.roles,
        **more,
    )


def system(reason: str) -> Actor:
    """The platform acting by itself: a rule, a flow, a sweep. Sees and may do everything; always with a cause."""
    return Actor(kind="system", name=reason)
