"""A node's tasks, with real processes and a site's own types that misbehave."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from multiprocessing import forkserver
from pathlib import Path

import pytest

from selfservice.audit.actions import Actor
from selfservice.audit.journal import Journal
from selfservice.tasks.task import Task
from selfservice.tasks.task_files import TaskFiles
from selfservice.tasks.task_types import TaskTypes
from selfservice.tasks.tasks import Tasks

MASTER = Actor("master", "node", "127.0.0.1")

SITE_TYPES = '''
import os, subprocess, time
from pathlib import Path
from selfservice.tasks.task_type import task_type

@task_type("Wait for a file", seconds=30)
def wait_for_file(path: str, mark: str = "") -> str:
    """Wait until there is a file."""
    if mark:
        Path(mark).write_text(str(os.getpid()))
    while not Path(path).exists():
        time.sleep(0.01)
    return "there"

@task_type("Never ends", seconds=1)
def never_ends() -> str:
    """Wait for longer than it may."""
    time.sleep(60)

@task_type("Starts another", seconds=30)
def starts_another(mark: str) -> str:
    """Start a process and wait for it."""
    other = subprocess.Popen(["sleep", "60"])
    Path(mark).write_text(str(other.pid))
    other.wait()

@task_type("Eats memory", megabytes=64)
def eats_memory() -> int:
    """Take more than it may."""
    return len(bytearray(512 * 1024 * 1024))

@task_type("Dies")
def dies() -> None:
    """End at once."""
    os._exit(3)

@task_type("Fails")
def fails() -> None:
    """Raise."""
    raise RuntimeError("The tank is empty.")

@task_type("Tells a lot")
def tells_a_lot() -> str:
    """Give too large a result."""
    return "x" * 1_000_000

@task_type("Tells its environment")
def tells_its_environment() -> list[str]:
    """Give the names of all variables."""
    return sorted(os.environ)
'''


@pytest.fixture(scope="package", autouse=True)
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of task types, known to the process that tasks fork from."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "misbehaving.py").write_text(SITE_TYPES)
    (folder / "broken.py").write_text("import nothing_of_the_kind\n")
    before = {name: os.environ.get(name) for name in ("SELFSERVICE_TASKS_FOLDER", "MASTER_BEARER_TOKEN")}
    os.environ.update(SELFSERVICE_TASKS_FOLDER=str(folder), MASTER_BEARER_TOKEN="canary")
    yield folder
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
    forkserver._forkserver._stop()  # type: ignore[attr-defined]
    assert multiprocessing.active_children() == []


MakeTasks = Callable[..., Tasks]


@pytest.fixture
def reports() -> list[Task]:
    """The tasks whose results were to be sent to the master."""
    return []


@pytest.fixture
def make_tasks(tmp_path: Path, site: Path, reports: list[Task]) -> MakeTasks:
    """The tasks of one node, as each start of its API makes them."""
    (tmp_path / "audit").mkdir()

    def make(at_once: int = 4) -> Tasks:
        journal = Journal(tmp_path / "audit", "web-1")
        kept = TaskFiles(tmp_path / "instance" / "tasks")
        return Tasks(kept, TaskTypes(site), journal, at_once=at_once, report=reports.append)

    return make


@pytest.fixture
def tasks(make_tasks: MakeTasks) -> Tasks:
    """The tasks of one node."""
    return make_tasks()
