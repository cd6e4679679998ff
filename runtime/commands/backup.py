"""Commands for the day on which a disk breaks: backup, restore."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from engines.actor import system
from runtime import audit, start
from runtime.backup import back_up, lost_key
from runtime.backup import restore as bring_back
from runtime.backup.database import BackupFailed
from runtime.commands.console import give_up, installation, program
from runtime.settings import Settings
from runtime.transaction import Tx, run


def backup(file: Annotated[Path, typer.Argument(help="The archive to write")]) -> None:
    """Write database and files into one archive, while the server runs; all of it is read back before it counts."""
    services = installation()
    try:
        written = back_up(services, file)
    except BackupFailed as error:
        give_up(error)
    finally:
        services.close()
    typer.echo(f"{file}: the database and {written.files} files, {written.bytes:,} bytes, read back and in order.")
    for storage in written.missing[:20]:
        typer.echo(f"  missing in the files' folder: {storage}", err=True)
    if not services.settings.master_key.get_secret_value():
        typer.echo(f"Keep {services.settings.data_dir / 'master.key'} too, if it is there, in another place.")


def restore(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="An archive of `backup`")]) -> None:
    """Bring a backup back where there is no database yet; everybody signs in anew."""
    settings = start.read_settings()
    start.require_writable(settings.data_dir)
    try:
        with start.only_one(settings):
            manifest = bring_back(settings, file)
    except BackupFailed as error:
        give_up(error)
    tell_restored(settings, manifest["at"])
    typer.echo(f"The backup of {manifest['at']} is back.")
    if key := lost_key(settings, manifest):
        typer.echo(f"Second factors need the master key {key}, which is not here; recovery codes work.", err=True)
    typer.echo(f"Now: {program()} migrate")


def tell_restored(settings: Settings, at: str) -> None:
    """Note the return in the audit, where this program can write to what came back."""

    def note(tx: Tx) -> None:
        audit.note(tx, "restored", kind="installation", detail={"at": at})

    services = start.open_installation(settings)
    with suppress(start.CannotStart):
        start.require_version(services)
        run(services, system("command line"), note)
    services.close()
