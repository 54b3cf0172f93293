"""The record of a playbook run by hand: the folder, the events and the end that every other run has."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from ansible import context

from selfservice import settings as settings_module
from selfservice.audit.actions import Action, Kind
from selfservice.audit.journal import Journal
from selfservice.errors import ApplicationError
from selfservice.runs import processes
from selfservice.runs.event_file import EventFile
from selfservice.runs.folder import RunFolder
from selfservice.runs.run import Run, State, Status, new_run_id
from selfservice.runs.verdict import verdict
from selfservice.store import files
from selfservice.terminal import asked

#: What ansible-playbook ends with (ansible-core, TaskQueueManager).
_RC_FAILED, _RC_UNREACHABLE = 2, 4


class Unrecorded(ApplicationError):
    """This call cannot be recorded (any more)."""

    title = "This call is not recorded"


class Output:
    """A copy of what Ansible prints, as the run's stdout."""

    def __init__(self, path: Path, on_error: Callable[[OSError], None]) -> None:
        """Copy what is printed from now on into `path`. Raises OSError."""
        self._file = path.open("ab", buffering=0)
        self._on_error = on_error
        self._pid = os.getpid()
        self.lines = 0
        self._originals = [(stream, stream.write) for stream in (sys.stdout, sys.stderr)]
        for stream, write in self._originals:
            self._copy(stream, write)

    def _copy(self, stream: TextIO, write: Callable[[str], int]) -> None:
        def copied(text: str) -> int:
            self._keep(text)
            return write(text)

        stream.write = copied  # type: ignore[method-assign]

    def _keep(self, text: str) -> None:
        if self._file.closed or os.getpid() != self._pid:  # a fork says nothing of its own
            return
        self.lines += text.count("\n")
        try:
            self._file.write(text.encode("utf-8", "replace"))
        except OSError as error:
            self._on_error(error)

    def close(self) -> None:
        """Copy no more."""
        for stream, write in self._originals:
            stream.write = write  # type: ignore[method-assign]
        self._file.close()


class Recorder:
    """Records one `ansible-playbook` call; several playbooks in one call are several runs."""

    def __init__(self, warn: Callable[[Exception], None]) -> None:
        """Tell `warn` where the record cannot go on. Raises SettingError."""
        self._warn = warn
        self._settings = settings_module.load()
        self._pid = os.getpid()
        self._folder: RunFolder | None = None
        self._status = Status(State.RUNNING)
        self._counter = 0
        self._line = 0
        self._task: dict[str, Any] = {}
        self._starts: dict[tuple[str, str], datetime] = {}
        atexit.register(self._left)

    def playbook_started(self, playbook: Any) -> None:
        """Make the run. Raises ApplicationError, OSError."""
        if self._folder is not None:
            self._end(State.FAILED, "Ansible ended this playbook before it was done.", None)
        path = Path(playbook._file_name).resolve()
        plays = playbook.get_plays()
        manager = plays[0].get_variable_manager()
        wanted = [host.name for play in plays for host in manager._inventory.get_hosts(play.hosts)]
        hosts = tuple(dict.fromkeys(wanted))
        moment = datetime.now(UTC)
        request = asked.request(path, hosts, context.CLIARGS, manager.extra_vars, self._settings)
        run = Run(
            id=new_run_id(moment),
            request=request,
            actor=asked.actor(),
            queued_at=moment.isoformat(timespec="microseconds"),
            node=self._settings.node_name,
        )
        self._begin(run)
        self._event("playbook_on_start", {"playbook": path.name})

    def _begin(self, run: Run) -> None:
        artifacts = self._settings.artifacts
        if not os.access(artifacts, os.W_OK):
            raise Unrecorded(f"{artifacts} cannot be written by this user.")
        os.umask(os.umask(0o077) | 0o077)
        hidden = RunFolder.prepare(artifacts, run)
        start = processes.started(self._pid)
        self._run = run
        self._status = Status(
            State.RUNNING, datetime.now(UTC).isoformat(), pid=self._pid, pid_started=start, boot=processes.boot_id()
        )
        files.write_json(hidden / "state.json", self._status.to_json())
        journal = Journal(self._settings.audit, self._settings.node_name)
        request = run.request
        detail = {"kind": "playbook", "pattern": request.hosts, "playbook": request.playbook}
        journal.append(
            Action(Kind.RUN_LAUNCH, run.actor, request.title, hosts=request.host_names, run_id=run.id, detail=detail)
        )
        files.write_json(hidden / "command", {"command": asked.words(sys.argv), "cwd": str(Path.cwd())})
        self._events = EventFile(hidden / "events.jsonl", self._disk_error)
        self._output = Output(hidden / "stdout", self._disk_error)
        # No lock: Ansible's forks would hold it beyond the end. The pid says who writes this folder.
        self._folder = RunFolder.publish(artifacts, run.id)
        # What this call starts is told from other processes by it; a playbook inside is no run of its own.
        os.environ[processes.RUN_ID_VARIABLE] = run.id
        self._counter = self._line = 0
        self._watch(signal.SIGINT, State.CANCELED, "Interrupted in the terminal.")
        self._watch(signal.SIGHUP, State.CANCELED, "The terminal was closed.")
        self._watch(signal.SIGTERM, State.FAILED, "The process was told to end by the system.")

    def _watch(self, number: signal.Signals, state: State, why: str) -> None:
        """Record the end before Ansible's own handler ends the process."""
        before = signal.getsignal(number)

        def ended(signum: int, frame: FrameType | None) -> None:
            by = self._folder.cancel_asked_by() if self._folder else None
            if os.getpid() == self._pid and self._folder:
                self._end(State.CANCELED if by else state, f"Canceled by {by}." if by else why, None)
            if callable(before):
                before(signum, frame)
            else:
                signal.signal(signum, signal.SIG_DFL)
                os.kill(os.getpid(), signum)

        signal.signal(number, ended)

    def play_started(self, play: Any) -> None:
        """A play begins."""
        self._event("playbook_on_play_start", {"play": play.get_name(), "name": play.get_name()})

    def task_started(self, task: Any) -> None:
        """A task begins."""
        self._task = _about(task)
        self._event("playbook_on_task_start", self._task)

    def host_started(self, host: Any, task: Any) -> None:
        """A host begins a task."""
        self._starts[host.name, task._uuid] = datetime.now(UTC)
        self._event("runner_on_start", {**_about(task), "host": host.name})

    def host_done(self, event: str, result: Any, ignore_errors: bool = False) -> None:
        """A host has done, failed or left out a task, or could not be reached."""
        task, host = result._task, result._host.name
        end = datetime.now(UTC)
        start = self._starts.pop((host, task._uuid), end)
        self._event(
            event,
            {
                **_about(task),
                "host": host,
                "res": result._result,
                "start": start.isoformat(),
                "end": end.isoformat(),
                "duration": (end - start).total_seconds(),
                "ignore_errors": ignore_errors,
            },
        )

    def playbook_done(self, stats: Any) -> None:
        """The end as Ansible tells it."""
        self._event("playbook_on_stats", {name: dict(getattr(stats, name)) for name in _STATS})
        rc = _RC_FAILED if stats.failures else _RC_UNREACHABLE if stats.dark else 0
        state, why = verdict(self._run, self._events.results, rc)
        self._end(state, why, rc)

    def give_up(self) -> None:
        """The record cannot go on; what there is of it says so."""
        if self._folder is not None:
            self._end(State.LOST, "The record of this run broke off; the playbook itself went on.", None)

    def _disk_error(self, error: OSError) -> None:
        self._warn(Unrecorded(f"the run's files cannot be written: {error.strerror or error}."))
        self.give_up()

    def _left(self) -> None:
        if os.getpid() == self._pid and self._folder is not None:
            self._end(State.FAILED, "Ansible ended before the playbook was done; the output says why.", None)

    def _end(self, state: State, why: str, rc: int | None) -> None:
        folder, self._folder = self._folder, None
        if folder is None:
            return
        self._output.close()
        try:
            self._events.close()
            files.write_json(folder.summary, self._events.results.to_json())
            (folder.path / "status").write_text("canceled" if state is State.CANCELED else state.value)
            if rc is not None:
                (folder.path / "rc").write_text(str(rc))
            ended = datetime.now(UTC).isoformat()
            folder.write_status(
                Status(**{**vars(self._status), "state": state, "ended_at": ended, "rc": rc, "why": why})
            )
        except OSError as error:
            self._warn(Unrecorded(f"the end could not be written: {error.strerror or error}."))
        finally:
            os.environ.pop(processes.RUN_ID_VARIABLE, None)

    def _event(self, name: str, data: dict[str, Any]) -> None:
        if self._folder is None:
            return
        self._counter += 1
        start, self._line = self._line, self._output.lines
        self._events.add(
            {
                "uuid": str(uuid.uuid4()),
                "counter": self._counter,
                "start_line": start,
                "end_line": self._line,
                "event": name,
                "pid": self._pid,
                "created": datetime.now(UTC).isoformat(),
                "event_data": data,
            }
        )


_STATS = ("ok", "changed", "failures", "dark", "skipped", "ignored", "rescued")


def _about(task: Any) -> dict[str, Any]:
    name = task.get_name()
    return {"task": name, "name": name, "task_uuid": task._uuid, "task_action": task.action}
