"""Commands that move apps in and out and tell what they are worth: import, export, check, test."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from engines.actor import system
from metadata.language import Language
from metadata.problems import Refusal
from metadata.text import say
from runtime import plugins
from runtime.commands.console import builder, installation, read_file, refuse
from runtime.services import Services

AppFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="An app's JSON file")]


def import_app(
    file: AppFile,
    accept_losses: Annotated[bool, typer.Option(help="Agree that something goes out of sight")] = False,
    maintenance: Annotated[
        bool, typer.Option(help="Agree that saving pauses while many records are rewritten")
    ] = False,
    skip_stories: Annotated[bool, typer.Option(help="Do not tell the app's stories first (in an emergency)")] = False,
) -> None:
    """Publish an app from its JSON file, once its stories have come true."""
    services = installation()
    try:
        published = builder("packages").import_app(
            services,
            system("command line"),
            read_file(file),
            accept_losses=accept_losses,
            maintenance=maintenance,
            skip_stories=skip_stories,
        )
        typer.echo(f"{published.app} is live.")
    except Refusal as refusal:
        refuse(file, refusal)
    finally:
        services.close()


def export(app: Annotated[str, typer.Argument(help="The app's name")]) -> None:
    """Print the live definition of an app as JSON."""
    services = installation()
    try:
        with services.database.read() as connection:
            definition = services.apps.live(connection, app).definition
        typer.echo(json.dumps(Language(services.kinds).canonical(definition), ensure_ascii=False, indent=2))
    except Refusal as refusal:
        refuse(app, refusal)
    finally:
        services.close()


def check(file: AppFile) -> None:
    """Check an app's JSON file: every problem with its place and the way out; no database is touched."""
    app = _checked(file)
    typer.echo(f"{file}: {app.name} is in order (forms: {len(app.definition.forms)}).")
    for warning in (each for flow in app.flows.values() for each in flow.warnings):
        typer.echo(f"  {warning.path}: {say(warning.message, 'en')}. {say(warning.hint, 'en')}.")


def test(file: AppFile) -> None:
    """Tell the stories of an app in an installation of its own that is thrown away, on a moved clock."""
    document, app = read_file(file), _checked(file)

    def publish(services: Services, _definition: Any) -> None:
        builder("publish").publish_document(services, system("stories"), document)

    told = builder("stories").tell(app.definition, publish)
    for each in told:
        typer.echo(f"{'FAIL' if each.problem else 'ok  '} {each.story.name}")
    problems = [each.problem for each in told if each.problem]
    typer.echo(f"{len(told) - len(problems)} of {len(told)} stories came true.")
    if problems:
        refuse(file, Refusal(*problems))


def _checked(file: Path) -> Any:
    """The compiled app of a file; every problem is printed where there is one."""
    checking = builder("checking")
    try:
        return checking.check(Language(plugins.load()), read_file(file), checking.Known()).require()
    except Refusal as refusal:
        refuse(file, refusal)
