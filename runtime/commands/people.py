"""Commands that look after those who sign in: new-user, set-password, take-second-factor."""

from typing import Annotated

import typer

from runtime.commands.console import do, installation, new_password
from runtime.organisation import RIGHTS, members, no_such, normal_email
from runtime.transaction import Tx


def new_user(
    name: str,
    email: str,
    admin: Annotated[bool, typer.Option(help="May manage members and apps")] = False,
    password: Annotated[str | None, typer.Option(help="Asked for or made up when not given", hide_input=True)] = None,
) -> None:
    """Add a member who can sign in."""
    services = installation()
    chosen = password or new_password()
    rights = frozenset(RIGHTS if admin else ())
    do(services, lambda tx: members.add(tx, name, email, rights=rights, password=chosen))
    typer.echo(f"{name} <{email}> can sign in." + ("" if password else f"  Password: {chosen}"))


def set_password(
    email: str,
    password: Annotated[str | None, typer.Option(help="Made up and shown once when not given")] = None,
) -> None:
    """Give a member a new password; he is signed out everywhere."""
    services = installation()
    chosen = password or new_password()
    do(services, lambda tx: members.set_password(tx, _member(tx, email), chosen))
    typer.echo(f"{email} has a new password" + ("." if password else f": {chosen}"))


def take_second_factor(email: str) -> None:
    """Take the second factor of a member away who has lost it; he is signed out everywhere."""
    do(installation(), lambda tx: members.take_second_factor(tx, _member(tx, email)))
    typer.echo(f"{email} signs in with the password alone.")


def _member(tx: Tx, email: str) -> int:
    """The member whose address this is."""
    for person in tx.organisation.people.values():
        if person.email == normal_email(email):
            return person.id
    raise no_such("member", email)
