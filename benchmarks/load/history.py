"""A past of 1,000,000 audit lines and 100,000 runs"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import requests

from benchmarks.load import past
from benchmarks.load.past import Past
from benchmarks.load.table import Row, percentile
from benchmarks.own_master import INVENTORY, launch, memory_of, own_master, process_of, signed_in, timed
from tests.system.master import Master

RUNS = 100_000
LINES = 1_000_000
LOOKS = 12
_LIMIT = 100
#: Words that fit much, something and nothing; each look takes the next.
_WORDS = ("alice-0", "web-00", "nginx", "df -h", "op-0-deploy", "deploy release", "frank-2", "no-such-word")
_KINDS = ("run:launch", "account:sign-in", "token:use", "secret:set")
_LISTS = {
    "Runs": "/runs",
    "Runs that failed": "/runs?state=failed",
    "Runs, searched": "/runs?q={word}",
    "Runs that failed, searched": "/runs?state=failed&q={word}",
    "Runs by API, 500 of them": "/api/v1/runs?limit=500",
    "History": "/history",
    "History of one kind": "/history?kind={kind}",
    "History of one person": "/history?person=alice-0",
    "History of one person and kind": "/history?person=bob-0&kind={kind}",
    "History of one host": "/history?host=web-001",
    "History of a month": "/history?since=2026-03-01&until=2026-03-31",
    "History of one kind since a day": "/history?kind={kind}&since=2026-06-01",
    "History, searched": "/history?q={word}",
    "History of one kind, searched": "/history?kind={kind}&q={word}",
    "History by API": "/api/v1/actions",
    "First page": "/",
    "Operations": "/operations",
    "Commands": "/commands",
    "Nodes": "/nodes",
    "Health": "/health",
    "Schedules": "/schedules",
    "Requests": "/requests",
    "Projects": "/projects",
    "Alerts": "/alerts",
    "Search of everything": "/search?q={word}",
}


def measure(home: Path) -> Iterator[Row]:
    """How long the indexes take to build, and every list, search and page, for whoever sees all and for others."""
    whole = Past(RUNS, LINES)
    home.mkdir()
    past.write_runs(home / "artifacts", whole)
    past.write_audit(home / "audit", whole)
    yield Row("files of the runs on disk", _disk_use(home / "artifacts") / 2**20, "MiB")
    yield Row("files of the audit on disk", _disk_use(home / "audit") / 2**20, "MiB")
    hosts = "".join(f"    {name}: {{}}\n" for name in past.HOSTS)
    inventory = f"{INVENTORY}{hosts}"
    with own_master(home, inventory, SELFSERVICE_KEEP_RUNS_DAYS="0") as master:  # else the night takes most of it
        yield from _built(master)
        yield from _looked_at(master)
        yield Row("the next run begins after", _begun(master), "ms", 2000)
        for role in ("web", "executor"):
            yield Row(f"memory of the {role} process, at most", memory_of(process_of(master, role))[1], "MiB", 400)


def _built(master: Master) -> Iterator[Row]:
    """Both indexes, from the files; meanwhile the master says that it lives."""
    begun = time.monotonic()
    took: dict[str, float] = {}
    master.call("GET", "/api/v1/alerts")  # makes the token

    def build(path: str) -> None:
        headers = {"Authorization": f"Bearer {master.token}"}
        requests.get(f"{master.url}{path}", headers=headers, timeout=1800).raise_for_status()
        took[path] = time.monotonic() - begun

    building = [threading.Thread(target=build, args=(path,)) for path in ("/api/v1/runs", "/api/v1/actions")]
    for each in building:
        each.start()
    alive = []
    while any(each.is_alive() for each in building):
        alive.append(timed(lambda: requests.get(f"{master.url}/healthz", timeout=60)))
        time.sleep(0.2)
    yield Row("both indexes built from the files, together", max(took.values()), "s", 120)
    yield Row("the dashboard answers meanwhile, p95", percentile(alive, 0.95), "ms", 1000)
    cache = master.home / "instance" / "cache"
    yield Row("index of runs on disk", _disk_use(cache, "runs.db*") / 2**20, "MiB")
    yield Row("index of the audit on disk", _disk_use(cache, "history.db*") / 2**20, "MiB")


def _looked_at(master: Master) -> Iterator[Row]:
    for name, each in past.PROJECTS.items():
        body = {"name": name, "title": name, "hosts": each["hosts"], "operations": each["operations"]}
        master.call("POST", "/api/v1/projects", json=body).raise_for_status()
    said = master.command("person", "add", "member", "--role", "technical-agent")
    for name in ("project-00", "project-01", "project-07"):
        body = {"kind": "person", "name": "member", "level": "read"}
        master.call("PUT", f"/api/v1/projects/{name}/access", json=body).raise_for_status()
    everybody = {
        "sees all": signed_in(master),
        "sees 3 projects": signed_in(master, "member", said.strip().split(": ")[-1]),
    }
    web = process_of(master, "web")
    for who, session in everybody.items():
        spent: dict[str, float] = {}
        for what, address in _LISTS.items():
            before = sum(web.cpu_times()[:2])
            looks = _looks(lambda path: session.get(f"{master.url}{path}", timeout=60), address)  # noqa: B023
            spent[what] = (sum(web.cpu_times()[:2]) - before) / (len(looks) + 1) * 1000
            yield Row(f"{what} ({who}), p95", percentile(looks, 0.95), "ms", _LIMIT)
        # On a machine that is busy with other things this says more than the times.
        most = max(spent, key=lambda what: spent[what])
        yield Row(f"most processor time for one of these: {most}", spent[most], "ms", _LIMIT)
        run_ids = [run["id"] for run in session.get(f"{master.url}/api/v1/runs?limit={LOOKS}").json()["runs"]]
        pages = [timed(lambda: session.get(f"{master.url}/runs/{run_id}", timeout=60)) for run_id in run_ids]  # noqa: B023
        yield Row(f"Page of a run ({who}), p95", percentile(pages, 0.95), "ms", _LIMIT)


def _looks(get: Callable[[str], requests.Response], address: str) -> list[float]:
    def path(number: int) -> str:
        return address.format(word=_WORDS[number % len(_WORDS)], kind=_KINDS[number % len(_KINDS)])

    get(path(0))
    return [timed(lambda: get(path(number))) for number in range(LOOKS)]  # noqa: B023


def _begun(master: Master) -> float:
    start = time.perf_counter()
    run_id = launch(master, "true")
    while master.call("GET", f"/api/v1/runs/{run_id}").json()["started_at"] is None:
        time.sleep(0.02)
    return (time.perf_counter() - start) * 1000


def _disk_use(folder: Path, pattern: str = "**/*") -> int:
    """Bytes in blocks of the disk."""
    return sum(path.lstat().st_blocks * 512 for path in folder.glob(pattern))
