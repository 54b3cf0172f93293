"""A run from a terminal as it is written: its folder, output, events and end."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from selfservice.audit.journal import Journal
from selfservice.errors import ApplicationError, Unavailable
from selfservice.runs import processes
from selfservice.runs.event_file import EventFile
from selfservice.runs.folder import RunFolder
from selfservice.runs.launch_action import launch_action
from selfservice.runs.run import Run, RunRequest, State, Status
from selfservice.runs.verdict import verdict
from selfservice.settings import Settings
from selfservice.store import files
from selfservice.store.ids import new_id
from selfservice.store.times import now
from selfservice.terminal import person
from selfservice.terminal.secret_variables import Veil


class NotRecorded(Unavailable):
    """This run cannot be recorded; it runs all the same."""

    title = "The run is not recorded"


class Recording:
    """One run of this very process, running from the start."""

    def __init__(
        self, settings: Settings, request: RunRequest, words: list[str], veil: Veil, on_error: Callable[[OSError], None]
    ) -> None:
        """Make its folder and its line in the audit; `on_error` is told whenever the disk takes something no more.

        Raises NotRecorded; the folder is not there then.
        """
        moment = datetime.now(UTC)
        pid = os.getpid()
        self._veil = veil
        self._on_error = on_error
        self.run = Run(
            id=new_id(moment),
            request=request,
            actor=person.actor(),
            queued_at=moment.isoformat(timespec="microseconds"),
            node=settings.node_name,
        )
        self._status = Status(
            State.RUNNING,
            started_at=moment.isoformat(),
            pid=pid,
            pid_started=processes.started(pid),
            boot=processes.boot_id(),
        )
        _refuse_strangers(settings.artifacts)
        try:
            self.folder = self._published(settings, words)
            self.folder.reserve_space()
            self._stdout = os.open(self.folder.stdout, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._events = EventFile(self.folder.events, on_error)
        except (OSError, ApplicationError) as error:
            shutil.rmtree(settings.artifacts / self.run.id, ignore_errors=True)
            raise NotRecorded(_sentence(settings, error)) from error

    def _published(self, settings: Settings, words: list[str]) -> RunFolder:
        hidden = RunFolder.prepare(settings.artifacts, self.run, self._status)
        try:
            self._hold_lock(hidden)
            files.write_json(hidden / "command", {"command": words, "cwd": str(Path.cwd())})
            Journal(settings.audit, settings.node_name).append(launch_action(self.run))
            return RunFolder.publish(settings.artifacts, self.run.id)
        except (OSError, ApplicationError):
            shutil.rmtree(hidden, ignore_errors=True)
            raise

    def _hold_lock(self, folder: Path) -> None:
        """Be the only writer until this process ends; Ansible's workers, its forks, do not hold it after that."""
        lock = files.try_lock(folder)
        if lock is None:
            raise NotRecorded(f"{folder} is locked by another process.")
        os.register_at_fork(after_in_child=lambda: os.close(lock))

    def add_output(self, text: str) -> None:
        """Append what Ansible printed."""
        content = self._veil.text(text).encode("utf-8", "replace")
        try:
            while content:
                content = content[os.write(self._stdout, content) :]
        except OSError as error:
            self._on_error(error)

    def add_event(self, event: dict[str, Any]) -> None:
        """Append one event, and add it up."""
        self._events.add(self._veil.value(event))

    def know_more(self, hosts: str, host_names: tuple[str, ...]) -> None:
        """Record which hosts it is about, where that became known only now."""
        request = replace(self.run.request, hosts=hosts, host_names=host_names)
        if request == self.run.request:
            return
        self.run = replace(self.run, request=request)
        try:
            self.folder.write_run(self.run)
        except OSError as error:
            self._on_error(error)

    def canceled_by(self) -> str | None:
        """Who asked on the dashboard for the end of this run, or None."""
        return self.folder.cancel_asked_by()

    def end(self, rc: int | None, early: tuple[State, str] | None, broken: str) -> None:
        """Record the end: `early` where somebody ended it, else what Ansible's results say. Raises OSError."""
        self.folder.release_reserve()
        state, why = early or verdict(self.run, self._events.results, rc)
        if broken:
            why = f"{why} The rest of it was not recorded: {broken}".strip()
        else:
            os.fsync(self._stdout)
            self._events.close()
        files.write_json(self.folder.summary, self._events.results.to_json())
        files.write_bytes(self.folder.path / "status", state.value.encode())
        files.write_bytes(self.folder.path / "rc", b"" if rc is None else str(rc).encode())
        self.folder.write_status(replace(self._status, state=state, ended_at=now(), rc=rc, why=why))


def _refuse_strangers(artifacts: Path) -> None:
    """Raise NotRecorded for anybody but the user of the service, who could not read what they write."""
    try:
        owner = artifacts.stat().st_uid
    except OSError as error:
        raise NotRecorded(f"{artifacts} is not there or cannot be looked at ({error.strerror}).") from error
    if owner != os.geteuid():
        try:
            name = pwd.getpwuid(owner).pw_name
        except KeyError:
            name = str(owner)
        raise NotRecorded(f"{artifacts} belongs to {name}; run ansible-playbook as that user to have it recorded.")


def _sentence(settings: Settings, error: Exception) -> str:
    """What is wrong, without "nothing was started", which is true of a launch on the dashboard alone."""
    if isinstance(error, NotRecorded):
        return error.sentence
    cause = error if isinstance(error, OSError) else error.__cause__
    if isinstance(cause, OSError):
        return f"{settings.artifacts} or {settings.audit} cannot be written ({cause.strerror or cause})."
    return str(error)
