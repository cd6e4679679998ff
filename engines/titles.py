"""What the fields, options, roles and people of an app are called, for expressions in words."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from engines.compiled import CompiledForm
from engines.expressions.words import THE_PERSON, Called, Person, Titles
from engines.system_fields import SYSTEM_TITLES
from metadata.text import Text

if TYPE_CHECKING:
    from engines.compiled import CompiledApp
    from engines.context import AppContext

THE_INITIATOR = Person({"en": "the initiator", "zh": "发起人"}, {"en": "the initiator’s", "zh": "发起人的"})
ME = Person({"en": "me", "zh": "我"}, {"en": "my", "zh": "我的"})


def titles_of(app: "CompiledApp", person: Person = THE_PERSON) -> Titles:
    """What things are called in an app that is live."""
    return _titles(app.forms, {role.name: role.caption for role in app.definition.roles}, person)


def titles_in(context: "AppContext", person: Person = THE_PERSON) -> Titles:
    """What things are called in an app that is being compiled."""
    roles = {name: context.role_titles[id] for name, id in context.role_ids.items() if id in context.role_titles}
    return _titles(context.forms, roles, person)


def _titles(forms: Mapping[str, CompiledForm], roles: Mapping[str, Text], person: Person) -> Titles:
    def called(form: str, field: str) -> Called | None:
        if (form, field) == ("user", "roles"):
            return Called({"en": "roles", "zh": "角色"}, roles)
        described = forms[form].fields.get(field) if form in forms else None
        if described is None:
            return Called(SYSTEM_TITLES[field]) if form in forms and field in SYSTEM_TITLES else None
        options = {value: option.title or value for value, option in described.choices.items()}
        return Called(described.title, options, described.kind.look_of(described.options).mark == "percent")

    return Titles(called, person=person)
