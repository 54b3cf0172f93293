"""Launching: from a request to a queued run on disk, once, and not beside the same unasked."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from selfservice.audit.actions import Actor
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput
from selfservice.runs import handover
from selfservice.runs.errors import KeyReused, RunsUnwritable, SameRunning
from selfservice.runs.folder import HIDDEN, RunFolder
from selfservice.runs.index import RunIndex
from selfservice.runs.launch_action import launch_action
from selfservice.runs.run import Run, RunRequest
from selfservice.settings import Settings
from selfservice.store import files
from selfservice.store.ids import new_id

#: So long does an idempotency key stand for the run it launched.
KEY_LIFETIME = timedelta(hours=24)
LONGEST_KEY = 255


class WhenSameRuns(StrEnum):
    """What to do where the same is queued or running already."""

    ALLOW = "allow"
    WARN = "warn"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Launch:
    """A request, and what is to be known of it beside itself."""

    request: RunRequest
    actor: Actor
    again_of: str | None = None
    schedule: str | None = None
    #: The number of the request by which it was approved, or which it is the preview of.
    approval: str | None = None
    #: Values of `request.secret_names`: handed to the run's process, kept nowhere.
    secrets: Mapping[str, Any] = field(default_factory=dict)
    when_same_runs: WhenSameRuns = WhenSameRuns.ALLOW
    #: The person has been told that the same runs, and wants it all the same.
    force: bool = False
    #: Two launches with the same key by the same actor are one.
    key: str = ""
    #: The id that the run is to have, chosen before: two launches with the same id are one, however late the second.
    run_id: str | None = None


class Launching:
    """Writes folders of queued runs; one launch at a time a node."""

    def __init__(self, settings: Settings, journal: Journal, index: RunIndex) -> None:
        """Bind folders, journal and index."""
        self._settings = settings
        self._journal = journal
        self._index = index
        self._keys = settings.instance / "idempotency"

    def launch(self, launch: Launch) -> Run:
        """Queue a run; when this returns it is on disk, in the audit, and will be executed.

        Raises BadInput, SameRunning, KeyReused, RunsUnwritable, JournalError.
        """
        if not launch.request.host_names:
            raise BadInput("Choose at least one host.", "hosts")
        if len(launch.key) > LONGEST_KEY:
            raise BadInput(f"An idempotency key has at most {LONGEST_KEY} characters.", "Idempotency-Key")
        with files.locked(self._settings.instance / "launch.lock"):
            run_id = launch.run_id or (self._claimed(launch) if launch.key else None)
            if run_id and (self._settings.artifacts / run_id).exists():
                return RunFolder(self._settings.artifacts, run_id).run()
            self._refuse_same(launch)
            run = self._run(launch, run_id)
            if launch.key:
                self._claim(launch, run.id)
            self._publish(run, launch)
        self.wake_executor()
        return run

    def _claimed(self, launch: Launch) -> str | None:
        """The run id that this key stands for; a younger launch may have died before its run appeared."""
        try:
            claim = files.read_json(self._claim_path(launch))
        except (FileNotFoundError, ValueError):
            return None
        if datetime.fromisoformat(claim["at"]) < datetime.now(UTC) - KEY_LIFETIME:
            return None
        if claim["fingerprint"] != launch.request.fingerprint:
            raise KeyReused("This idempotency key was used for another request within 24 hours; make a new one.")
        return str(claim["run_id"])

    def _claim(self, launch: Launch, run_id: str) -> None:
        path = self._claim_path(launch)
        claim = {
            "run_id": run_id,
            "fingerprint": launch.request.fingerprint,
            "at": datetime.now(UTC).isoformat(),
        }
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            files.write_json(path, claim)
        except OSError as error:
            raise RunsUnwritable(f"The idempotency key could not be kept: {error.strerror}.") from error

    def _claim_path(self, launch: Launch) -> Path:
        owner = f"{launch.actor.name}\0{launch.key}"
        return self._keys / f"{hashlib.sha256(owner.encode()).hexdigest()[:40]}.json"

    def forget_old_keys(self) -> int:
        """Remove the keys whose time is over; how many there were."""
        oldest = (datetime.now(UTC) - KEY_LIFETIME).timestamp()
        old = [path for path in self._keys.glob("*.json") if path.stat().st_mtime < oldest]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def _refuse_same(self, launch: Launch) -> None:
        policy = launch.when_same_runs
        if policy is WhenSameRuns.ALLOW or (policy is WhenSameRuns.WARN and launch.force):
            return
        if same := self._index.going_on(launch.request.fingerprint):
            raise SameRunning(launch.request.title, same, may_force=policy is WhenSameRuns.WARN)

    def _run(self, launch: Launch, run_id: str | None) -> Run:
        moment = datetime.now(UTC)
        return Run(
            id=run_id or new_id(moment),
            request=launch.request,
            actor=launch.actor,
            queued_at=moment.isoformat(timespec="microseconds"),
            node=self._settings.node_name,
            again_of=launch.again_of,
            schedule=launch.schedule,
            approval=launch.approval,
        )

    def _publish(self, run: Run, launch: Launch) -> None:
        artifacts = self._settings.artifacts
        # An earlier launch with this key may have died here.
        shutil.rmtree(artifacts / f"{HIDDEN}{run.id}", ignore_errors=True)
        hidden = RunFolder.prepare(artifacts, run)
        try:
            if launch.secrets:
                handover.leave(self._settings, run.id, launch.secrets)
            self._journal.append(launch_action(run))
        except OSError as error:
            self._take_back(hidden, run.id)
            raise RunsUnwritable(f"The run could not be queued: {error.strerror}.") from error
        except Exception:
            self._take_back(hidden, run.id)
            raise
        RunFolder.publish(artifacts, run.id)
        self._index.add(run.id)

    def _take_back(self, hidden: Path, run_id: str) -> None:
        shutil.rmtree(hidden, ignore_errors=True)
        handover.forget(self._settings, run_id)

    def wake_executor(self) -> None:
        """Tell the executor that there is something to do."""
        # Nobody listening is no error: the executor looks for itself, too.
        with contextlib.suppress(FileNotFoundError):
            wake(self._settings.instance / "executor.wake")


def wake(fifo: Path) -> None:
    """Tell whoever listens at `fifo` that there is something to do; nobody need listen.

    Raises FileNotFoundError where nobody has listened yet.
    """
    try:
        descriptor = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return
    try:
        os.write(descriptor, b"!")
    except BlockingIOError:
        pass  # it has calls enough waiting
    finally:
        os.close(descriptor)
