"""The composition root: services, routes, gate and worker become one application."""

import importlib
import pkgutil
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.middleware.gzip import GZipMiddleware

from runtime.services import Services, open_services
from runtime.settings import Settings
from runtime.web import errors
from runtime.web.answers import JsonResponse
from runtime.web.deps import SignedIn
from runtime.web.gate import Gate
from runtime.web.guards import MARK
from runtime.web.limits import HashQueue, Places
from runtime.web.metrics import Metrics

# Whatever module of these packages has a `router` is served. The builder's floor lies above this one, so it is
# known here by name only.
FLOORS = ("runtime.web.api", "runtime.web", "builder_api", "runtime.web.pages")
BUSIEST = ("runtime.web.api.records",)  # comes first where a request looks for its route
API = "/api/v1"
NO_TELEMETRY: Any = dict.fromkeys(("tracing", "metrics", "logs", "operation_spans"), False)  # /metrics counts for us


class UnguardedRoute(Exception):
    """A route that does not say who may use it: a mistake that stops the start."""


def create_app(
    settings: Settings,
    services: Services | None = None,
    worker: bool = False,
    modules: Iterable[ModuleType] | None = None,
) -> FastAPI:
    """Build the application; with a worker it also does the jobs, the timers and the sweeps."""
    services = services or open_services(settings)
    app = FastAPI(
        title="Fourfold",
        version=_version(),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        telemetry=NO_TELEMETRY,
        lifespan=_lifespan(services, worker),
    )
    app.state.services = services
    app.state.metrics = Metrics(services.database)
    app.state.hashes = HashQueue()
    app.state.places = Places()
    errors.install(app)
    for module in web_modules() if modules is None else modules:
        app.router.routes.extend(module.router.routes)  # as they are: an included router looks for its route twice
        if install := getattr(module, "install", None):
            install(app)
    app.add_api_route(f"{API}/openapi.json", openapi, methods=["GET"], include_in_schema=False)
    require_guards(app)
    app.add_middleware(Gate, settings=settings, metrics=app.state.metrics)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    return app


def openapi(visit: SignedIn) -> JsonResponse:
    """Describe this installation's API."""
    return JsonResponse(visit.request.app.openapi())


def require_guards(app: FastAPI) -> None:
    """Refuse to start with a route that does not declare who may use it."""
    for route in all_routes(app.router):
        if not any(getattr(each.call, MARK, False) for each in _dependants(route.dependant)):
            raise UnguardedRoute(f"{sorted(route.methods or ())} {route.path} has no guard (runtime/web/guards.py)")


def all_routes(router: APIRouter) -> Iterator[APIRoute]:
    """Every route, those of included routers too."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif (included := getattr(route, "original_router", None)) is not None:
            yield from all_routes(included)


def _dependants(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for below in dependant.dependencies:
        yield from _dependants(below)


def web_modules() -> Iterator[ModuleType]:
    """Every module that has a router; all of them are served unless somebody names fewer."""
    for floor in FLOORS:
        if find_spec(floor) is not None:
            yield from (module for module in _below(floor) if isinstance(getattr(module, "router", None), APIRouter))


def _below(package: str) -> Iterator[ModuleType]:
    """The modules of a package, then those of its packages; what is a floor of its own is left out."""
    found = list(pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."))
    modules = sorted((each.name for each in found if not each.ispkg), key=_first_come)
    yield from map(importlib.import_module, modules)
    for each in sorted(each.name for each in found if each.ispkg and each.name not in FLOORS):
        yield from _below(each)


def _first_come(name: str) -> tuple[bool, str]:
    return name not in BUSIEST, name


def _lifespan(services: Services, worker: bool) -> Any:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # in a thread of its own: the job engine refuses to start where an event loop runs
        stop_working = await to_thread.run_sync(_start_worker, services) if worker else None
        try:
            yield
        finally:
            if stop_working is not None:
                await to_thread.run_sync(stop_working)
            services.close()

    return lifespan


def _start_worker(services: Services) -> Callable[[], None]:
    """Begin to do jobs; loaded late, since servers beside workers need none of it."""
    from runtime.jobs import worker

    running = worker.start(services)
    return lambda: worker.stop(running)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("fourfold")
    except PackageNotFoundError:
        return "0"
