"""Memory of all processes of a master: each one's share, so that shared pages count once."""

from __future__ import annotations

import time
from pathlib import Path

from selfservice.runs import processes
from tests.system.master import Master


def of_tree(pid: int) -> dict[str, tuple[int, int]]:
    """Proportional and peak memory in KiB of `pid` and all below it, by process title."""
    found: dict[str, tuple[int, int]] = {}
    for each in [pid, *_below(pid)]:
        folder = Path("/proc") / str(each)
        if not (folder / "smaps_rollup").exists() or processes.started(each) is None:
            continue  # a run that has ended meanwhile
        words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        share = _value(folder / "smaps_rollup", "Pss:")
        peak = _value(folder / "status", "VmHWM:")
        found[f"{each} {words[-60:]}"] = (share, peak)
    return found


def wait_until_idle(master: Master) -> None:
    """Until all that a start does is done: the last is that runs can be forked."""
    deadline = time.monotonic() + 60
    while "runs fork from process" not in (master.home / "master.log").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def report(idle: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> None:
    """Print idle and peak memory."""
    print("Memory of all processes of a master")
    print(f"  idle              {sum(share for share, _ in idle.values()) / 1024:.0f} MiB (proportional)")
    print(f"  after the runs    {sum(share for share, _ in after.values()) / 1024:.0f} MiB (proportional)")
    for name, (share, peak) in after.items():
        print(f"    {share / 1024:6.0f} MiB, peak {peak / 1024:4.0f} MiB  {name}")


def _below(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [each for child in children for each in (int(child), *_below(int(child)))]


def _value(path: Path, name: str) -> int:
    for line in path.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0
