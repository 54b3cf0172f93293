"""The files of tasks: one each, written whole or not at all; the oldest go."""

from __future__ import annotations

import dataclasses
import json
import logging
import threading
from pathlib import Path

from selfservice.errors import NotFound, Unavailable
from selfservice.store import files
from selfservice.store.ids import is_id
from selfservice.tasks.task import Task, TaskState

log = logging.getLogger(__name__)

KEPT = 1000


class TaskNotFound(NotFound):
    """There is no such task here, or it is so long ago that it was removed."""

    title = "No such task"


class TaskFiles:
    """The tasks in one folder; all but the results in memory, so that lists are quick."""

    def __init__(self, folder: Path, kept: int = KEPT) -> None:
        """Read what is there."""
        self._folder = folder
        self._kept = kept
        self._lock = threading.Lock()
        self._tasks: dict[str, Task] = {}
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"The folder {folder} cannot be made: {error.strerror}.") from error
        files.remove_unfinished(folder)
        for path in sorted(folder.glob("*.json")):
            task = _read(path)
            if task is not None:
                self._tasks[task.id] = dataclasses.replace(task, result=None)

    def put(self, task: Task) -> None:
        """Keep a task as it now is; durable when this returns. Raises Unavailable."""
        with self._lock:
            try:
                files.write_json(self._folder / f"{task.id}.json", task.to_json())
            except OSError as error:
                raise Unavailable(f"The task could not be kept on this node: {error.strerror}.") from error
            self._tasks[task.id] = dataclasses.replace(task, result=None)
            self._remove_oldest()

    def get(self, task_id: str) -> Task:
        """One task. Raises TaskNotFound."""
        task = self._tasks.get(task_id) if is_id(task_id) else None
        if task is None:
            raise TaskNotFound(f"This node knows no task {task_id[:80]!r}.")
        return _read(self._folder / f"{task_id}.json") or task

    def state(self, task_id: str) -> TaskState:
        """Where one task stands, without a look at the disk. Raises TaskNotFound."""
        task = self._tasks.get(task_id)
        return task.state if task else self.get(task_id).state

    def all(self) -> list[Task]:
        """Every task without its result, the newest first."""
        with self._lock:
            return list(reversed(self._tasks.values()))

    def of_key(self, actor: str, key: str) -> Task | None:
        """The task that this actor has asked for with this key."""
        found = (each for each in self.all() if each.request.key == key and each.actor.name == actor)
        return next((self.get(each.id) for each in found), None)

    def _remove_oldest(self) -> None:
        """Those that nobody waits for, once there are too many."""
        for task_id in list(self._tasks)[: max(0, len(self._tasks) - self._kept)]:
            task = self._tasks[task_id]
            if task.state is TaskState.RUNNING or (task.answers_later and not task.reported):
                continue
            (self._folder / f"{task_id}.json").unlink(missing_ok=True)
            del self._tasks[task_id]


class RunningTasks:
    """The tasks that another process of this node has under way, by their files."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read yet."""
        self._folder = folder
        #: When each file was written, and whether its task was under way by then.
        self._seen: dict[str, tuple[int, bool]] = {}

    def count(self) -> int:
        """How many there are; only what was written since the last look is read."""
        before, self._seen = self._seen, {}
        for path in self._folder.glob("*.json"):
            try:
                written = path.stat().st_mtime_ns
            except FileNotFoundError:  # the oldest go
                continue
            known = before.get(path.name)
            if known is None or known[0] != written:
                task = _read(path)
                known = written, task is not None and task.state is TaskState.RUNNING
            self._seen[path.name] = known
        return sum(running for _, running in self._seen.values())


def _read(path: Path) -> Task | None:
    try:
        return Task.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.error("%s is no task and is left alone: %s", path, error)
        return None
