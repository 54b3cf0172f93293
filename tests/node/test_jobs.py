"""What goes by the clock in the executor's process ends with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from selfservice.settings import CHECKOUT, Settings, environment_of
from tests.records import make_tables
from tests.system.conftest import wait_for

#: The executor, with one job that takes long.
_SLOW = """
import os, time
from pathlib import Path
from selfservice.node import cli
from selfservice.notifications.outbox import Outbox

def tick(outbox):
    Path(os.environ["BEGUN"]).touch()
    time.sleep(3)

Outbox.tick = tick
cli.main()
"""


def test_an_executor_that_ends_waits_for_what_it_has_begun_and_begins_nothing_more(
    settings: Settings, tmp_path: Path
) -> None:
    make_tables(settings)
    for folder in (settings.artifacts, settings.audit, settings.inventory):
        folder.mkdir(parents=True, exist_ok=True)
    (settings.inventory / "hosts.yml").write_text("all: {hosts: {master: {ansible_connection: local}}}")
    begun = tmp_path / "begun"
    words = [sys.executable, "-c", _SLOW, "executor"]
    environment = {**os.environ, **environment_of(settings), "BEGUN": str(begun)}
    executor = subprocess.Popen(words, cwd=CHECKOUT, env=environment, stderr=subprocess.PIPE, text=True)
    wait_for(begun.exists)
    executor.terminate()
    _, told = executor.communicate(timeout=60)
    assert executor.returncode == 0
    assert "executor stops" in told
    assert "Traceback" not in told
