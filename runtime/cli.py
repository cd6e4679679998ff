"""The commands of `fourfold`: start it, look after it, move apps in and out, test them."""

import json
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from engines.actor import system
from metadata.problems import Refusal
from metadata.text import say
from runtime import start
from runtime.services import Services
from runtime.settings import Settings
from runtime.transaction import Tx, read, run

commands = typer.Typer(
    name="fourfold",
    help="Fourfold: one JSON app, four engines.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

AppFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="An app's JSON file")]


@commands.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Where to listen (FOURFOLD_HOST)")] = None,
    port: Annotated[int | None, typer.Option(help="Where to listen (FOURFOLD_PORT)")] = None,
    worker: Annotated[bool, typer.Option(help="Do the jobs in this process too")] = True,
) -> None:
    """Serve pages and API, and do the jobs, in one process."""
    import uvicorn

    from runtime import logs
    from runtime.server import create_app

    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = start.read_settings().model_copy(update=given)
    logs.set_up(settings)
    services = start.open_installation(settings)
    with start.only_one(settings):
        start.require_version(services)
        start.warn_of_lost_key(services)
        if not worker:
            working().connect(services)
        app = create_app(settings, services, worker=worker)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # raised again once the server has stopped in good order
        typer.echo(f"Fourfold runs at {settings.address}  (Ctrl+C stops it)")
        uvicorn.run(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=True,
            forwarded_allow_ips=settings.trusted_proxies,
            timeout_graceful_shutdown=20,
            h11_max_incomplete_event_size=48_000,
        )


@commands.command()
def worker() -> None:
    """Do the jobs, timers and sweeps only; for PostgreSQL, beside servers started with --no-worker."""
    from runtime import logs

    settings = start.read_settings()
    logs.set_up(settings)
    services = start.open_installation(settings)
    with start.only_one(settings):
        start.require_version(services)
        running = working().start(services)
        typer.echo("The worker runs  (Ctrl+C stops it)")
        with suppress(KeyboardInterrupt):
            signal.sigwait({signal.SIGINT, signal.SIGTERM})
        working().stop(running)
    services.close()


@commands.command()
def migrate() -> None:
    """Bring the database to the version this program needs."""
    from runtime.db.migrate import WrongDatabaseVersion
    from runtime.db.migrate import migrate as bring_up

    services = start.open_installation(start.read_settings())
    try:
        reached = bring_up(services.database)
        working().prepare(services)
        typer.echo(f"The database is at version {reached}.")
    except WrongDatabaseVersion as error:
        raise start.CannotStart(str(error)) from None
    finally:
        services.close()


@commands.command("import")
def import_app(
    file: AppFile,
    accept_losses: Annotated[bool, typer.Option(help="Agree that something goes out of sight")] = False,
    maintenance: Annotated[
        bool, typer.Option(help="Agree that saving pauses while many records are rewritten")
    ] = False,
    skip_stories: Annotated[bool, typer.Option(help="Do not tell the app's stories first (in an emergency)")] = False,
) -> None:
    """Publish an app from its JSON file, once its stories have come true."""
    services = _installation()
    try:
        published = builder("packages").import_app(
            services,
            system("command line"),
            _read(file),
            accept_losses=accept_losses,
            maintenance=maintenance,
            skip_stories=skip_stories,
        )
        typer.echo(f"{published.app} is live.")
    except Refusal as refusal:
        _refuse(file, refusal)
    finally:
        services.close()


@commands.command()
def export(app: Annotated[str, typer.Argument(help="The app's name")]) -> None:
    """Print the live definition of an app as JSON."""
    from metadata.language import Language

    services = _installation()
    try:
        with services.database.read() as connection:
            definition = services.apps.live(connection, app).definition
        typer.echo(json.dumps(Language(services.kinds).canonical(definition), ensure_ascii=False, indent=2))
    except Refusal as refusal:
        _refuse(app, refusal)
    finally:
        services.close()


@commands.command()
def check(file: AppFile) -> None:
    """Check an app's JSON file: every problem with its place and the way out; no database is touched."""
    app = _checked(file)
    typer.echo(f"{file}: {app.name} is in order (forms: {len(app.definition.forms)}).")
    for warning in (each for flow in app.flows.values() for each in flow.warnings):
        typer.echo(f"  {warning.path}: {say(warning.message, 'en')}. {say(warning.hint, 'en')}.")


@commands.command()
def test(file: AppFile) -> None:
    """Tell the stories of an app in an installation of its own that is thrown away, on a moved clock."""
    document, app = _read(file), _checked(file)

    def publish(services: Services, _definition: Any) -> None:
        builder("publish").publish_document(services, system("stories"), document)

    told = builder("stories").tell(app.definition, publish)
    for each in told:
        typer.echo(f"{'FAIL' if each.problem else 'ok  '} {each.story.name}")
    problems = [each.problem for each in told if each.problem]
    typer.echo(f"{len(told) - len(problems)} of {len(told)} stories came true.")
    if problems:
        _refuse(file, Refusal(*problems))


@commands.command()
def demo() -> None:
    """Fill an empty installation with the CRM example, its people and its data; shows the new passwords once."""
    services = _installation()
    try:
        if _has_members(services):
            typer.echo(f"This installation is in use. A new password: {_program()} set-password E-MAIL")
        else:
            services.database.hurry()
            typer.echo("Making the demo: an app, its people and some hundred records...")
            with _said_when_interrupted(services):
                _show_sign_ins(_fill(services))
    except Refusal as refusal:
        _refuse("demo", refusal)
    finally:
        services.close()


@commands.command("new-user")
def new_user(
    name: str,
    email: str,
    admin: Annotated[bool, typer.Option(help="May manage members and apps")] = False,
    password: Annotated[str | None, typer.Option(help="Asked for or made up when not given", hide_input=True)] = None,
) -> None:
    """Add a member who can sign in."""
    from runtime import members, organisation

    services = _installation()
    chosen = password or new_password()
    rights = frozenset(organisation.RIGHTS if admin else ())
    _do(services, lambda tx: members.add(tx, name, email, rights=rights, password=chosen))
    typer.echo(f"{name} <{email}> can sign in." + ("" if password else f"  Password: {chosen}"))


@commands.command("set-password")
def set_password(
    email: str,
    password: Annotated[str | None, typer.Option(help="Made up and shown once when not given")] = None,
) -> None:
    """Give a member a new password; he is signed out everywhere."""
    from runtime import members

    services = _installation()
    chosen = password or new_password()
    _do(services, lambda tx: members.set_password(tx, _member(tx, email), chosen))
    typer.echo(f"{email} has a new password" + ("." if password else f": {chosen}"))


@commands.command("take-second-factor")
def take_second_factor(email: str) -> None:
    """Take the second factor of a member away who has lost it; he is signed out everywhere."""
    from runtime import members

    _do(_installation(), lambda tx: members.take_second_factor(tx, _member(tx, email)))
    typer.echo(f"{email} signs in with the password alone.")


def _member(tx: Tx, email: str) -> int:
    """The member whose address this is."""
    from runtime.organisation import no_such, normal_email

    for person in tx.organisation.people.values():
        if person.email == normal_email(email):
            return person.id
    raise no_such("member", email)


@commands.command()
def backup(file: Annotated[Path, typer.Argument(help="The archive to write")]) -> None:
    """Write database and files into one archive, while the server runs; all of it is read back before it counts."""
    from runtime.backup import back_up
    from runtime.backup_database import BackupFailed

    services = _installation()
    try:
        written = back_up(services, file)
    except BackupFailed as error:
        _give_up(error)
    finally:
        services.close()
    typer.echo(f"{file}: the database and {written.files} files, {written.bytes:,} bytes, read back and in order.")
    for storage in written.missing[:20]:
        typer.echo(f"  missing in the files' folder: {storage}", err=True)
    if not services.settings.master_key.get_secret_value():
        typer.echo(f"Keep {services.settings.data_dir / 'master.key'} too, if it is there, in another place.")


@commands.command()
def restore(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="An archive of `backup`")]) -> None:
    """Bring a backup back where there is no database yet; everybody signs in anew."""
    from runtime.backup import lost_key
    from runtime.backup import restore as bring_back
    from runtime.backup_database import BackupFailed

    settings = start.read_settings()
    start.require_writable(settings.data_dir)
    try:
        with start.only_one(settings):
            manifest = bring_back(settings, file)
    except BackupFailed as error:
        _give_up(error)
    _tell_restored(settings, manifest["at"])
    typer.echo(f"The backup of {manifest['at']} is back.")
    if key := lost_key(settings, manifest):
        typer.echo(f"Second factors need the master key {key}, which is not here; recovery codes work.", err=True)
    typer.echo(f"Now: {_program()} migrate")


def _tell_restored(settings: Settings, at: str) -> None:
    """Note the return in the audit, where this program can write to what came back."""
    from runtime import audit

    services = start.open_installation(settings)
    with suppress(start.CannotStart):
        start.require_version(services)
        note = lambda tx: audit.note(tx, "restored", kind="installation", detail={"at": at})  # noqa: E731
        run(services, system("command line"), note)
    services.close()


@commands.command("verify-audit")
def verify_audit(
    checkpoint: Annotated[list[str] | None, typer.Option(help="POSITION=HASH, kept elsewhere; may be repeated")] = None,
) -> None:
    """Walk the chain of the audit log: an entry that was changed, removed or slipped in shows."""
    from runtime import audit_seal

    try:
        kept = {int(text.partition("=")[0]): text.partition("=")[2] for text in checkpoint or ()}
    except ValueError:
        raise typer.BadParameter("a checkpoint is POSITION=HASH, as this command prints it") from None
    services = _installation()
    audit_seal.seal(services)
    with services.database.read() as connection:
        found = audit_seal.verify(services.settings, connection, kept)
    services.close()
    for problem in found.problems[:50]:
        typer.echo(problem, err=True)
    if found.problems:
        raise typer.Exit(1)
    typer.echo(f"{found.sealed} entries, none changed. Keep this elsewhere: {found.sealed}={found.last}")


def _give_up(error: Exception) -> NoReturn:
    typer.echo(str(error), err=True)
    raise typer.Exit(1)


# --- the demo ---


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


def _fill(services: Services) -> list[tuple[str, str, str]]:
    """Publish the CRM, let its people live through some months, and add somebody who looks after the installation."""
    from runtime import demo as telling
    from runtime import organisation, passwords

    name = builder("publish").import_document(services, _read(EXAMPLES / "crm_app.json"))
    signed_up = telling.load(services, name, json.loads((EXAMPLES / "crm_demo.json").read_text(encoding="utf-8")))
    chosen, email = new_password(), "admin@demo.example"

    def add(tx: Tx) -> None:
        kept = passwords.hash_password(chosen)
        organisation.add_member(tx, "Admin", email, rights=organisation.RIGHTS, password_hash=kept)

    run(services, system("demo"), add)
    return [*signed_up, ("Admin", email, chosen)]


def _show_sign_ins(signed_up: list[tuple[str, str, str]]) -> None:
    typer.echo("\nSign in as one of these; the passwords are shown this once:\n")
    for name, email, password in signed_up:
        typer.echo(f"  {email:<24} {password:<26} {name}")
    typer.echo(f"\nA new password later: {_program()} set-password E-MAIL\n")


def _program() -> str:
    """How this program was called, to be typed again."""
    return sys.argv[0] if Path(sys.argv[0]).name == "fourfold" else "python -m runtime"


# --- shared ---


def working() -> Any:
    """The worker's module, loaded only by the commands that do jobs."""
    return import_module("runtime.worker")


def builder(module: str) -> Any:
    """A module of the builder's floor, which lies above this one and is known here by name only."""
    return import_module(f"builder_api.{module}")


def new_password() -> str:
    """Make up a password that can be read aloud: four groups of five letters and digits."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(4))


def _installation() -> Services:
    services = start.open_installation(start.read_settings())
    start.require_version(services)
    return services


def _do(services: Services, work: Any) -> None:
    try:
        run(services, system("command line"), work)
    except Refusal as refusal:
        _refuse("fourfold", refusal)
    finally:
        services.close()


def _read(file: Path) -> Any:
    from runtime.web.strict_json import read_json

    try:
        return read_json(file.read_bytes())
    except Refusal as refusal:
        _refuse(file, refusal)


def _checked(file: Path) -> Any:
    """The compiled app of a file; every problem is printed where there is one."""
    from metadata.language import Language
    from runtime import plugins

    checking = builder("checking")
    try:
        return checking.check(Language(plugins.load()), _read(file), checking.Known()).require()
    except Refusal as refusal:
        _refuse(file, refusal)


def _refuse(where: Path | str, refusal: Refusal) -> NoReturn:
    """Print every problem with its place and its way out, in English and Chinese."""
    if not refusal.problems:
        typer.echo(f"{where}: {refusal}", err=True)
    for problem in refusal.problems:
        english, chinese = problem.as_json("en"), problem.as_json("zh")
        typer.echo(f"{where}{problem.path and '#'}{problem.path}: {english['message']} [{problem.code}]", err=True)
        if chinese["message"] != english["message"]:
            typer.echo(f"    {chinese['message']}", err=True)
        if english.get("hint"):
            typer.echo(f"    -> {english['hint']}", err=True)
    raise typer.Exit(1)
