"""What commands share: the installation they work on, the files they read, and how they speak and refuse."""

import secrets
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import typer

from engines.actor import system
from metadata.problems import Refusal
from runtime import start
from runtime.services import Services
from runtime.transaction import Tx, run
from runtime.web.strict_json import read_json


def installation() -> Services:
    """Open the installation, at the version that this program needs."""
    services = start.open_installation(start.read_settings())
    start.require_version(services)
    return services


def do(services: Services, work: Callable[[Tx], object]) -> None:
    """Do one thing in a transaction of its own, and close the installation."""
    try:
        run(services, system("command line"), work)
    except Refusal as refusal:
        refuse("fourfold", refusal)
    finally:
        services.close()


def read_file(file: Path) -> Any:
    """What a JSON file holds, read as strictly as a request is."""
    try:
        return read_json(file.read_bytes())
    except Refusal as refusal:
        refuse(file, refusal)


def builder(module: str) -> Any:
    """A module of the builder's floor, which lies above this one and is known here by name only."""
    return import_module(f"builder_api.{module}")


def new_password() -> str:
    """Make up a password that can be read aloud: four groups of five letters and digits."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(4))


def program() -> str:
    """How this program was called, to be typed again."""
    return sys.argv[0] if Path(sys.argv[0]).name == "fourfold" else "python -m runtime"


def give_up(error: Exception) -> NoReturn:
    """End the command with one sentence."""
    typer.echo(str(error), err=True)
    raise typer.Exit(1)


def refuse(where: Path | str, refusal: Refusal) -> NoReturn:
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
