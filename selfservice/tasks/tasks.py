"""Tasks, as the API asks for them: start, wait, cancel, list."""

from __future__ import annotations

import dataclasses
import logging
import statistics
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from selfservice.audit.actions import Action, Actor, Kind, Outcome
from selfservice.audit.journal import Journal
from selfservice.errors import ApplicationError, BadInput, Unavailable
from selfservice.store.ids import new_id
from selfservice.store.times import now
from selfservice.tasks.process import Ended, TaskProcess
from selfservice.tasks.task import Task, TaskRequest, TaskState
from selfservice.tasks.task_files import TaskFiles
from selfservice.tasks.task_type import TaskType
from selfservice.tasks.task_types import TaskTypes

log = logging.getLogger(__name__)

LONGEST_KEY = 255
_SAMPLE = 20


class TasksFull(ApplicationError):
    """As many tasks are under way as this node does at the same time."""

    status = 429
    problem_type = "tasks-full"
    title = "Too many tasks at the same time"
    retry_after = 5


class TaskEnded(ApplicationError):
    """The task has already ended, so there is nothing left to cancel."""

    status = 409
    problem_type = "task-ended"
    title = "The task has already ended"


class KeyOfOther(ApplicationError):
    """An idempotency key was used for another request before."""

    status = 409
    problem_type = "key-reused"
    title = "This idempotency key is taken"


#: Told of each task whose result is awaited later, once it has ended; it must not raise.
Report = Callable[[Task], None]


class Tasks:
    """The tasks of this node: at most `at_once` under way, each in a process of its own."""

    def __init__(self, kept: TaskFiles, registry: TaskTypes, journal: Journal, *, at_once: int, report: Report) -> None:
        """Take over from the process before this one: what it left running is lost, and told so."""
        self._kept = kept
        self.registry = registry
        self._journal = journal
        self._at_once = at_once
        self._report = report
        self._changed = threading.Condition()
        self._processes: dict[str, TaskProcess] = {}
        self._canceled: dict[str, str] = {}
        #: How many have ended since this process started, by type and state.
        self.ended: Counter[tuple[str, str]] = Counter()
        for task in reversed(kept.all()):
            if not task.state.ended or (task.answers_later and not task.reported):
                self._take_over(kept.get(task.id))

    def start(self, request: TaskRequest, actor: Actor) -> Task:
        """Start a task; when this returns it is on disk and under way.

        Raises UnknownTaskType, BadInput, TasksFull, KeyOfOther, JournalError, Unavailable.
        """
        if len(request.key) > LONGEST_KEY:
            raise BadInput(f"An idempotency key has at most {LONGEST_KEY} characters.", "Idempotency-Key")
        task_type = self.registry.get(request.type)
        request = dataclasses.replace(request, params=task_type.check(request.params))
        with self._changed:
            if request.key and (known := self._kept.of_key(actor.name, request.key)):
                return _same(known, request)
            if len(self._processes) >= self._at_once:
                raise TasksFull(f"This node does {self._at_once} tasks at the same time; try again in a few seconds.")
            task = Task(new_id(datetime.now(UTC)), request, actor, TaskState.RUNNING, now())
            self._journal.append(Action(Kind.TASK_START, actor, request.type, detail={"task": task.id}))
            self._kept.put(task)
            process = self._process(task, task_type)
        threading.Thread(target=self._follow, args=(task, process), name=f"task-{task.id}", daemon=True).start()
        return task

    def wait(self, task_id: str, seconds: float) -> Task:
        """The task once it has ended, or as it is after so many seconds: then its result is reported later."""
        with self._changed:
            self._changed.wait_for(lambda: self._kept.state(task_id).ended, seconds)
            task = self._kept.get(task_id)
            if not task.state.ended and not task.answers_later:
                task = dataclasses.replace(task, answers_later=True)
                self._kept.put(task)
            return task

    def get(self, task_id: str) -> Task:
        """One task. Raises TaskNotFound."""
        return self._kept.get(task_id)

    def all(self, state: TaskState | None = None) -> list[Task]:
        """Every task that is kept, or those in one state; the newest first."""
        return [task for task in self._kept.all() if state is None or task.state is state]

    def running(self) -> int:
        """How many are under way."""
        return len(self._processes)

    def cancel(self, task_id: str, actor: Actor) -> Task:
        """End a task early. Raises TaskNotFound, TaskEnded, JournalError."""
        with self._changed:
            task = self._kept.get(task_id)
            process = self._processes.get(task_id)
            if task.state.ended or process is None:
                raise TaskEnded(f"The task {task_id} has already ended: {task.state.value}.")
            self._journal.append(Action(Kind.TASK_CANCEL, actor, task.request.type, detail={"task": task_id}))
            self._canceled[task_id] = actor.name
        process.kill()
        with self._changed:
            self._changed.wait_for(lambda: self._kept.state(task_id).ended, 5)
        return self._kept.get(task_id)

    def usual_seconds(self, type_name: str) -> float | None:
        """The median of the latest successful tasks of this type; None where there were none."""
        took = [
            task.seconds
            for task in self._kept.all()
            if task.request.type == type_name and task.state is TaskState.SUCCESSFUL and task.seconds is not None
        ]
        return statistics.median(took[:_SAMPLE]) if took else None

    def reported(self, task_id: str) -> None:
        """Note that the master has the result of a task."""
        with self._changed:
            self._kept.put(dataclasses.replace(self._kept.get(task_id), reported=True))

    def _process(self, task: Task, task_type: TaskType) -> TaskProcess:
        try:
            process = TaskProcess(task_type, task.request.params)
        except OSError as error:
            why = f"This node cannot start a process: {error.strerror or error}."
            self._kept.put(task.end(TaskState.FAILED, why=why))
            raise Unavailable(why) from error
        self._processes[task.id] = process
        return process

    def _follow(self, task: Task, process: TaskProcess) -> None:
        ended = process.end_of()
        with self._changed:
            by = self._canceled.pop(task.id, None)
            now = self._kept.get(task.id)  # it may be awaited later, meanwhile
            del self._processes[task.id]
            now = _ended(now, ended, by)
            self.ended[now.request.type, now.state.value] += 1
            self._keep_end(now)
            self._changed.notify_all()

    def _keep_end(self, task: Task) -> None:
        try:
            self._kept.put(task)
        except ApplicationError as error:
            # After a restart it is lost, and told so: nothing is shown as done that is not on disk.
            log.error("The result of task %s is lost: %s", task.id, error.sentence)
            return
        if task.answers_later:
            self._report(task)

    def _take_over(self, task: Task) -> None:
        if not task.state.ended:
            why = "This node was stopped while the task was under way, and does not know how far it came."
            task = dataclasses.replace(task.end(TaskState.LOST, why=why), answers_later=True)
            action = Action(
                Kind.TASK_LOST, task.actor, task.request.type, outcome=Outcome.FAILED, detail={"task": task.id}
            )
            self._journal.append(action)
            self._keep_end(task)
        else:
            self._report(task)


def _same(known: Task, request: TaskRequest) -> Task:
    if (known.request.type, known.request.params) != (request.type, request.params):
        raise KeyOfOther("This idempotency key was used for another task before; make a new one.")
    return known


def _ended(task: Task, ended: Ended, canceled_by: str | None) -> Task:
    if canceled_by is not None and ended.failure:
        return task.end(TaskState.CANCELED, why=f"Canceled by {canceled_by}.")
    if ended.timed_out:
        return task.end(TaskState.TIMED_OUT, why=ended.failure)
    if ended.failure:
        return task.end(TaskState.FAILED, why=ended.failure)
    return task.end(TaskState.SUCCESSFUL, result=ended.result)
