"""A run of 20 tasks over 500 simulated hosts, against ansible-playbook

The hosts answer after 50 ms and cost nothing, so that all that is measured is Ansible's work and ours.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import by_hand
from benchmarks.load.table import Row, percentile
from benchmarks.own_master import ended, launch_operation, memory_of, own_master, process_of, signed_in, timed
from selfservice.settings import CHECKOUT
from tests.system.master import Master

HOSTS = 500
TASKS = 20
PAIRS = 2
FORKS = 20
LOOKS = 40
SIMULATED = Path(__file__).parent / "simulated"
PLAYBOOK = "- hosts: simulated\n  gather_facts: false\n  tasks:\n" + TASKS * (
    "    - ansible.builtin.command: systemctl is-active nginx\n"
)


def measure(home: Path) -> Iterator[Row]:
    """The ratio, pair by pair in turns, and what the page of such a run takes."""
    playbooks = home.with_name("playbooks")
    playbooks.mkdir()
    (playbooks / "simulated.yml").write_text(PLAYBOOK)
    # The plugin is found beside the playbook, so both ways run with the same settings.
    (playbooks / "connection_plugins").symlink_to(SIMULATED)
    names = "".join(f"        host-{number:03d}: {{}}\n" for number in range(HOSTS))
    inventory = (
        "all:\n  children:\n    simulated:\n      vars: {ansible_connection: simulated,"
        f" ansible_python_interpreter: /usr/bin/python3}}\n      hosts:\n{names}"
    )
    with own_master(home, inventory, SELFSERVICE_PLAYBOOKS=str(playbooks)) as master:
        pairs = []
        for number in range(PAIRS):
            if number % 2:
                ours, run_id = _by_dashboard(master)
                theirs = _by_hand(home, playbooks)
            else:
                theirs = _by_hand(home, playbooks)
                ours, run_id = _by_dashboard(master)
            pairs.append((ours, theirs))
        browser = signed_in(master)
        pages = [timed(lambda: browser.get(f"{master.url}/runs/{run_id}", timeout=60)) for _ in range(LOOKS)]
        results = [
            timed(lambda: browser.get(f"{master.url}/api/v1/runs/{run_id}/results", timeout=60)) for _ in range(LOOKS)
        ]
        web, _ = memory_of(process_of(master, "web"))
        folder = home / "artifacts" / run_id
        size = sum(path.stat().st_blocks * 512 for path in folder.iterdir())
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    yield Row("by the dashboard, from the launch to the end", statistics.median(ours for ours, _ in pairs), "s")
    yield Row("by ansible-playbook", statistics.median(theirs for _, theirs in pairs), "s")
    yield Row("ratio of the two", ratio, "x", 1.03)
    yield Row("its page, p95", percentile(pages, 0.95), "ms", 100)
    yield Row(f"all its {HOSTS * TASKS:,} results by API, p95", percentile(results, 0.95), "ms")
    yield Row("memory of the web process", web, "MiB", 200)
    yield Row("the folder of the run on disk", size / 2**20, "MiB")


def _by_dashboard(master: Master) -> tuple[float, str]:
    start = time.perf_counter()
    run_id = launch_operation(master, "simulated", "simulated")
    state = master.home / "artifacts" / run_id / "state.json"  # not by API: asking costs time of the same processors
    while '"ended_at": null' in state.read_text():
        time.sleep(0.05)
    took = time.perf_counter() - start
    assert ended(master, run_id) == "successful"
    return took, run_id


def _by_hand(home: Path, playbooks: Path) -> float:
    config = home / "unrecorded.cfg"
    lines = (CHECKOUT / "ansible.cfg").read_text().splitlines(keepends=True)
    config.write_text("".join(line for line in lines if not line.startswith("callback")))
    words = ["-i", home / "inventory", playbooks / "simulated.yml"]
    environment = {"ANSIBLE_CONFIG": str(config), "ANSIBLE_FORKS": str(FORKS)}
    return by_hand.seconds("ansible-playbook", *words, folder=home, **environment)
