"""An app: everything that one definition says."""

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from metadata.access import AccessDefinition, RoleDefinition
from metadata.flows import FlowDefinition
from metadata.forms import FormDefinition, ViewDefinition
from metadata.names import Name
from metadata.normalise import Short, Words
from metadata.nouns import Icon
from metadata.registry import Options
from metadata.reports import DashboardDefinition, ReportDefinition
from metadata.rules import RuleDefinition
from metadata.stories import StoryDefinition
from metadata.text import Text, spelt_out

CURRENT_FORMAT = 1

RESERVED_KEYS = (
    "pages",
    "navigation",
    "print",
    "public_forms",
    "hooks",
    "calendars",
    "scores",
    "duplicates",
    "connections",
    "seed",
)
"""Keys that later versions will give a meaning; until then they are refused by name."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # what zoneinfo raises for names that are none, or only folders
        raise PydanticCustomError("unknown_time_zone", "“{name}” is no time zone", {"name": name}) from None
    return name


TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known_zone)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class RequirementDefinition(Options):
    """Another app that must be installed for this one to work."""

    app: Name
    version: str | None = None


class AppDefinition(Options):
    """The whole of an app; what is not written here does not exist for its users."""

    format: int = Field(default=CURRENT_FORMAT, ge=1, le=CURRENT_FORMAT)
    app: Name
    version: Annotated[str, Field(min_length=1, max_length=40)] = "1.0.0"
    title: Words | None = None
    help: Words | None = None
    icon: Icon | None = None
    time_zone: TimeZone = "UTC"
    currency: Currency = "USD"
    requires: tuple[Annotated[RequirementDefinition, Short("app")], ...] = ()
    roles: tuple[Annotated[RoleDefinition, Short("name")], ...] = ()
    forms: tuple[FormDefinition, ...] = Field(min_length=1)
    views: tuple[ViewDefinition, ...] = ()
    flows: tuple[FlowDefinition, ...] = ()
    rules: tuple[RuleDefinition, ...] = ()
    reports: tuple[ReportDefinition, ...] = ()
    dashboards: tuple[DashboardDefinition, ...] = ()
    access: tuple[AccessDefinition, ...] = ()
    stories: tuple[StoryDefinition, ...] = ()

    @property
    def caption(self) -> Text:
        return self.title or spelt_out(self.app)
