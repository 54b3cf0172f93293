"""One master, two workers and three SSH hosts on this machine, each with folders, ports and ways of its own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selfservice.settings import CHECKOUT
from tests.faults import found, mounts
from tests.faults.mounts import Disk
from tests.faults.network import Way
from tests.faults.plan import HOSTS, WORKERS
from tests.operations.playbooks import Playbooks
from tests.ports import free_port
from tests.system import master as masters
from tests.system import sshd
from tests.system.master import Master

_ARTIFACTS_MEGABYTES = 512
_AUDIT_MEGABYTES = 32

#: Leaves a line where it begins and one where it ends; killed, it is soon gone.
_MARK = """\
#!/bin/sh
set -- "$1" "$2" "$3" "${SSH_CONNECTION#* * }"
case "${4% *}" in
@CASES@
    *) host=master ;;
esac
echo "$1 begin" >> "@MARKS@/$host"
left=$2
while [ "$left" -gt 0 ]; do sleep 0.1; left=$((left - 1)); done
echo "$1 end" >> "@MARKS@/$host"
exit "$3"
"""

_TASK = """\
import os, time
from pathlib import Path
from selfservice.tasks.task_type import task_type

@task_type("Leave a mark", seconds=60)
def leave_mark(tag: str, seconds: float) -> str:
    \"\"\"Write down that it began, and that it ended.\"\"\"
    path = Path("@MARKS@") / Path(os.environ["SELFSERVICE_HOME"]).name
    with path.open("a") as file:
        file.write(f"{tag} begin\\n")
    time.sleep(seconds)
    with path.open("a") as file:
        file.write(f"{tag} end\\n")
    return tag
"""

_OPTIONS = """\
tag: {type: str, required: true}
tenths: {type: int, required: true}
exit_code: {type: int, required: true}
password: {type: str, no_log: true, required: true}
"""
_ROLE = """\
- ansible.builtin.shell: test -n "$PASSWORD"
  environment: {PASSWORD: "{{ password }}"}
  no_log: true
  changed_when: false
- ansible.builtin.command:
    argv: ["@MARK@", "{{ tag }}", "{{ tenths | string }}", "{{ exit_code | string }}"]
- ansible.builtin.debug: {msg: done}
"""


class Node:
    """One node: its home, and the supervisor that is started again whenever it has ended."""

    def __init__(self, name: str, home: Path, environment: dict[str, str]) -> None:
        self.name, self.home, self.environment = name, home, environment
        self.process: subprocess.Popen[bytes] | None = None
        #: Held by whoever wants it to stay down.
        self.staying = threading.Lock()

    def start(self) -> None:
        """As systemd would."""
        with (self.home.parent / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "run.py"], cwd=CHECKOUT, env=self.environment, stdout=log, stderr=log
            )


class Site:
    """Everything, in one folder."""

    def __init__(self, folder: Path) -> None:
        """Make the folder; `start` does the rest."""
        self.folder = folder
        self.marks = folder / "marks"
        for name in ("marks", "user", "tmp", "bin", "tasks", "sshd", "homes"):
            (folder / name).mkdir(parents=True)
        self.canaries = {
            name: f"canary-{secrets.token_hex(12)}" for name in ("an operation's password", "a variable of the node")
        }
        self.disks: dict[str, Disk] = {}
        self.ways: dict[str, Way] = {}
        self.nodes: dict[str, Node] = {}
        self.master: Master
        self.token = ""
        self.restarts = 0
        self._sshd: subprocess.Popen[bytes] | None = None
        self._watching = True
        self._clock = folder / "clock"
        #: Why some faults cannot be had here.
        self.without: dict[str, str] = {}

    @property
    def password(self) -> str:
        """The secret that each playbook is given."""
        return self.canaries["an operation's password"]

    def start(self) -> None:
        """Start everything and wait until it answers."""
        self._write_programs()
        self._mount()
        settings = self._settings()
        home = self.folder / "homes" / "master"
        home.mkdir(exist_ok=True)
        port = free_port()
        self.ways["master"] = Way(("127.0.0.1", free_port()), ("127.0.0.1", port))
        self.master = masters.start(home, self._inventory(), **settings, SELFSERVICE_PORT=str(port))
        self.nodes["master"] = Node("master", home, self.master.environment)
        self.nodes["master"].process = self.master.process
        self.token = self.master.command("token", "create", "--name", "faults", "--scope", "administer").split()[-1]
        self.canaries["the token of the clients"] = self.token
        self.canaries["the password of the administrator"] = masters.PASSWORD
        for name in WORKERS:
            self._add_worker(name, settings)
        homes = {name: str(node.home) for name, node in self.nodes.items()}
        (self.folder / "site.json").write_text(json.dumps({"homes": homes}))
        (self.folder / "canaries.json").write_text(json.dumps(self.canaries))
        threading.Thread(target=self._watch, daemon=True).start()

    def end(self) -> list[str]:
        """Stop the nodes in good order; what did not end in time is named, and stays for the checker."""
        self._watching = False
        slow = []
        for node in self.nodes.values():
            if node.process and node.process.poll() is None:
                node.process.send_signal(signal.SIGTERM)
        for node in self.nodes.values():
            try:
                if node.process:
                    node.process.wait(30)
            except subprocess.TimeoutExpired:
                slow.append(node.name)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and [p for p in found.of_site(self.folder) if not p.is_shared_ssh]:
            time.sleep(0.2)
        return slow

    def remove(self) -> None:
        """End every process and every mount, whatever happened before; the files stay."""
        self._watching = False
        found.end_all(self.folder)
        for path in Path("/proc").iterdir():  # what SSH hosts still do, and the server of the hosts
            try:
                title = (path / "cmdline").read_bytes() if path.name.isdigit() else b""
            except OSError:
                continue
            if (
                str(self.folder / "bin").encode() in title
                or str(self.folder / "sshd" / "sshd_config").encode() in title
            ):
                found.send(found.Process(int(path.name), 0, "", "", ""), signal.SIGKILL)
        if self._sshd:
            self._sshd.kill()
            self._sshd.wait()
        for way in self.ways.values():
            way.close()
        mounts.unmount(self.folder)

    def keep_files(self) -> None:
        """Copy what lies on the small disks to the folder itself, for whoever looks into it after the unmounting."""
        for disk in self.disks.values():
            subprocess.run(["cp", "-a", disk.folder, f"{disk.folder}.kept"], check=False)

    @contextmanager
    def staying_down(self, names: tuple[str, ...]) -> Iterator[None]:
        """Within, nobody starts these nodes."""
        for name in names:
            self.nodes[name].staying.acquire()
        try:
            yield
        finally:
            for name in names:
                self.nodes[name].staying.release()

    def processes_of(self, name: str) -> list[found.Process]:
        """Everything of one node; of the master with all runs."""
        home = str(self.nodes[name].home)
        return [
            each
            for each in found.of_site(self.folder)
            if each.home == home or (name == "master" and each.run_id and not each.home)
        ]

    def _watch(self) -> None:
        while self._watching:
            for node in self.nodes.values():
                if node.process is None or node.process.poll() is None:
                    continue
                with node.staying:
                    if self._watching:
                        node.start()
                        self.restarts += 1
            time.sleep(0.3)

    def _write_programs(self) -> None:
        self.mark = self.folder / "bin" / "mark"
        cases = "\n".join(f"    127.0.0.{number}) host={name} ;;" for number, name in enumerate(HOSTS, 2))
        self.mark.write_text(_MARK.replace("@CASES@", cases).replace("@MARKS@", str(self.marks)))
        self.mark.chmod(0o755)
        (self.folder / "tasks" / "marks.py").write_text(_TASK.replace("@MARKS@", str(self.marks)))
        Playbooks(self.folder / "playbooks").operation(
            "leave_mark", _OPTIONS, tasks=_ROLE.replace("@MARK@", str(self.mark))
        )

    def _mount(self) -> None:
        home = self.folder / "homes" / "master"
        if not mounts.can_mount(home / "artifacts"):
            self.without["full"] = self.without["read-only"] = "nothing can be mounted here (it takes root)"
            return
        self.disks["artifacts"] = Disk(home / "artifacts", _ARTIFACTS_MEGABYTES)
        self.disks["audit"] = Disk(home / "audit", _AUDIT_MEGABYTES)

    def _settings(self) -> dict[str, str]:
        settings = {
            "HOME": str(self.folder / "user"),
            "TMPDIR": str(self.folder / "tmp"),
            "A_SECRET_OF_THE_NODE": self.canaries["a variable of the node"],
            "SELFSERVICE_PLAYBOOKS": str(self.folder / "playbooks"),
            "SELFSERVICE_TASKS_FOLDER": str(self.folder / "tasks"),
            "SELFSERVICE_HEARTBEAT_SECONDS": "2",
            "SELFSERVICE_PARALLEL_RUNS": "6",
            "SELFSERVICE_CANCEL_GRACE": "2",
        }
        program = self.folder / "bin" / "clock.so"
        if shutil.which("cc") is None:
            self.without["clock"] = "there is no C compiler (apt-get install gcc libc6-dev)"
            return settings
        source = Path(__file__).with_name("clock.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", program, source], check=True)
        self.set_clock(0)
        return settings | {"LD_PRELOAD": str(program), "CLOCK_OFFSET_FILE": str(self._clock)}

    def set_clock(self, seconds: int) -> None:
        """Put the wall clock of all nodes ahead by so much."""
        with self._clock.open("r+b" if self._clock.exists() else "wb") as file:  # mapped by those who read it
            file.write(struct.pack("l", seconds))

    def _inventory(self) -> str:
        hosts, self._sshd = sshd.start(self.folder / "sshd", HOSTS)
        port = free_port()
        for name, address in hosts.addresses.items():
            self.ways[name] = Way((address, port), (address, hosts.port))
        known = self.folder / "sshd" / "known_hosts"
        known.write_text(known.read_text().replace(f":{hosts.port} ", f":{port} "))
        inventory = hosts.inventory().replace(f"ansible_port: {hosts.port}", f"ansible_port: {port}")
        # Connections are shared between runs, as in production.
        return inventory.replace("-o ControlPath=none ", "")

    def _add_worker(self, name: str, settings: dict[str, str]) -> None:
        port, outside = free_port(), free_port()
        self.ways[name] = Way(("127.0.0.1", outside), ("127.0.0.1", port))
        words = self.master.command("node", "add", name, "--address", f"http://127.0.0.1:{outside}").split()
        token = next(word for word in words if word.startswith("ssn_"))
        home = self.folder / "homes" / name
        home.mkdir()
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("SELFSERVICE_")},
            **settings,
            "SELFSERVICE_TYPE": "WORKER",
            "SELFSERVICE_HOME": str(home),
            "SELFSERVICE_PORT": str(port),
        }
        way = self.ways["master"].address
        joined = subprocess.run(
            [sys.executable, "run.py", "join", f"http://{way}", "--name", name],
            input=token, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if joined.returncode:
            raise RuntimeError(joined.stderr)
        self.nodes[name] = Node(name, home, environment)
        self.nodes[name].start()
