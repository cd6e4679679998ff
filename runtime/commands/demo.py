"""The command that fills an empty installation: demo."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from engines.actor import system
from metadata.problems import Refusal
from runtime import demo as telling
from runtime import organisation, start
from runtime.commands.console import builder, installation, new_password, program, read_file, refuse
from runtime.demo import SignIn
from runtime.identity import passwords
from runtime.services import Services
from runtime.transaction import Tx, read, run

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def demo() -> None:
    """Fill an empty installation with the CRM example, its people and its data; shows the new passwords once."""
    services = installation()
    try:
        if _has_members(services):
            typer.echo(f"This installation is in use. A new password: {program()} set-password E-MAIL")
        else:
            services.database.hurry()
            typer.echo("Making the demo: an app, its people and some hundred records...")
            with _said_when_interrupted(services):
                _show_sign_ins(_fill(services))
    except Refusal as refusal:
        refuse("demo", refusal)
    finally:
        services.close()


def _has_members(services: Services) -> bool:
    with read(services, system("demo")) as tx:
        return bool(tx.organisation.people)


@contextmanager
def _said_when_interrupted(services: Services) -> Iterator[None]:
    """Half a demo is of no use to anybody: say how to begin anew."""
    try:
        yield
    except BaseException:
        path = start.sqlite_file(services.settings)
        way = f"remove {path.parent}" if path else "make an empty database"
        typer.echo(f"The demo was not finished; to begin anew, {way} and start again.", err=True)
        raise


def _fill(services: Services) -> list[SignIn]:
    """Publish the CRM, let its people live through some months, and add somebody who looks after the installation."""
    name = builder("publish").import_document(services, read_file(EXAMPLES / "crm_app.json"))
    signed_up = telling.load(services, name, json.loads((EXAMPLES / "crm_demo.json").read_text(encoding="utf-8")))
    chosen, email = new_password(), "admin@demo.example"

    def add(tx: Tx) -> None:
        kept = passwords.hash_password(chosen)
        zone = str(services.apps.live(tx, name).zone)
        organisation.add_member(tx, "Admin", email, rights=organisation.RIGHTS, time_zone=zone, password_hash=kept)

    run(services, system("demo"), add)
    return [*signed_up, SignIn("Admin", email, chosen, "all rights on the installation")]


def _show_sign_ins(signed_up: list[SignIn]) -> None:
    typer.echo("\nSign in as one of these; the passwords are shown this once:\n")
    for each in signed_up:
        typer.echo(f"  {each.email:<24} {each.password:<26} {each.name} · {each.may}")
    typer.echo(f"\nA new password later: {program()} set-password E-MAIL\n")
