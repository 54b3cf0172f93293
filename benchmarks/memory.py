"""Memory of all processes of a master: each one's share, so that shared pages count once."""

from __future__ import annotations

from pathlib import Path

from benchmarks import queue
from benchmarks.own_master import own_master, wait_until_idle
from selfservice.runs import processes


def measure(home: Path) -> None:
    """Print idle and peak memory, and what is left of it after 100 runs."""
    with own_master(home) as master:
        wait_until_idle(master)
        idle = of_tree(master.process.pid)
        queue.drained(master)
        after = of_tree(master.process.pid)
    print("Memory of all processes of a master")
    print(f"  idle              {total(idle):.0f} MiB (proportional)")
    print(f"  after {queue.RUNS} runs    {total(after):.0f} MiB (proportional)")
    for name, (share, peak) in after.items():
        print(f"    {share / 1024:6.0f} MiB, peak {peak / 1024:4.0f} MiB  {name}")


def total(tree: dict[str, tuple[int, int]]) -> float:
    """Proportional memory of all in MiB."""
    return sum(share for share, _ in tree.values()) / 1024


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


def _below(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [each for child in children for each in (int(child), *_below(int(child)))]


def _value(path: Path, name: str) -> int:
    for line in path.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0
