"""The throw-away installation in which a story is told, and the people that the story names."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path as FilePath
from typing import Any

from engines.actor import system
from metadata.app import AppDefinition
from metadata.stories import StoryDefinition
from runtime import organisation, transaction
from runtime.cast import Cast, Clock
from runtime.db.migrate import migrate
from runtime.services import Services, open_services
from runtime.settings import Settings

BEGINNING_OF_WORK = time(9, 0)


def prepare(folder: FilePath, publish: Any, definition: AppDefinition, start: datetime) -> None:
    """Make the installation with which the stories of a day begin, the app just published: no schedule was missed."""
    with installation(folder, Clock(start - timedelta(seconds=1))) as services:
        migrate(services.database)
        publish(services, definition)


@contextmanager
def installation(folder: FilePath, clock: Clock) -> Iterator[Services]:
    """The services of a folder, on a clock of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    services = open_services(Settings(data_dir=folder, database_url=""), clock)
    try:
        yield services
    finally:
        services.close()


def beginning(story: StoryDefinition) -> datetime:
    """The moment at which a story begins."""
    return datetime.combine(story.today, BEGINNING_OF_WORK, UTC)


def sign_up(cast: Cast, story: StoryDefinition) -> None:
    """Sign everybody up, in the departments and under the managers that the story names."""
    with transaction.begin(cast.services, system("story")) as tx:
        live = cast.services.apps.live(tx, cast.app)
        departments = {name: organisation.add_department(tx, name) for name in story.departments}
        for name, roles in story.people.items():
            home = next((departments[d] for d, members in story.departments.items() if name in members), None)
            address = f"{name}@story.example"
            cast.people[name] = organisation.add_member(
                tx, name, address, language=story.language, time_zone=str(live.zone), department=home
            )
            for role in roles:
                organisation.grant_role(tx, cast.app, live.role_ids[role], cast.people[name])
        for department, parent in story.parents.items():
            organisation.set_parent(tx, departments[department], departments[parent])
        for department, head in story.heads.items():
            organisation.set_head(tx, departments[department], cast.people[head])
        for name, manager in story.managers.items():
            organisation.set_manager(tx, cast.people[name], cast.people[manager])
