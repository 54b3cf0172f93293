"""500 people with the page of a run open, live

Each has the stream of the page open, and reads of it what the page does. A line has the time at which Ansible
printed it, so its latency is all the way from there to the last of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.load.table import Row, percentile
from benchmarks.own_master import ended, launch_operation, memory_of, own_master, process_of, settings_of
from selfservice.node import people
from selfservice.settings import Settings

READERS = 500
#: People whose tokens they use: each has a sight and alerts of their own.
PEOPLE = 20
LINES = 60
PLAYBOOK = (
    """\
- hosts: master
  gather_facts: false
  tasks:
    - ansible.builtin.pause: {seconds: 10}
"""
    + LINES
    * (
        "    - ansible.builtin.wait_for: {timeout: 1}\n"
        "    - ansible.builtin.debug: {msg: \"printed at {{ now().strftime('%s.%f') }}\"}\n"
    )
)


def measure(home: Path) -> Iterator[Row]:
    """Latency of a line, what was missed, and the memory of the web process."""
    playbooks = home.with_name("playbooks")
    playbooks.mkdir()
    (playbooks / "lines.yml").write_text(PLAYBOOK)
    with own_master(home, SELFSERVICE_PLAYBOOKS=str(playbooks)) as master:
        tokens = [_token(settings_of(master), f"reader-{number}") for number in range(PEOPLE)]
        run_id = launch_operation(master, "lines")
        web = process_of(master, "web")
        before, _ = memory_of(web)
        words = [sys.executable, "-m", "benchmarks.load.readers", master.url, run_id, str(READERS)]
        readers = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert readers.stdin
        readers.stdin.write("\n".join(tokens))
        readers.stdin.close()
        cpu = sum(web.cpu_times()[:2])
        assert ended(master, run_id) == "successful"
        cpu = sum(web.cpu_times()[:2]) - cpu
        after, _ = memory_of(web)
        assert readers.stdout
        seen = json.loads(readers.stdout.read())
        readers.wait(60)
    yield Row("a line on the page after, median", percentile(seen["milliseconds"], 0.5), "ms", 250)
    yield Row("a line on the page after, p99", percentile(seen["milliseconds"], 0.99), "ms", 1000)
    yield Row("lines that a page did not get by its stream", READERS * LINES - len(seen["milliseconds"]), "", 0)
    yield Row("memory of the web process, before", before, "MiB")
    yield Row(f"memory of the web process, with {READERS} pages", after, "MiB", 200)
    yield Row(f"processor time of the web process, a line on {READERS} pages", cpu / LINES * 1000, "ms")


def _token(settings: Settings, name: str) -> str:
    people.add(settings, name, "viewer")
    return people.create_token(settings, "page", "read", name)
