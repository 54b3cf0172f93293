"""The process of one run: takes a queued run, drives Ansible, records the end.

Started detached by the executor, it owes nothing to it: whoever else dies, it goes on, and its end
stands in the run's folder.
"""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
import threading
from contextlib import ExitStack
from dataclasses import replace
from types import FrameType
from typing import Any

from selfservice import logs
from selfservice import settings as settings_module
from selfservice.errors import ApplicationError
from selfservice.runs import ansible, given, handover, mitogen, processes, ssh_agent
from selfservice.runs.ansible import Hidden
from selfservice.runs.content import content_of
from selfservice.runs.errors import NotAsApproved
from selfservice.runs.event_file import EventFile, OutputFile
from selfservice.runs.events import Results
from selfservice.runs.folder import RunFolder
from selfservice.runs.given import Given
from selfservice.runs.redaction import Veil
from selfservice.runs.run import Run, State, Status
from selfservice.runs.verdict import verdict
from selfservice.settings import Settings
from selfservice.store import files
from selfservice.store.times import now

log = logging.getLogger(__name__)

#: Exit codes for the executor: this run was somebody else's, or no longer to be started.
NOT_MINE = 3


class NotGiven(ApplicationError):
    """What the run needs could not be given to it."""

    status = 409
    problem_type = "not-given"
    title = "The run does not get what it needs"


class Ending:
    """Why this run is to end before Ansible has: the first reason counts."""

    def __init__(self, run_id: str, grace_seconds: int) -> None:
        """Watch over `run_id`."""
        self._run_id = run_id
        self._grace = grace_seconds
        self._lock = threading.Lock()
        self.state: State | None = None
        self.why = ""

    def now(self, state: State, why: str) -> None:
        """End everything that the run has started, in the background."""
        with self._lock:
            if self.state is not None:
                return
            self.state, self.why = state, why
        threading.Thread(target=processes.end_run, args=(self._run_id, self._grace), name="ending", daemon=True).start()


class RunProcess:
    """One run, from queued to its end. The caller holds the lock of its folder."""

    def __init__(self, settings: Settings, folder: RunFolder, also: Given = given.NOTHING) -> None:
        """Bind settings and folder, and what the run is given beside its request; nothing is started."""
        self._given = also
        self._veil = Veil({})
        self._settings = settings
        self._folder = folder
        self._private = ansible.private_folder(settings, folder.id)
        self._ending = Ending(folder.id, settings.cancel_grace)
        self._status = Status(State.QUEUED)

    def execute(self) -> None:
        """Take the run to its end and record it."""
        if self._folder.status().state is not State.QUEUED:
            return
        run = self._folder.run()
        canceled_by = self._folder.cancel_asked_by()
        if canceled_by:
            why = f"Canceled by {canceled_by} before it started."
            self._folder.write_status(Status(State.CANCELED, ended_at=now(), why=why))
            return
        try:
            self._begin(run)
            results, rc = self._drive(run)
        except ApplicationError as error:
            self._ending.now(State.FAILED, error.sentence)
            results, rc = Results(), None
        except OSError as error:
            log.exception("the run cannot go on")
            self._ending.now(State.FAILED, disk_sentence(error))
            results, rc = Results(), None
        except Exception as error:  # the end must be told, whatever happened; the log has the rest
            log.exception("the run broke")
            self._ending.now(State.FAILED, f"A fault of this program ended the run: {error}. The log says more.")
            results, rc = Results(), None
        self._finish(run, results, rc)

    def _begin(self, run: Run) -> None:
        self._folder.reserve_space()
        pid = os.getpid()
        self._status = Status(
            State.RUNNING,
            started_at=now(),
            pid=pid,
            pid_started=processes.started(pid),
            boot=processes.boot_id(),
        )
        self._folder.write_status(self._status)
        signal.signal(signal.SIGTERM, self._on_term)
        if self._folder.cancel_asked_by():  # asked for between our first look and the handler
            self._on_term(signal.SIGTERM, None)
        if run.request.timeout:
            why = f"Ended after {run.request.timeout} s, the time this run was given."
            timer = threading.Timer(run.request.timeout, self._ending.now, (State.TIMED_OUT, why))
            timer.daemon = True
            timer.start()

    def _on_term(self, _number: int, _frame: FrameType | None) -> None:
        by = self._folder.cancel_asked_by()
        self._ending.now(
            State.CANCELED if by else State.FAILED,
            f"Canceled by {by}." if by else "The run's process was told to end by the system.",
        )

    def _drive(self, run: Run) -> tuple[Results, int | None]:
        request = run.request
        if request.content and request.content != content_of(self._settings, request.playbook):
            raise NotAsApproved(
                "The playbook or a role of it has changed since this run was asked for; nothing was done. Ask again."
            )
        secrets = self._secrets(run)
        self._private.mkdir(mode=0o700, parents=True)
        ansible.scrub_environment(run.id, self._settings)
        os.environ.update(mitogen.environment(self._settings, request))
        with ExitStack() as until_it_ends:
            hidden = dict(secrets)
            if self._given.ssh:
                reach = until_it_ends.enter_context(
                    ssh_agent.reaching(self._given.ssh, self._private, self._settings.control_paths)
                )
                hidden.update(reach.variables)
                os.environ.update(reach.environment)
            return self._follow(run, Hidden(hidden))

    def _secrets(self, run: Run) -> dict[str, Any]:
        """The variables to hide, which from now on nothing that is kept shows. Raises ApplicationError."""
        request = run.request
        secrets = {name: each for name, each in self._given.secrets.items() if name not in request.variables}
        if request.secret_names:
            secrets.update(handover.take(self._settings, run.id))
        ssh = self._given.ssh
        self._veil = Veil({**secrets, "": [ssh.key, ssh.passphrase]} if ssh else secrets)
        logs.hide(self._veil.text)
        if self._given.trouble:
            raise NotGiven(self._given.trouble)
        return secrets

    def _follow(self, run: Run, hidden: Hidden) -> tuple[Results, int | None]:
        event_file = EventFile(self._folder.events, self._veil, self._disk_error)
        output = OutputFile(self._folder.stdout, self._veil, self._disk_error)

        def add(event: dict[str, Any]) -> None:
            if "uuid" in event:  # anything else is ansible-runner's own end-of-file mark
                output.add(event)
                event_file.add(event)

        try:
            rc = ansible.execute(run.request, hidden, self._private, self._settings, add)
        except OSError as error:
            self._ending.now(State.FAILED, disk_sentence(error))
            return event_file.results, None
        finally:
            output.close()
            event_file.close()
        return event_file.results, rc

    def _disk_error(self, error: OSError) -> None:
        self._ending.now(State.FAILED, disk_sentence(error))

    def _finish(self, run: Run, results: Results, rc: int | None) -> None:
        if self._ending.state:
            processes.end_run(run.id, self._settings.cancel_grace)
        self._folder.release_reserve()
        ansible.tidy(self._folder.path, self._private)
        state, why = self._ending.state, self._ending.why
        if state is None:
            state, why = verdict(run, results, rc)
        files.write_json(self._folder.summary, results.to_json())
        why = self._veil.text(why)
        self._folder.write_status(replace(self._status, state=state, ended_at=now(), rc=rc, why=why))


def disk_sentence(error: OSError) -> str:
    """What a person can do about an error of the disk under a run's folder."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk that holds artifacts/ is full, so the run was ended. Free some space and run it again."
    return f"The run's files could not be written: {error.strerror or error}."


def take(settings: Settings, run_id: str) -> int:
    """Execute the queued run `run_id`; the exit code tells whether it was ours to run."""
    logs.configure(settings, run_id=run_id)
    os.umask(0o077)
    also = given.take()
    folder = RunFolder(settings.artifacts, run_id)
    lock = folder.lock()
    if lock is None:
        return NOT_MINE
    try:
        RunProcess(settings, folder, also).execute()
    finally:
        os.close(lock)
    return 0


if __name__ == "__main__":
    sys.exit(take(settings_module.load(), sys.argv[1]))
