"""Breaks a whole site by a schedule and says what it cost: `make faults`, docs/faults.md."""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults import checker
from tests.faults.breaking import Breaking
from tests.faults.checker import Violation
from tests.faults.clients import Clients
from tests.faults.ledger import Ledger
from tests.faults.plan import Plan, make_plan
from tests.faults.site import Site

_QUIET_SECONDS = 300
#: And for each piece of work: many runs still wait when all is asked for.
_QUIET_SECONDS_EACH = 0.5
_INTERRUPTED = 130


@dataclass
class Course:
    """How it went."""

    plan: Plan
    seconds: float = 0.0
    breaking: Breaking | None = None
    clients: Clients | None = None
    restarts: int = 0
    run_states: Counter[str] | None = None
    out_of_time: bool = False


def main() -> int:
    """The exit code: 0 without a violation, 1 with one, 2 where it could not be brought to its end."""
    words = _words()
    console = Console(width=140, highlight=False)
    plan = make_plan(words.seed, words.runs, words.faults)
    console.print(f"make faults SEED={plan.seed} RUNS={words.runs} FAULTS={words.faults}")
    for fault in plan.faults:
        console.print(str(fault), markup=False)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(words.folder).resolve() / f"selfservice-faults-{plan.seed}"
    if folder.exists():
        console.print(f"{folder} is there already; remove it first.")
        return 2
    site, course = Site(folder), Course(plan)
    found: list[Violation] = []
    try:
        found = _take_place(site, course, words.limit, console)
    except KeyboardInterrupt:
        console.print(f"Interrupted. What was started is ended; files are in {folder}.")
        return _INTERRUPTED
    finally:
        if found or words.keep or course.clients is None:
            site.keep_files()
        site.remove()
    _tell(console, course, found)
    if not found and not words.keep and not course.out_of_time:
        shutil.rmtree(folder)
    else:
        console.print(f"Everything lies in {folder}.")
    return 1 if found else 2 if course.out_of_time else 0


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--faults", type=int, default=10)
    parser.add_argument("--limit", type=int, default=7200, help="seconds after which nothing more is asked or broken")
    parser.add_argument("--folder", default="/tmp", help="where the folder of everything is made")
    parser.add_argument("--keep", action="store_true", help="keep that folder also where all is well")
    return parser.parse_args()


def _take_place(site: Site, course: Course, limit: int, console: Console) -> list[Violation]:
    begin, ended = time.monotonic(), threading.Event()
    site.start()
    (site.folder / "plan.json").write_text(json.dumps(course.plan.to_json()))
    for name, why in site.without.items():
        console.print(f"Without “{name}” faults: {why}.")
    timer = threading.Timer(limit, ended.set)
    timer.daemon = True
    timer.start()
    course.clients = clients = Clients(site, course.plan, Ledger(site.folder / "ledger.jsonl"), ended)
    course.breaking = breaking = Breaking(site, ended)
    clients.start()
    for fault in course.plan.faults:
        if not clients.wait_for(fault.after_work + 1):
            break
        breaking.begin(fault)
    clients.wait()
    breaking.wait(60)
    course.out_of_time = ended.is_set()
    console.print(f"All is asked for after {time.monotonic() - begin:.0f} s; until it is quiet …")
    ended.set()
    _until_quiet(site, _QUIET_SECONDS + _QUIET_SECONDS_EACH * len(course.plan.work))
    for name in site.end():
        console.print(f"{name} did not stop within 30 s of TERM.")
    course.seconds = time.monotonic() - begin
    course.restarts = site.restarts
    course.run_states = _states(site)
    return checker.check(site.folder)


def _until_quiet(site: Site, seconds: float) -> None:
    """Until every run and every call has its end and no result waits, or for so long as that may take."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        going_on = {"queued", "running"} & set(_states(site))
        instances = [node.home / "instance" for node in site.nodes.values()]
        waiting = [path for each in instances for name in ("calls/open", "outbox") for path in (each / name).glob("*")]
        if not going_on and not waiting:
            return
        time.sleep(1)


def _states(site: Site) -> Counter[str]:
    states: Counter[str] = Counter()
    for path in (site.nodes["master"].home / "artifacts").glob("[0-9]*/state.json"):
        states[str(json.loads(path.read_text())["state"])] += 1
    return states


def _tell(console: Console, course: Course, found: list[Violation]) -> None:
    for each in found:
        console.print(f"{each.kind}: {each.what}", markup=False)
    breaking, clients = course.breaking, course.clients
    if breaking is None or clients is None:
        return
    done = breaking.done
    for fault in course.plan.faults:
        console.print(f"{fault}: {done.get(fault.number, 'not reached')}", markup=False)
    hit = {number for number, what in done.items() if not what.startswith("left out")}
    table = Table("what", "how many", title=f"seed {course.plan.seed}, {course.seconds:.0f} s")
    for name, count in (course.run_states or {}).items():
        table.add_row(f"runs {name}", str(count))
    for name, count in sorted(clients.accepted.items()):
        table.add_row(f"accepted: {name}", str(count))
    table.add_row("requests of clients", str(clients.attempts), end_section=True)
    kinds = Counter(fault.kind for fault in course.plan.faults if fault.number in hit)
    for name, count in sorted(kinds.items()):
        table.add_row(f"fault: {name}", str(count))
    table.add_row("faults", f"{len(hit)} of {len(course.plan.faults)}")
    table.add_row("nodes started again", str(course.restarts), end_section=True)
    for name, count in sorted(Counter(each.kind for each in found).items()):
        table.add_row(f"violation: {name}", str(count))
    table.add_row("violations", str(len(found)))
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
