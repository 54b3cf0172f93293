"""The command line of run.py."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from selfservice import logs
from selfservice import settings as settings_module
from selfservice.client import approve_commands, completion, list_commands, login, run_commands
from selfservice.errors import ApplicationError
from selfservice.node.sections import Sections
from selfservice.settings import CHECKOUT, NodeType, Settings


class NoNode(ApplicationError):
    """This installation can use a dashboard, and cannot be a node."""


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


def _with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Hand the command the settings, with logging configured."""

    @wraps(command)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        if not (CHECKOUT / "run.py").exists():
            raise NoNode("Only the client is installed here; a node runs in a clone of the whole program.")
        settings = settings_module.load()
        logs.configure(settings)
        return command(settings, *arguments, **named)

    return wrapped


@click.group(
    cls=Sections,
    invoke_without_command=True,
    sections={
        "Use a dashboard, from any machine (docs/cli.md)": (
            "login", "run", "command", "runs", "logs", "cancel", "approve", "reject", "operations", "nodes", "audit",
            "dashboards", "logout", "completion",
        ),
        "Start this node": ("start", "web", "worker", "executor", "prepare", "join"),
        "Look after this node": ("settings", "node", "person", "token", "repository", "downgrade"),
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
@_with_settings
def start(settings: Settings) -> None:
    """Start all processes of this node and watch over them."""
    from selfservice.node import supervisor

    # In a process of its own: what it needs, databases and password hashing, would stay in memory here.
    done = subprocess.run([sys.executable, str(CHECKOUT / "run.py"), "prepare"])
    if done.returncode:
        sys.exit(done.returncode)
    supervisor.Supervisor(settings).serve()


@cli.command()
@_with_settings
def prepare(settings: Settings) -> None:
    """Make folders, keys and the first account; starts nothing.

    Prints where the node is found.
    """
    from selfservice.node import first_start

    click.echo(first_start.prepare(settings))


@cli.command()
@_with_settings
def web(settings: Settings) -> None:
    """Start the dashboard and its API alone.

    Under gunicorn: deploy/gunicorn-web.conf.py.
    """
    _serve(settings, "web")


@cli.command()
@_with_settings
def worker(settings: Settings) -> None:
    """Start the worker API alone.

    Under gunicorn: deploy/gunicorn-worker.conf.py.
    """
    _serve(settings, "worker")


@cli.command()
@_with_settings
def executor(settings: Settings) -> None:
    """Start the executor alone."""
    from selfservice.node import first_start, jobs
    from selfservice.runs.executor import Executor
    from selfservice.store.migration import migrate

    _only_on_master(settings, "executor")
    first_start.make_folders(settings)
    migrate(settings)
    Executor(settings, jobs.start(settings)).serve()


@cli.command("settings")
@_with_settings
def show_settings(settings: Settings) -> None:
    """Print every setting with value and meaning; secrets masked."""
    for row in settings_module.table(settings):
        click.echo(f"{row.name}={row.value}\n    {row.meaning}\n    Default: {row.default or '(none)'}")


@cli.command()
@click.argument("revision")
@_with_settings
def downgrade(settings: Settings, revision: str) -> None:
    """Take the database back to an older revision, such as 0001."""
    from selfservice.store.migration import take_back

    take_back(settings, revision)
    click.echo(f"The database is at {revision}. Start the older version now: this one would bring it up to date again.")


@list_commands.audit.command()
@_with_settings
def verify(settings: Settings) -> None:
    """On the master itself: check the chain of all actions.

    Names the first bad line, and exits with 1 where there is one.
    """
    from selfservice.audit.verification import report
    from selfservice.audit.verification import verify as verify_chain

    outcome = verify_chain(settings.audit)
    click.echo(report(outcome))
    sys.exit(0 if outcome.ok else 1)


@cli.group()
def node() -> None:
    """Add workers to this master, shut them out, renew their tokens."""


@node.command("add")
@click.argument("name")
@click.option("--address", required=True, help="Where its API is: https://web-1.example.org:5001")
@_with_settings
def add_node(settings: Settings, name: str, address: str) -> None:
    """Add a worker, and print its token: it is stored hashed and never shown again."""
    from selfservice.node import terminal

    click.echo(terminal.add_node(settings, name, address))


@node.command("list")
@_with_settings
def list_nodes(settings: Settings) -> None:
    """Print every node with its address."""
    from selfservice.node import terminal

    click.echo(terminal.list_nodes(settings))


@node.command("token")
@click.argument("name")
@_with_settings
def rotate_token(settings: Settings, name: str) -> None:
    """Make a new token for a worker and print it; the old one stays good for a day."""
    from selfservice.node import terminal

    click.echo(terminal.rotate_token(settings, name))


@node.command("revoke")
@click.argument("name")
@_with_settings
def revoke_node(settings: Settings, name: str) -> None:
    """Shut a worker out at once; a new token lets it in again."""
    from selfservice.node import terminal

    click.echo(terminal.revoke_node(settings, name))


@cli.command()
@click.argument("master_url")
@click.option("--name", required=True, help="What the master calls this node.")
@_with_settings
def join(settings: Settings, master_url: str, name: str) -> None:
    """Make this machine a worker of a master.

    Asks for the token that the master has shown.
    """
    from selfservice.node import joining

    secret = click.prompt("Token", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    click.echo(joining.join(settings, master_url, name, secret.strip()))


@cli.group()
def person() -> None:
    """Look after the people who sign in."""


@person.command("add")
@click.argument("name")
@click.option("--role", required=True, help="administrator, technical-agent, sales-agent, viewer, or one of your own.")
@_with_settings
def add_person(settings: Settings, name: str, role: str) -> None:
    """Add somebody, and print their first password: it is shown this once."""
    from selfservice.node import people

    click.echo(people.add(settings, name, role))


@person.command("list")
@_with_settings
def list_people(settings: Settings) -> None:
    """Print everybody with their role."""
    from selfservice.node import people

    click.echo(people.listed(settings))


@person.command("role")
@click.argument("name")
@click.argument("role")
@_with_settings
def give_role(settings: Settings, name: str, role: str) -> None:
    """Give somebody another role; their sessions end."""
    from selfservice.node import people

    click.echo(people.give_role(settings, name, role))


@cli.group()
def token() -> None:
    """Make tokens for scripts and for `login`."""


@token.command("create")
@click.option("--name", required=True, help="What the token is for; its actions carry this name after the person's.")
@click.option("--scope", required=True, type=click.Choice(["read", "launch", "administer"]), help="How far it goes.")
@click.option("--person", default="admin", show_default=True, help="Whose rights it has.")
@click.option("--days", type=int, help="It opens nothing after that; without, it is good until it is revoked.")
@_with_settings
def create_token(settings: Settings, name: str, scope: str, person: str, days: int | None) -> None:
    """Make a token for scripts and print it; it is stored hashed and never shown again."""
    from selfservice.node import people

    click.echo(people.create_token(settings, name, scope, person, days))


@token.command("list")
@_with_settings
def list_tokens(settings: Settings) -> None:
    """Print every token with its scope, its end and its last use."""
    from selfservice.node import people

    click.echo(people.list_tokens(settings))


@token.command("revoke")
@click.argument("name")
@_with_settings
def revoke_token(settings: Settings, name: str) -> None:
    """Close a token, such as alice/nightly, for good."""
    from selfservice.node import people

    click.echo(people.revoke_token(settings, name))


@cli.group()
def repository() -> None:
    """Register repositories that files come from, and check them."""


@repository.command("list")
@_with_settings
def list_repositories(settings: Settings) -> None:
    """Print every registered repository; never a token."""
    from selfservice.node import terminal

    for line in terminal.list_repositories(settings):
        click.echo(line)


@repository.command("add")
@click.option("--name", required=True, help="Stands in addresses: small letters, digits and dashes.")
@click.option("--title", required=True, help="What people read.")
@click.option("--kind", type=click.Choice(["local", "cloud", "data_center"]), required=True)
@click.option("--location", required=True, help="workspace/repository, PROJECT/repository, or a folder's name.")
@click.option("--address", default="", help="The server of a Data Center.")
@click.option("--user", default="", help="The e-mail address of a Cloud API token.")
@click.option("--token-file", type=click.File(), help="Where the token stands; asked for where it is left out.")
@_with_settings
def add_repository(settings: Settings, token_file: Any, kind: str, **plan: str) -> None:
    """Register a repository and say what works with its token."""
    from selfservice.files.models import RepositoryKind
    from selfservice.files.registry import Plan
    from selfservice.node import terminal

    token = token_file.read().strip() if token_file else ""
    if kind != "local" and not token:
        token = click.prompt("Token", hide_input=True)
    for line in terminal.add_repository(settings, Plan(kind=RepositoryKind(kind), token=token, **plan)):
        click.echo(line)


@repository.command("check")
@click.argument("name")
@_with_settings
def check_repository(settings: Settings, name: str) -> None:
    """Try what the token of a repository allows; exits with 1 where something is missing."""
    from selfservice.node import terminal

    lines = terminal.check_repository(settings, name)
    for line in lines:
        click.echo(line)
    sys.exit(1 if any(line.startswith("FAILS") for line in lines) else 0)


_commands = (login, run_commands, approve_commands, list_commands)
for _command in (*(each for module in _commands for each in module.COMMANDS), completion.completion):
    cli.add_command(_command)


def _serve(settings: Settings, role: str) -> None:
    from selfservice.node import first_start, server

    if role == "web":
        _only_on_master(settings, role)
    first_start.prepare(settings)
    server.replace_this_process(role)


def _only_on_master(settings: Settings, process: str) -> None:
    if settings.node_type is not NodeType.MASTER:
        raise settings_module.SettingError(
            f"A {settings.node_type} has no {process}; set SELFSERVICE_TYPE=MASTER to start one."
        )
