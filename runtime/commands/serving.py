"""Commands that keep an installation running: serve, worker, migrate."""

import signal
import sys
from contextlib import suppress
from importlib import import_module
from typing import Annotated, Any

import typer

from runtime import logs, start
from runtime.db.migrate import WrongDatabaseVersion
from runtime.db.migrate import migrate as bring_up


def serve(
    host: Annotated[str | None, typer.Option(help="Where to listen (FOURFOLD_HOST)")] = None,
    port: Annotated[int | None, typer.Option(help="Where to listen (FOURFOLD_PORT)")] = None,
    worker: Annotated[bool, typer.Option(help="Do the jobs in this process too")] = True,
) -> None:
    """Serve pages and API, and do the jobs, in one process."""
    import uvicorn

    from runtime.server import create_app

    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = start.read_settings().model_copy(update=given)
    logs.set_up(settings)
    services = start.open_installation(settings)
    with start.only_one(settings):
        start.require_version(services)
        start.warn_of_lost_key(services)
        if not worker:
            _working().connect(services)
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


def worker() -> None:
    """Do the jobs, timers and sweeps only; for PostgreSQL, beside servers started with --no-worker."""
    settings = start.read_settings()
    logs.set_up(settings)
    services = start.open_installation(settings)
    with start.only_one(settings):
        start.require_version(services)
        running = _working().start(services)
        typer.echo("The worker runs  (Ctrl+C stops it)")
        with suppress(KeyboardInterrupt):
            signal.sigwait({signal.SIGINT, signal.SIGTERM})
        _working().stop(running)
    services.close()


def migrate() -> None:
    """Bring the database to the version this program needs."""
    services = start.open_installation(start.read_settings())
    try:
        reached = bring_up(services.database)
        import_module("runtime.jobs.dbos_queue").prepare(services)
        typer.echo(f"The database is at version {reached}.")
    except WrongDatabaseVersion as error:
        raise start.CannotStart(str(error)) from None
    finally:
        services.close()


def _working() -> Any:
    """The worker's module, loaded only by the commands that do jobs."""
    return import_module("runtime.jobs.worker")
