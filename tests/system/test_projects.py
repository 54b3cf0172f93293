"""Secrets and SSH settings of projects, with a real executor, a real Ansible and real SSH servers."""

from __future__ import annotations

import base64
import getpass
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from selfservice.audit.journal import Journal
from selfservice.nodes.inventory import Inventory
from selfservice.projects.projects import Plan, Projects
from selfservice.projects.secrets import Secrets
from selfservice.projects.ssh import ConnectionTests, Ssh, SshPlan
from selfservice.projects.vault import Vault
from selfservice.runs.launching import Launch
from selfservice.runs.run import Run, RunKind, RunRequest, State
from selfservice.store.database import Database
from selfservice.store.migration import migrate
from tests.operations.playbooks import Playbooks
from tests.system import sshd
from tests.system.conftest import ALICE, Node, wait_for
from tests.system.test_operations import LOCAL

CANARY = "canary-ZX81/ü&q=1"
_TASKS = """
- ansible.builtin.debug: {msg: "{{ api_token }}"}
- ansible.builtin.debug: {msg: "{{ ('user:' ~ api_token) | b64encode }} {{ api_token | b64encode }}"}
- ansible.builtin.debug: {msg: "{{ api_token | urlencode }} {{ [api_token] | to_json }}"}
- ansible.builtin.command: {argv: [printf, "%s\\n", "{{ api_token }}"]}
- ansible.builtin.debug: {msg: "{{ lookup('ansible.builtin.vars', 'of_a_vault_file') }} of {{ secret_file }}"}
- ansible.builtin.copy: {content: "{{ api_token }}", dest: "{{ secret_file }}", mode: "0600"}
- ansible.builtin.fail: {msg: "cannot use {{ api_token }}"}
"""


@dataclass
class Office:
    """A node with a project called shop."""

    node: Node
    database: Database

    def __post_init__(self) -> None:
        settings = self.node.settings
        self.journal = Journal(settings.audit, settings.node_name)
        self.vault = Vault(settings.vault_keys_file)
        self.inventory = Inventory(settings.inventory)
        self.projects = Projects(self.database, self.journal, self.inventory)
        self.secrets = Secrets(self.database, self.journal, self.vault)
        self.ssh = Ssh(self.database, self.journal, self.vault)

    def launch(self, *hosts: str, playbook: str = "", **named: object) -> Run:
        kind = RunKind.PLAYBOOK if playbook else RunKind.COMMAND
        command = "" if playbook else "true"
        request = RunRequest(kind, ",".join(hosts), hosts, command=command, playbook=playbook, project="shop", **named)  # type: ignore[arg-type]
        return self.node.runs.launch(Launch(request, ALICE))


@pytest.fixture
def open_office(make_node: Callable[..., Node], tmp_path: Path) -> Iterator[Callable[..., Office]]:
    databases = []

    def made(inventory: str, hosts: tuple[str, ...], **settings: object) -> Office:
        node = make_node(inventory, home=tmp_path / "home", vault_keys=tmp_path / "keys" / "vault", **settings)
        migrate(node.settings)
        databases.append(Database(node.settings))
        office = Office(node, databases[-1])
        office.projects.create("shop", Plan("Shop", hosts=hosts), ALICE)
        return office

    yield made
    for each in databases:
        each.close()


def test_a_secret_is_given_to_the_playbook_and_stands_in_nothing_that_is_written(
    open_office: Callable[..., Office], tmp_path: Path
) -> None:
    playbooks = Playbooks(tmp_path / "playbooks")
    playbooks.operation("leak", tasks=_TASKS)
    password = tmp_path / "vault-password"
    password.write_text("the site's own")
    vault_file = playbooks.write("group_vars/all.yml", "of_a_vault_file: from-the-vault\n")
    vault = Path(sys.executable).with_name("ansible-vault")
    subprocess.run([vault, "encrypt", "--vault-password-file", password, vault_file], check=True, capture_output=True)
    office = open_office(LOCAL, ("master",), playbooks=playbooks.folder)
    office.node.extra_environment["ANSIBLE_VAULT_PASSWORD_FILE"] = str(password)
    office.secrets.set(office.projects.get("shop"), "api_token", CANARY, "", ALICE)
    office.node.start_executor()
    written = {"secret_file": str(tmp_path / "written")}
    run = office.launch("master", playbook="leak.yml", label="Leak", variables=written)
    status = office.node.finish(run)
    output = office.node.output(run)
    assert status.state is State.FAILED
    assert "from-the-vault of" in output
    assert (tmp_path / "written").read_text() == CANARY, output
    _assert_nowhere(office.node.settings.home, CANARY)
    assert "cannot use ********" in output
    assert not list(Path("/dev/shm").glob(f"*{run.id}*"))


def _assert_nowhere(home: Path, secret: str) -> None:
    """Neither it nor a usual form of it is in any file below `home`."""
    inside = base64.b64encode(f"user:{secret}".encode()).decode()[8:-4]
    whole = base64.b64encode(secret.encode()).decode()
    forms = [secret, whole, inside, quote(secret), quote(secret, safe=""), secret[:9]]
    files = [path for path in home.rglob("*") if path.is_file()]
    assert len(files) > 10
    told = [(str(path), form) for path in files for form in forms if form.encode() in _content(path)]
    assert told == []


def _content(path: Path) -> bytes:
    """What is in a file of a node at work; nothing in one that is gone meanwhile."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def test_what_a_run_is_given_stands_in_no_command_line_and_no_environment(
    open_office: Callable[..., Office], tmp_path: Path
) -> None:
    playbooks = Playbooks(tmp_path / "playbooks")
    playbooks.operation("wait", tasks="- ansible.builtin.wait_for: {path: /nowhere, timeout: 30}")
    office = open_office(LOCAL, ("master",), playbooks=playbooks.folder)
    office.secrets.set(office.projects.get("shop"), "api_token", CANARY, "", ALICE)
    office.node.start_executor()
    run = office.launch("master", playbook="wait.yml")
    wait_for(lambda: "wait" in office.node.output(run) if office.node.runs.folder(run.id).stdout.exists() else False)
    seen = [text for process in _processes() for text in process]
    office.node.runs.cancel(run.id, ALICE)
    office.node.finish(run)
    assert len(seen) > 4
    assert not [each for each in seen if CANARY.encode() in each]
    _assert_nowhere(office.node.settings.home, CANARY)


def _processes() -> Iterator[tuple[bytes, bytes]]:
    """Command line and environment of every process that may be looked at."""
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with suppress(OSError):
                yield (path / "cmdline").read_bytes(), (path / "environ").read_bytes()


def test_a_run_whose_secrets_cannot_be_opened_says_so(open_office: Callable[..., Office]) -> None:
    office = open_office(LOCAL, ("master",))
    office.secrets.set(office.projects.get("shop"), "api_token", CANARY, "", ALICE)
    office.node.settings.vault_keys_file.unlink()
    office.node.start_executor()
    status = office.node.finish(office.launch("master"))
    assert (status.state, "cannot be opened by the keys" in status.why) == (State.FAILED, True)


@pytest.fixture
def jump(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sshd.SshHosts]:
    """Another SSH server, by which the others are reached."""
    hosts, process = sshd.start(tmp_path_factory.mktemp("jump"), ("jump",))
    yield hosts
    process.terminate()
    process.wait()


@pytest.mark.sshd
def test_hosts_are_reached_by_the_key_user_port_and_jump_host_of_their_project(
    open_office: Callable[..., Office], ssh_hosts: sshd.SshHosts, jump: sshd.SshHosts, tmp_path: Path
) -> None:
    # The inventory knows neither port nor user nor key; the key has a passphrase, and both servers know it.
    lines = [f"    {name}: {{ansible_host: {address}}}" for name, address in ssh_hosts.addresses.items()]
    python = f"  vars: {{ansible_python_interpreter: {sys.executable}, ansible_user: nobody, ansible_port: 9}}"
    office = open_office(
        "\n".join(["all:", python, "  hosts:", *lines, "    gone: {ansible_host: 127.0.0.9}"]), ("all",)
    )
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "pass phrase", "-f", key], check=True)
    for server in (ssh_hosts, jump):
        with (server.folder / "authorized_keys").open("a") as file:
            file.write(key.with_suffix(".pub").read_text())
    known = [(server.folder / "known_hosts").read_text() for server in (ssh_hosts, jump)]
    plan = SshPlan(
        user=getpass.getuser(),
        port=str(ssh_hosts.port),
        jump=f"{getpass.getuser()}@{jump.addresses['jump']}:{jump.port}",
        known_hosts="".join(known),
        key=key.read_text(),
        passphrase="pass phrase",
    )
    project = office.projects.get("shop")
    office.ssh.change(project, plan, project.version, ALICE)
    office.node.start_executor()
    tests = ConnectionTests(office.projects, office.inventory, office.node.runs)
    run = tests.start(office.projects.get("shop"), ALICE)
    office.node.finish(run)
    tried = tests.last(office.projects.get("shop"))
    assert tried is not None
    assert {each.host: each.ok for each in tried.hosts} == {"web-1": True, "web-2": True, "gone": False}, tried
    assert [each.why for each in tried.hosts if not each.ok] != [""]
    came = (jump.folder / "log").read_text()
    assert "Accepted publickey" in came
    body = "".join(line for line in key.read_text().splitlines() if "KEY" not in line)[80:120]
    _assert_nowhere(office.node.settings.home, body)
    _assert_nowhere(office.node.settings.home, "pass phrase")
    agents = [environment for words, environment in _processes() if b"ssh-agent" in words]
    assert not [each for each in agents if run.id.encode() in each]
