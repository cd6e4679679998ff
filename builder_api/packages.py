"""Apps as files: check, import and export a definition."""

from typing import Any

import sqlalchemy as sa

from builder_api.checking import Checked, Known, check
from builder_api.publish import Consent, Published, publish_document, untrue_stories
from engines.actor import Actor
from metadata.canonical import as_text
from metadata.kinds import Kinds
from metadata.language import Language
from runtime.services import Services


def check_app(kinds: Kinds, document: Any) -> Checked:
    """Check a definition by itself; no database is touched."""
    return check(Language(kinds), document, Known())


def import_app(
    services: Services,
    actor: Actor,
    document: Any,
    *,
    accept_losses: bool = False,
    maintenance: bool = False,
    skip_stories: bool = False,
) -> Published:
    """Publish a definition from a file, as any other way of publishing does; the same file again changes nothing."""
    return publish_document(
        services,
        actor,
        document,
        consent=Consent(accept_losses, maintenance),
        run_stories=None if skip_stories else untrue_stories,
    )


def export_app(services: Services, connection: sa.Connection, app: str) -> str:
    """The live definition as the text of a file, always the same for the same app."""
    live = services.apps.live(connection, app)
    return as_text(services.apps.language.canonical(live.definition))
