"""Memory of all processes of a master: each one's share, so that shared pages count once."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks import queue
from benchmarks.own_master import memory_of, own_master, wait_until_all_rests, wait_until_idle


def measure(home: Path) -> None:
    """Print memory while somebody is there, once nobody has been for minutes, and after 100 runs; peaks as well."""
    with own_master(home) as master:
        wait_until_idle(master)
        in_use = of_tree(master.process.pid)
        wait_until_all_rests(master)
        idle = of_tree(master.process.pid)
        queue.drained(master)
        after = of_tree(master.process.pid)
    print("Memory of all processes of a master")
    print(f"  in use            {total(in_use):.0f} MiB (proportional)")
    print(f"  idle              {total(idle):.0f} MiB (proportional)")
    print(f"  after {queue.RUNS} runs    {total(after):.0f} MiB (proportional)")
    for name, (share, peak) in after.items():
        print(f"    {share:6.0f} MiB, peak {peak:4.0f} MiB  {name}")


def of_tree(pid: int) -> dict[str, tuple[float, float]]:
    """Proportional and peak memory in MiB of `pid` and all below it, by its number and the end of its command."""
    found: dict[str, tuple[float, float]] = {}
    process = psutil.Process(pid)
    for each in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess, FileNotFoundError):  # a run that has ended meanwhile
            found[f"{each.pid} {' '.join(each.cmdline())[-60:]}"] = memory_of(each)
    return found


def total(tree: dict[str, tuple[float, float]]) -> float:
    """Proportional memory of all in MiB."""
    return sum(share for share, _ in tree.values())
