"""The command line of run.py."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import click

from selfservice import Role
from selfservice import settings as settings_module
from selfservice.client import approve_commands, completion, list_commands, login, run_commands
from selfservice.errors import ApplicationError
from selfservice.node import node_commands, people_commands, repository_commands, secret_commands
from selfservice.node.sections import Sections
from selfservice.node.with_settings import with_settings
from selfservice.settings import CHECKOUT, NodeType, Settings


def main() -> None:
    """Run the command line; an ApplicationError becomes one sentence and exit code 2."""
    os.umask(0o077)  # what this program writes is for its user alone
    try:
        cli(standalone_mode=False)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except ApplicationError as error:
        click.echo(f"selfservice: {error.sentence}", err=True)
        sys.exit(2)
    except BrokenPipeError:  # whoever read this has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def console() -> None:
    """As `main`, installed as `selfservice`: without arguments it explains itself, and starts nothing."""
    if len(sys.argv) == 1:
        sys.argv.append("--help")
    main()


@click.group(
    cls=Sections,
    invoke_without_command=True,
    sections={
        "Use a dashboard, from any machine (docs/cli.md)": (
            "login", "run", "command", "runs", "logs", "cancel", "approve", "reject", "operations", "nodes", "audit",
            "dashboards", "logout", "completion",
        ),
        "Start this node": ("start", "web", "worker", "executor", "prepare", "join"),
        "Look after this node": ("settings", "node", "person", "token", "secret", "repository", "downgrade"),
    },
)  # fmt: skip
@click.pass_context
def cli(context: click.Context) -> None:
    """Use a dashboard from the command line, or start and look after a node of it.

    `python run.py` without a command starts this node; SELFSERVICE_TYPE says whether it is a master or a worker.
    """
    if context.invoked_subcommand is None:
        context.invoke(start)


@cli.command()
@with_settings
def start(settings: Settings) -> None:
    """Start all processes of this node and watch over them."""
    from selfservice.node import first_start, supervisor

    if first_start.is_prepared(settings):
        first_start.make_folders(settings)
        click.echo(first_start.address(settings))
    else:
        _prepare_in_a_process_of_its_own()
    supervisor.Supervisor(settings).serve()


@cli.command()
@with_settings
def prepare(settings: Settings) -> None:
    """Make folders, keys and the first account; starts nothing.

    Prints where the node is found.
    """
    from selfservice.node import first_start
    from selfservice.node.loading import loaded_for_good

    with loaded_for_good():
        told = first_start.prepare(settings)
    click.echo(told)


#: Given by the supervisor, which keeps it while the process is started again.
_listener = click.option("--listener", type=int, hidden=True)


@cli.command()
@_listener
@with_settings
def web(settings: Settings, listener: int | None) -> None:
    """Start the dashboard and its API alone."""
    from selfservice.node import server

    _only_on_master(settings, "web")
    server.serve_dashboard(settings, _ready_to_serve(settings, "web", listener))


@cli.command()
@_listener
@with_settings
def worker(settings: Settings, listener: int | None) -> None:
    """Start the worker API alone."""
    from selfservice.node import server, watched

    ready = _ready_to_serve(settings, "worker", listener)
    # Who starts it again must be there, and a worker's heartbeats come from this process.
    may_rest = listener is not None and settings.node_type is NodeType.MASTER
    if server.serve_worker_api(settings, ready, may_rest=may_rest):
        sys.exit(watched.RESTS)


@cli.command()
@with_settings
def executor(settings: Settings) -> None:
    """Start the executor alone."""
    from selfservice.node import first_start
    from selfservice.node.loading import loaded_for_good

    _only_on_master(settings, "executor")
    with loaded_for_good():
        from selfservice.node import jobs
        from selfservice.runs.executor import Executor
        from selfservice.store.revision import is_newest
    first_start.make_folders(settings)
    if not is_newest(settings):  # what migrates is not needed in memory here for months
        _prepare_in_a_process_of_its_own()
    with jobs.started(settings) as tell_slow:
        Executor(settings, tell_slow, jobs.providing(settings)).serve()


@cli.command("settings")
@with_settings
def show_settings(settings: Settings) -> None:
    """Print every setting with value and meaning; secrets masked."""
    for row in settings_module.table(settings):
        click.echo(f"{row.name}={row.value}\n    {row.meaning}\n    Default: {row.default or '(none)'}")


@cli.command()
@click.argument("revision")
@with_settings
def downgrade(settings: Settings, revision: str) -> None:
    """Take the database back to an older revision, such as 0001."""
    from selfservice.store.migration import take_back

    take_back(settings, revision)
    click.echo(f"The database is at {revision}. Start the older version now: this one would bring it up to date again.")


@list_commands.audit.command()
@with_settings
def verify(settings: Settings) -> None:
    """On the master itself: check the chain of all actions.

    Names the first bad line, and exits with 1 where there is one.
    """
    from selfservice.audit.verification import report
    from selfservice.audit.verification import verify as verify_chain

    outcome = verify_chain(settings.audit)
    click.echo(report(outcome))
    sys.exit(0 if outcome.ok else 1)


for _command in (
    *login.COMMANDS, *run_commands.COMMANDS, *approve_commands.COMMANDS, *list_commands.COMMANDS,
    completion.completion,
    *node_commands.COMMANDS, *people_commands.COMMANDS, repository_commands.repository, secret_commands.secret,
):  # fmt: skip
    cli.add_command(_command)


def _ready_to_serve(settings: Settings, role: Role, listener: int | None) -> socket.socket:
    """What the node listens on, once it is prepared."""
    from selfservice.node import first_start, listening

    if settings.node_type is NodeType.WORKER:
        first_start.prepare(settings)
    elif first_start.is_prepared(settings):
        first_start.make_folders(settings)
    else:
        _prepare_in_a_process_of_its_own()
    return listening.listen(settings, role) if listener is None else socket.socket(fileno=listener)


def _prepare_in_a_process_of_its_own() -> None:
    """What it needs, migrations and password hashing, would stay in memory here."""
    done = subprocess.run([sys.executable, str(CHECKOUT / "run.py"), "prepare"])
    if done.returncode:
        sys.exit(done.returncode)


def _only_on_master(settings: Settings, process: str) -> None:
    if settings.node_type is not NodeType.MASTER:
        raise settings_module.SettingError(
            f"A {settings.node_type} has no {process}; set SELFSERVICE_TYPE=MASTER to start one."
        )
