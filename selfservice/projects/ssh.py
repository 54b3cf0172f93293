"""How the hosts of a project are reached: settings in place of the inventory's, and a run that tries them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import update

from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput, ChangedMeanwhile
from selfservice.nodes.inventory import Inventory
from selfservice.projects.models import Project
from selfservice.projects.projects import Projects
from selfservice.projects.vault import Vault
from selfservice.runs import results
from selfservice.runs.errors import RunNotFound
from selfservice.runs.given import SshSettings
from selfservice.runs.launching import Launch
from selfservice.runs.run import Run, RunKind, RunRequest, Status
from selfservice.runs.runs import Runs
from selfservice.runs.ssh_agent import Jump, KeyUnusable, opened
from selfservice.runs.verdict import ssh_reason
from selfservice.store.database import Database

_USER = re.compile(r"[a-z_][a-z0-9_.-]{0,62}\$?\Z", re.IGNORECASE)
_LONGEST_KEY = 64 * 1024
_TEST_SECONDS = 120
_TITLE = "Connection test"


@dataclass(frozen=True)
class SshPlan:
    """What somebody says of it; an empty key leaves the one that is kept."""

    user: str = ""
    port: str = ""
    jump: str = ""
    known_hosts: str = ""
    key: str = ""
    passphrase: str = ""
    forget_key: bool = False


@dataclass(frozen=True)
class HostTest:
    """Whether one host was reached, and why not."""

    host: str
    ok: bool
    why: str


@dataclass(frozen=True)
class Test:
    """The last run that tried the settings."""

    run: Run
    status: Status
    hosts: tuple[HostTest, ...]


class Ssh:
    """The SSH settings of the projects of one node."""

    def __init__(self, database: Database, journal: Journal, vault: Vault) -> None:
        """Keep them in `database`, keys sealed by `vault`, and record changes in `journal`."""
        self._database = database
        self._journal = journal
        self._vault = vault

    def change(self, project: Project, plan: SshPlan, version: int, actor: Actor) -> None:
        """Reach its hosts so from now on. Raises BadInput naming the field, ChangedMeanwhile."""
        values = _checked(plan)
        detail = {name: str(each) for name, each in values.items() if each and name != "ssh_known_hosts"}
        with self._vault.held(), self._database.session() as session:
            if plan.key.strip():
                try:
                    _, values["ssh_public_key"] = opened(plan.key, plan.passphrase)
                except KeyUnusable as error:
                    raise BadInput(error.sentence, "key") from error
                values["ssh_key"] = self._vault.seal(plan.key)
                values["ssh_passphrase"] = self._vault.seal(plan.passphrase) if plan.passphrase else ""
                detail["ssh_key"] = "another"
            elif plan.forget_key:
                values |= {"ssh_key": "", "ssh_passphrase": "", "ssh_public_key": ""}
                detail["ssh_key"] = "none"
            values |= {"version": version + 1, "ssh_changed_at": datetime.now(UTC), "ssh_test_run": ""}
            statement = update(Project).where(Project.id == project.id, Project.version == version).values(values)
            if session.execute(statement).rowcount != 1:  # type: ignore[attr-defined]
                raise _told(project, values)
            self._journal.append(Action(Kind.PROJECT_SSH, actor, project.title, project=project.name, detail=detail))

    def settings(self, project: Project) -> SshSettings | None:
        """What a run of the project is given; None where the inventory says it all. Raises SecretsUnreadable."""
        if not any((project.ssh_user, project.ssh_port, project.ssh_jump, project.ssh_key, project.ssh_known_hosts)):
            return None
        return SshSettings(
            user=project.ssh_user,
            port=project.ssh_port,
            key=self._vault.open(project.ssh_key) if project.ssh_key else "",
            passphrase=self._vault.open(project.ssh_passphrase) if project.ssh_passphrase else "",
            public_key=project.ssh_public_key,
            jump=project.ssh_jump,
            known_hosts=project.ssh_known_hosts,
            share=f"project-{project.id}-{project.version}",
        )


class ConnectionTests:
    """Tries how the hosts of a project are reached: an ordinary run, which anybody who sees the project can follow."""

    def __init__(self, projects: Projects, inventory: Inventory, runs: Runs) -> None:
        """Run on hosts of `inventory`, by `runs`."""
        self._projects = projects
        self._inventory = inventory
        self._runs = runs

    def start(self, project: Project, actor: Actor) -> Run:
        """Queue it. Raises BadInput where the project has no host, and what `Runs.launch` raises."""
        names = tuple(dict.fromkeys(host for each in project.hosts for host in self._inventory.preview(each)))
        if not names:
            raise BadInput("No host of the inventory belongs to this project, so there is nothing to try.", "hosts")
        request = RunRequest(
            RunKind.COMMAND,
            hosts=",".join(project.hosts),
            host_names=names,
            command="true",
            label=_TITLE,
            timeout=_TEST_SECONDS,
            project=project.name,
        )
        run = self._runs.launch(Launch(request, actor))
        self._projects.note_test(project, run.id)
        return run

    def last(self, project: Project) -> Test | None:
        """What the last one said of each host; None where there was none, or it is gone."""
        if not project.ssh_test_run:
            return None
        try:
            run, status = self._runs.get(project.ssh_test_run)
            found = results.of(self._runs.folder(run.id))
        except RunNotFound:
            return None
        tests = []
        for name in run.request.host_names:
            messages = [each.message for each in found.results if each.host == name and each.message]
            recap = found.hosts.get(name)
            ok = recap is not None and recap.state in ("ok", "changed")
            missing = status.why or "Nothing was heard of it." if status.state.ended else "It is being tried."
            why = "" if ok else (ssh_reason(name, messages[-1]) or messages[-1] if messages else missing)
            tests.append(HostTest(name, ok, why))
        return Test(run, status, tuple(tests))


def _checked(plan: SshPlan) -> dict[str, object]:
    user, port, jump = plan.user.strip(), plan.port.strip(), plan.jump.strip()
    if user and not _USER.match(user):
        raise BadInput("This is no name of a user on a host.", "user")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise BadInput("A port is a number from 1 to 65535.", "port")
    if jump and Jump.of(jump) is None:
        raise BadInput("Say it as user@host:port; user and port may be left out.", "jump")
    for name, text in (("key", plan.key), ("known_hosts", plan.known_hosts), ("passphrase", plan.passphrase)):
        if len(text) > _LONGEST_KEY:
            raise BadInput(f"This has more than {_LONGEST_KEY // 1024} KiB.", name)
    return {
        "ssh_user": user,
        "ssh_port": int(port) if port else None,
        "ssh_jump": jump,
        "ssh_known_hosts": plan.known_hosts.strip(),
    }


def _told(project: Project, wanted: Mapping[str, object]) -> ChangedMeanwhile:
    """A key is told by its public half; who typed none is told which is kept."""
    said = ("user", "port", "jump", "known_hosts")
    now = {name: getattr(project, f"ssh_{name}") or "" for name in said}
    theirs = {name: wanted[f"ssh_{name}"] or "" for name in said}
    keys = project.ssh_public_key, wanted.get("ssh_public_key", "")
    return ChangedMeanwhile.since(
        f"the SSH settings of {project.title}", {**now, "key": keys[0]}, {**theirs, "key": keys[1]}
    )


def plan_of(project: Project) -> SshPlan:
    """What is said of it now, without the key."""
    return SshPlan(project.ssh_user, str(project.ssh_port or ""), project.ssh_jump, project.ssh_known_hosts)
