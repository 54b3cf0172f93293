"""The executor: takes queued runs, first come first served, one detached process a run."""

from __future__ import annotations

import logging
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from selfservice.errors import ApplicationError
from selfservice.runs import ansible, executor_status, handover, mitogen, processes
from selfservice.runs.ansible import PASSED_ON
from selfservice.runs.errors import RunNotFound
from selfservice.runs.folder import HIDDEN, RunFolder
from selfservice.runs.fork_client import ForkServer
from selfservice.runs.given import Given, in_memory
from selfservice.runs.index import RunIndex
from selfservice.runs.presence import Presence
from selfservice.runs.run import State, Status
from selfservice.runs.slow import SlowRuns, Tell
from selfservice.settings import CHECKOUT, Settings, environment_of
from selfservice.store import files
from selfservice.store.cache import CacheUnavailable
from selfservice.store.ids import is_id
from selfservice.store.times import now

log = logging.getLogger(__name__)

_TURN_SECONDS = 1.0
#: Beyond the grace between TERM and KILL, so long may a run's process take to record its end.
_RECORDING_SECONDS = 5
_ABANDONED_SECONDS = 600


class AnotherExecutor(ApplicationError):
    """A second executor was started on the same home; it must not run anything."""

    status = 409
    problem_type = "another-executor"
    title = "There is an executor already"


@dataclass
class Child:
    """A run's process that is being watched, whoever started it."""

    run_id: str
    pid: int
    #: Readable once the process has ended; holds on to this very process, not to its number.
    pidfd: int
    #: Whether it takes one of the places that there are for runs; those of terminals take none.
    takes_place: bool = True
    told_to_end_at: float | None = None


#: What a run of the project of this name is given.
Provide = Callable[[str], Given]


class Executor:
    """One per node. Dies and comes back without any run noticing."""

    def __init__(self, settings: Settings, tell_slow: Tell, provide: Provide) -> None:
        """Bind folders; nothing is started.

        `tell_slow` is told of runs that take longer than usual; `provide` knows the secrets of projects.
        """
        self._provide = provide
        self._settings = settings
        # Where all of it has to be built anew, no run waits for that.
        self._index = RunIndex(
            settings.artifacts, settings.instance / "cache" / "runs.db", longest_refresh=_TURN_SECONDS
        )
        self._slow = SlowRuns(settings.artifacts, self._index, tell_slow)
        self._children: dict[str, Child] = {}
        self._presence = Presence(settings)
        self._fork_server = ForkServer(self._clean_environment()) if settings.fork_server else None
        self._wake = -1
        self._stopping = False

    def serve(self) -> None:
        """Work until TERM. Raises AnotherExecutor where one is at work already."""
        lock = files.try_lock(self._settings.instance / "executor.lock", create=True)
        if lock is None:
            raise AnotherExecutor(
                f"An executor is already at work on {self._settings.home}; this one starts nothing and ends."
            )
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        self._wake = self._open_wake()
        executor_status.announce(self._settings)
        self._presence.note()  # whoever has started it
        self._sweep()
        trial = mitogen.begin_trial(self._settings, self._clean_environment())
        log.info("executor ready, %d runs at a time", self._settings.parallel_runs)
        while not self._stopping:
            try:
                self.turn()
            except (
                OSError,
                CacheUnavailable,
                RunNotFound,
            ) as error:  # no full disk, no deleted folder ends it
                log.error("this turn failed and is tried again: %s", error)
                time.sleep(_TURN_SECONDS)  # an end that cannot be recorded would wake it at once, again and again
            self._wait()
        log.info("executor stops; %d runs go on by themselves", len(self._children))
        if self._fork_server:
            self._fork_server.stop()
        if trial:
            trial.terminate()
            trial.wait()
        os.close(lock)

    def turn(self) -> None:
        """One look at everything: who ended, who is to end, who is next."""
        executor_status.turned(self._settings)
        if self._fork_server:
            self._fork_server.see_to(wanted=self._presence.is_somebody_there(), busy=bool(self._children))
        self._adopt()
        self._bury()
        self._cancel_running()
        self._start_queued()
        self._slow.look(self._children)

    def _adopt(self) -> None:
        """Watch running runs that an earlier executor started; what is gone is lost."""
        for run_id in self._index.running():
            if run_id in self._children:
                continue
            folder = RunFolder(self._settings.artifacts, run_id)
            status = folder.status()
            if status.state is not State.RUNNING or status.pid is None:
                continue
            pidfd = _pidfd(status.pid)
            if processes.is_alive(status.pid, status.pid_started, status.boot) and pidfd is not None:
                log.info("adopted, process %d", status.pid, extra={"run_id": run_id})
                via = folder.run().actor.via
                self._children[run_id] = Child(run_id, status.pid, pidfd, takes_place=via != "terminal")
                continue
            if pidfd is not None:
                os.close(pidfd)
            self._record_death(folder)

    def _bury(self) -> None:
        """See to the runs whose process has ended."""
        if not self._children:
            return
        ended = select.select([child.pidfd for child in self._children.values()], [], [], 0)[0]
        for child in [each for each in self._children.values() if each.pidfd in ended]:
            _reap(child.pid)
            self._record_death(RunFolder(self._settings.artifacts, child.run_id))
            os.close(child.pidfd)
            del self._children[child.run_id]

    def _record_death(self, folder: RunFolder) -> None:
        """The process of this run is gone: where it recorded no end itself, record what is known."""
        try:
            self._record_unrecorded_end(folder)
        except RunNotFound:
            log.warning("the folder of the run was deleted", extra={"run_id": folder.id})

    def _record_unrecorded_end(self, folder: RunFolder) -> None:
        lock = folder.lock()
        if lock is None:  # another process of this very run is at work; it is adopted at the next turn
            return
        try:
            status = folder.status()
            if not status.state.ended:
                processes.end_run(folder.id, 0)
                folder.release_reserve()
                ansible.tidy(folder.path, ansible.private_folder(self._settings, folder.id))
                folder.write_status(_after_death(status, folder.cancel_asked_by()))
                log.warning("the process of the run is gone", extra={"run_id": folder.id})
            handover.forget(self._settings, folder.id)  # it may have ended before it took them
        finally:
            os.close(lock)

    def _cancel_running(self) -> None:
        for child in self._children.values():
            folder = RunFolder(self._settings.artifacts, child.run_id)
            if child.told_to_end_at is None:
                if folder.cancel_asked_by():
                    processes.signal_if_there(child.pid, signal.SIGTERM)
                    child.told_to_end_at = time.monotonic()
            elif time.monotonic() - child.told_to_end_at > self._settings.cancel_grace + _RECORDING_SECONDS:
                processes.signal_if_there(child.pid, signal.SIGKILL)

    def _start_queued(self) -> None:
        for run_id in self._index.queue():
            if run_id in self._children:
                continue
            folder = RunFolder(self._settings.artifacts, run_id)
            if canceled_by := folder.cancel_asked_by():
                self._cancel_queued(folder, canceled_by)
            elif sum(child.takes_place for child in self._children.values()) < self._settings.parallel_runs:
                self._start(run_id)

    def _cancel_queued(self, folder: RunFolder, canceled_by: str) -> None:
        lock = folder.lock()
        if lock is None:
            return
        try:
            if folder.status().state is State.QUEUED:
                why = f"Canceled by {canceled_by} before it started."
                folder.write_status(Status(State.CANCELED, ended_at=now(), why=why))
                handover.forget(self._settings, folder.id)
        finally:
            os.close(lock)

    def _start(self, run_id: str) -> None:
        pid, pidfd = self._forked(run_id) or self._started_cold(run_id)
        log.info("started, process %d", pid, extra={"run_id": run_id})
        self._children[run_id] = Child(run_id, pid, pidfd)

    def _forked(self, run_id: str) -> tuple[int, int] | None:
        if self._fork_server is None:
            return None
        with self._given_to(run_id) as given_to_it:
            return self._fork_server.fork(run_id, given_to_it)

    def _started_cold(self, run_id: str) -> tuple[int, int]:
        # What it is given is made anew: somebody else may be reading what was sent to the fork server.
        with self._given_to(run_id) as given_to_it:
            process = subprocess.Popen(
                [sys.executable, "-m", "selfservice.runs.process", run_id],
                cwd=CHECKOUT,
                env=self._clean_environment(),
                stdin=given_to_it,
                start_new_session=True,
            )
        process.returncode = 0  # reaped through its pidfd, not by Popen
        pidfd = _pidfd(process.pid)
        if pidfd is None:
            raise OSError(f"the process of {run_id} ended at once")
        return process.pid, pidfd

    @contextmanager
    def _given_to(self, run_id: str) -> Iterator[int]:
        """What a run of a project is given, as its standard input; DEVNULL for one of none."""
        project = RunFolder(self._settings.artifacts, run_id).run().request.project
        if not project:
            yield subprocess.DEVNULL
            return
        try:
            descriptor = in_memory(self._provide(project))
        except ApplicationError as error:
            descriptor = in_memory(Given(trouble=error.sentence))
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _clean_environment(self) -> dict[str, str]:
        passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        return {**passed, **environment_of(self._settings)}

    def _wait(self) -> None:
        """Until something happens: a call, an end, or the turn's time."""
        watched = [self._wake, *(child.pidfd for child in self._children.values())]
        ready = select.select(watched, [], [], _TURN_SECONDS)[0]
        if self._wake in ready:
            os.read(self._wake, 4096)

    def _open_wake(self) -> int:
        path = self._settings.instance / "executor.wake"
        path.unlink(missing_ok=True)
        os.mkfifo(path, 0o600)
        # Read and write, so that it never reports "closed" when the last caller leaves.
        return os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def _sweep(self) -> None:
        """Remove what dead processes left: half-made run folders, private folders of ended runs."""
        for path in self._settings.artifacts.glob(f"{HIDDEN}*"):
            if is_id(path.name.removeprefix(HIDDEN)) and _age(path) > _ABANDONED_SECONDS:
                shutil.rmtree(path, ignore_errors=True)
        for path in (self._settings.instance / "private").glob("*"):
            if self._has_ended(path.name):
                shutil.rmtree(path, ignore_errors=True)

        for run_id in handover.left(self._settings):
            if self._has_ended(run_id):
                handover.forget(self._settings, run_id)

    def _has_ended(self, run_id: str) -> bool:
        try:
            return RunFolder(self._settings.artifacts, run_id).status().state.ended
        except RunNotFound:
            return True

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True


def _after_death(status: Status, canceled_by: str | None) -> Status:
    if canceled_by:
        return replace(status, state=State.CANCELED, ended_at=now(), why=f"Canceled by {canceled_by}.")
    if status.state is State.QUEUED:
        why = "The run's process ended before it could begin; the log of the executor says why."
        return replace(status, state=State.FAILED, ended_at=now(), why=why)
    why = "The run's process disappeared before it could record an end; what the hosts did last is not known."
    if status.boot is not None and status.boot != processes.boot_id():
        why = "The machine was restarted while this ran; what the hosts did last is not known."
    return replace(status, state=State.LOST, ended_at=now(), why=why)


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return  # adopted: the system reaps it


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime
