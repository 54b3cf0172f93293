"""A run that prints 5,000,000 lines"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.load.table import Row, percentile
from benchmarks.own_master import ended, launch_operation, memory_of, own_master, process_of, signed_in, timed

LINES = 5_000_000
LOOKS = 20
#: A list is printed one item a line; a module's own output of that size takes Ansible itself an hour.
TASKS = 50
PLAYBOOK = "- hosts: master\n  gather_facts: false\n  tasks:\n" + TASKS * (
    f"    - ansible.builtin.debug: {{msg: \"{{{{ range({LINES // TASKS}) | map('string') | list }}}}\"}}\n"
)


def measure(home: Path) -> Iterator[Row]:
    """What it takes of disk and memory, and how its page opens."""
    playbooks = home.with_name("playbooks")
    playbooks.mkdir()
    (playbooks / "flood.yml").write_text(PLAYBOOK)
    with own_master(home, SELFSERVICE_RUN_TIMEOUT="0", SELFSERVICE_PLAYBOOKS=str(playbooks)) as master:
        browser = signed_in(master)
        run_id = launch_operation(master, "flood")
        largest = _Largest(run_id)
        state = ended(master, run_id, 1200)
        peak = largest.stop()
        url = f"{master.url}/api/v1/runs/{run_id}"
        begun = timed(lambda: browser.get(f"{url}/lines?start=-200&count=200", timeout=60))
        total = browser.get(f"{url}/lines?count=1").json()["total"]
        first = timed(lambda: browser.get(f"{master.url}/runs/{run_id}", timeout=60))
        pages = [timed(lambda: browser.get(f"{master.url}/runs/{run_id}", timeout=60)) for _ in range(LOOKS)]
        places = [LINES * number // LOOKS for number in range(LOOKS)]
        lines = [timed(lambda: browser.get(f"{url}/lines?start={place}&count=200", timeout=60)) for place in places]  # noqa: B023
        folder = home / "artifacts" / run_id
        sizes = {path.name: path.stat().st_blocks * 512 / 2**20 for path in folder.iterdir()}
        web, _ = memory_of(process_of(master, "web"))
    missing = max(0, LINES - total) if state == "successful" else LINES
    yield Row("lines that are missing of the output", missing, "", 0)
    yield Row("the folder of the run on disk", sum(sizes.values()), "MiB")
    yield Row("of that its output", sizes["stdout"], "MiB")
    for name, size in peak.items():
        yield Row(f"memory of {name}, at most", size, "MiB")
    yield Row("memory of the web process", web, "MiB", 200)
    yield Row("its page, the first time", first, "ms", 1000)
    yield Row("its page, p95", percentile(pages, 0.95), "ms", 100)
    yield Row("its last lines, the first time", begun, "ms", 1000)
    yield Row("200 lines anywhere in it, p95", percentile(lines, 0.95), "ms", 100)


class _Largest:
    """The most memory that the processes of a run take up, by what they are."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._seen: dict[str, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> dict[str, float]:
        self._over.set()
        self._thread.join()
        return self._seen

    def _watch(self) -> None:
        while not self._over.wait(0.2):
            now: dict[str, float] = {}
            for each in psutil.process_iter(["cmdline", "memory_info"]):
                words = " ".join(each.info["cmdline"] or [])
                if self._run_id in words:
                    name = "Ansible" if words.startswith("ansible") else "the process of the run"
                    now[name] = now.get(name, 0) + each.info["memory_info"].rss / 2**20
            for name, size in now.items():
                self._seen[name] = max(self._seen.get(name, 0), size)
