"""Each kind of fault, as it is done to a site."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

from tests.faults import found
from tests.faults.plan import WORKERS, Fault
from tests.faults.site import Site

#: What a crash in the middle of an append leaves.
_TORN_LINE = b'{"schema":1,"time":"2026-01-01T00:00:00.000000+00:00","node":"master","kind":"run:la'


class Breaking:
    """Does the faults of a plan as the work goes on, and undoes what is not over at the end."""

    def __init__(self, site: Site, ended: threading.Event) -> None:
        self._site = site
        self._ended = ended
        #: Of each fault: what was hit, or why nothing was.
        self.done: dict[int, str] = {}
        self._busy = {name: threading.Lock() for name in ("artifacts", "audit", "clock", *site.ways)}
        self._threads: list[threading.Thread] = []

    def begin(self, fault: Fault) -> None:
        """Do it in the background."""
        thread = threading.Thread(target=self._do, args=(fault,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def wait(self, seconds: float) -> None:
        """Until all have ended."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _do(self, fault: Fault) -> None:
        if self._ended.wait(fault.delay):
            return
        words = fault.kind.split()
        missing = self._site.without.get(words[0])
        self.done[fault.number] = f"left out: {missing}" if missing else self._hit(fault, words)

    def _hit(self, fault: Fault, words: list[str]) -> str:
        if fault.kind == "restart everything":
            return self._restart_everything()
        if fault.kind == "torn lines":
            return self._tear(fault.of)
        if fault.kind == "stop and continue":
            return self._stop(fault)
        if words[0] == "kill":
            return self._kill(fault)
        if words[0] in {"full", "read-only"}:
            return self._spoil_disk(fault, words[0], words[1])
        if words[0] in {"cut", "slow"}:
            return self._spoil_way(fault, words[0])
        return self._jump(fault)

    def _of_kind(self, fault: Fault, kind: str) -> found.Process | None:
        """The process that the fault's draw means; of things that go on only now and then, the next one."""
        node = "master"
        if kind == "task" or kind.startswith("worker "):
            node = (*WORKERS, "master")[int(fault.draw * 1000) % 3]
        if kind == "worker supervisor":
            node, kind = WORKERS[int(fault.draw * 1000) % 2], "supervisor"
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and not self._ended.is_set():
            if there := found.of_kind(self._site.folder, kind, self._site.nodes[node].home):
                return there[int(fault.draw * len(there))]
            time.sleep(0.02)
        return None

    def _kill(self, fault: Fault) -> str:
        process = self._of_kind(fault, fault.kind.removeprefix("kill "))
        if process is None:
            return "left out: there was none"
        found.send(process, signal.SIGKILL)
        return f"{process.pid} {process.title[:60]}"

    def _stop(self, fault: Fault) -> str:
        process = self._of_kind(fault, fault.of)
        if process is None:
            return "left out: there was none"
        found.send(process, signal.SIGSTOP)
        try:
            self._ended.wait(fault.seconds)
        finally:
            found.send(process, signal.SIGCONT)
        return f"{process.pid} {process.title[:60]}"

    def _spoil_disk(self, fault: Fault, how: str, which: str) -> str:
        disk = self._site.disks[which]
        with self._busy[which]:
            if how == "full":
                try:
                    disk.fill(int(fault.draw * 4))
                    self._ended.wait(fault.seconds)
                finally:
                    disk.empty()
                return str(disk.folder)
            if not disk.make_read_only():
                return "left out: it cannot be made read-only"
            try:
                self._ended.wait(fault.seconds)
            finally:
                disk.make_writable()
            return str(disk.folder)

    def _spoil_way(self, fault: Fault, how: str) -> str:
        way = self._site.ways[fault.of]
        with self._busy[fault.of]:
            if how == "cut":
                way.cut()
            else:
                way.delay(0.1 + fault.draw)
            self._ended.wait(fault.seconds)
            way.mend()
        return way.address

    def _jump(self, fault: Fault) -> str:
        with self._busy["clock"]:
            self._site.set_clock(int(fault.of))
            self._ended.wait(fault.seconds)
            self._site.set_clock(0)
        return fault.of

    def _restart_everything(self) -> str:
        names = tuple(self._site.nodes)
        with self._site.staying_down(names):
            count = sum(self._end_node(name) for name in names)
        return f"{count} processes"

    def _end_node(self, name: str) -> int:
        count = 0
        while there := [each for each in self._site.processes_of(name) if not each.is_shared_ssh]:
            count += len(there)
            for each in there:
                found.send(each, signal.SIGKILL)
                found.send(each, signal.SIGCONT)
            process = self._site.nodes[name].process
            if process:
                process.poll()
        return count

    def _tear(self, name: str) -> str:
        """What a crash of the machine may leave: half a line more in the audit, half a line less elsewhere."""
        home = self._site.nodes[name].home
        with self._site.staying_down((name,)):
            self._end_node(name)
            torn = [_with_half_a_line_more(path) for path in sorted((home / "audit").glob("*.jsonl"))[-1:]]
            for path in (home / "artifacts").glob("*/events.jsonl"):
                if not (path.parent / "summary.json").exists():  # was under way: not durable yet
                    torn.append(_with_half_a_line_less(path))
                    torn.append(_with_half_a_line_less(path.with_name("stdout")))
            for path in (home / "instance" / "health").glob("*/*/*.jsonl"):
                torn.append(_with_half_a_line_less(path))
        return f"{sum(torn)} files of {name}"


def _with_half_a_line_more(path: Path) -> bool:
    try:
        with path.open("ab") as file:
            file.write(_TORN_LINE)
    except OSError:  # the disk is full or read-only just now
        return False
    return True


def _with_half_a_line_less(path: Path) -> bool:
    try:
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.truncate(max(0, size - 20))
    except OSError:
        return False
    return True
