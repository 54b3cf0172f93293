"""The processes of one site, found in /proc by what they do; nobody else's."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

_RUN_ID = b"SELFSERVICE_RUN_ID="
_HOME = b"SELFSERVICE_HOME="
_PLACEHOLDER = b"00000000T000000-000000"
_TASKS = "multiprocessing.forkserver"


@dataclass(frozen=True)
class Process:
    """One process, and what it is in this program."""

    pid: int
    parent: int
    title: str
    #: The home of its node; empty for what runs start, which know only of their run.
    home: str
    run_id: str

    @property
    def is_shared_ssh(self) -> bool:
        """A connection that other runs may be using; it ends by itself."""
        return self.title.startswith("ssh: ") and self.title.endswith("[mux]")


def of_site(folder: Path) -> list[Process]:
    """All that know of `folder` by their environment, in the order of their numbers."""
    mark, found = str(folder).encode(), []
    for path in Path("/proc").iterdir():
        if not path.name.isdigit() or int(path.name) == os.getpid():
            continue
        try:
            environment = (path / "environ").read_bytes()
            if mark not in environment:
                continue
            title = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            stat = (path / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if stat[0] in "ZX":
            continue
        values = environment.split(b"\0")
        home = next((each[len(_HOME) :].decode() for each in values if each.startswith(_HOME)), "")
        run_id = next((each[len(_RUN_ID) :] for each in values if each.startswith(_RUN_ID)), b"")
        run = "" if run_id == _PLACEHOLDER else run_id.decode()
        found.append(Process(int(path.name), int(stat[1]), title, home, run))
    return sorted(found, key=lambda each: each.pid)


def of_kind(folder: Path, kind: str, home: Path) -> list[Process]:
    """Those of one kind, of the node at `home`."""
    everything = of_site(folder)
    if kind in {"run", "ansible", "below ansible"}:
        return _of_runs(everything, kind)
    ours = [each for each in everything if each.home == str(home) and not each.run_id]
    if kind == "supervisor":
        return [each for each in ours if each.title.endswith("run.py")]
    if kind == "fork server":
        return [each for each in ours if "selfservice.runs.fork_server" in each.title]
    if kind == "task":
        servers = {each.pid for each in ours if _TASKS in each.title}
        return [each for each in ours if each.parent in servers and _TASKS in each.title]
    command = "run.py worker" if kind == "worker API" else f"run.py {kind}"
    return [each for each in ours if command in each.title and _TASKS not in each.title]


def _of_runs(everything: list[Process], kind: str) -> list[Process]:
    def is_run(each: Process) -> bool:
        return each.title.startswith("selfservice run ") or "selfservice.runs.process " in each.title

    if kind == "run":
        return [each for each in everything if is_run(each)]
    runs = {each.pid for each in everything if is_run(each)}
    ansible = [each for each in everything if each.parent in runs and not is_run(each)]
    if kind == "ansible":
        return ansible
    below = {each.pid for each in ansible}
    return [each for each in everything if each.run_id and each.parent in below and not each.is_shared_ssh]


def send(process: Process, number: signal.Signals) -> None:
    """A signal; one that is gone already is no error."""
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return


def end_all(folder: Path) -> int:
    """Kill everything of the site until nothing is left; how many there were."""
    count = 0
    for _ in range(50):
        found = of_site(folder)
        if not found:
            return count
        count += len(found)
        for each in found:
            send(each, signal.SIGKILL)
            send(each, signal.SIGCONT)
    return count
