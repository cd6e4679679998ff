"""The command that asks whether the audit log was tampered with: verify-audit."""

from typing import Annotated

import typer

from runtime.audit import sealing
from runtime.commands.console import installation


def verify_audit(
    checkpoint: Annotated[list[str] | None, typer.Option(help="POSITION=HASH, kept elsewhere; may be repeated")] = None,
) -> None:
    """Walk the chain of the audit log: an entry that was changed, removed or slipped in shows."""
    try:
        kept = {int(text.partition("=")[0]): text.partition("=")[2] for text in checkpoint or ()}
    except ValueError:
        raise typer.BadParameter("a checkpoint is POSITION=HASH, as this command prints it") from None
    services = installation()
    sealing.seal(services)
    with services.database.read() as connection:
        found = sealing.verify(services.settings, connection, kept)
    services.close()
    for problem in found.problems[:50]:
        typer.echo(problem, err=True)
    if found.problems:
        raise typer.Exit(1)
    typer.echo(f"{found.sealed} entries, none changed. Keep this elsewhere: {found.sealed}={found.last}")
