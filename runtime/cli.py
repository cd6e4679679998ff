"""The commands of `fourfold`, in the order in which `fourfold --help` tells of them."""

import typer

from runtime.commands import apps, audit, backup, demo, people, serving

commands = typer.Typer(
    name="fourfold",
    help="Fourfold: one JSON app, four engines.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

commands.command()(serving.serve)
commands.command()(serving.worker)
commands.command()(serving.migrate)
commands.command("import")(apps.import_app)
commands.command()(apps.export)
commands.command()(apps.check)
commands.command()(apps.test)
commands.command()(demo.demo)
commands.command("new-user")(people.new_user)
commands.command("set-password")(people.set_password)
commands.command("take-second-factor")(people.take_second_factor)
commands.command()(backup.backup)
commands.command()(backup.restore)
commands.command("verify-audit")(audit.verify_audit)
