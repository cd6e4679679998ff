"""`python -m runtime` and the console script `fourfold`."""

from runtime.start import CannotStart, give_up


def main() -> None:
    """Run one command; what stops the start is one sentence, not a traceback."""
    from runtime.cli import commands

    try:
        commands()
    except CannotStart as error:
        give_up(error)


if __name__ == "__main__":
    main()
