"""One run's folder in artifacts/: which file holds what, and how each is written."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

from selfservice.runs.errors import RunNotFound, RunsUnwritable
from selfservice.runs.run import Run, State, Status
from selfservice.store import files
from selfservice.store.ids import is_id

#: Disk space that a run keeps for telling its end on a full disk.
RESERVE_BYTES = 64 * 1024
#: Folders that are being written or removed start so; no reader looks at them.
HIDDEN = "."
_QUEUED = Status(State.QUEUED)


class RunFolder:
    """`artifacts/<run id>/`. Each file has one writer at a time, who holds the folder's lock."""

    def __init__(self, artifacts: Path, run_id: str) -> None:
        """Name the folder; nothing is read. Raises RunNotFound for what cannot be a run id."""
        if not is_id(run_id):
            raise RunNotFound(f"{run_id!r} is not the id of a run.")
        self.id = run_id
        self.path = artifacts / run_id
        self.stdout = self.path / "stdout"
        self.events = self.path / "events.jsonl"
        self.summary = self.path / "summary.json"
        self.command = self.path / "command"
        self.slow = self.path / "slow.json"
        self.keep = self.path / "keep.json"
        self._cancel = self.path / "cancel.json"
        self._reserve = self.path / ".reserve"

    @staticmethod
    def prepare(artifacts: Path, run: Run, status: Status = _QUEUED) -> Path:
        """Write the folder of a run under a hidden name; `publish` makes it a run.

        Raises RunsUnwritable where the disk does not take it.
        """
        hidden = artifacts / f"{HIDDEN}{run.id}"
        try:
            hidden.mkdir(mode=0o700)
            files.write_json(hidden / "run.json", run.to_json())
            files.write_json(hidden / "state.json", status.to_json())
        except OSError as error:
            shutil.rmtree(hidden, ignore_errors=True)
            raise RunsUnwritable(_unwritable(artifacts, error)) from error
        return hidden

    @classmethod
    def publish(cls, artifacts: Path, run_id: str) -> RunFolder:
        """Make the prepared folder a run that the executor will see. Raises RunsUnwritable."""
        folder = cls(artifacts, run_id)
        try:
            (artifacts / f"{HIDDEN}{run_id}").rename(folder.path)
            files.sync_folder(artifacts)
        except OSError as error:
            raise RunsUnwritable(_unwritable(artifacts, error)) from error
        return folder

    def run(self) -> Run:
        """What was asked. Raises RunNotFound."""
        try:
            return Run.from_json(files.read_json(self.path / "run.json"))
        except FileNotFoundError:
            raise RunNotFound(f"There is no run {self.id} (any more).") from None
        except (ValueError, KeyError, TypeError) as error:
            raise RunNotFound(f"run.json of {self.id} cannot be understood: {error}.") from error

    def write_run(self, run: Run) -> None:
        """Record anew what was asked, where more of it became known on the way. Raises OSError."""
        files.write_json(self.path / "run.json", run.to_json())

    def status(self) -> Status:
        """Where it stands. Raises RunNotFound."""
        try:
            return Status.from_json(files.read_json(self.path / "state.json"))
        except FileNotFoundError:
            raise RunNotFound(f"There is no run {self.id} (any more).") from None
        except (ValueError, KeyError, TypeError) as error:
            raise RunNotFound(f"state.json of {self.id} cannot be understood: {error}.") from error

    def stamp(self) -> tuple[int, ...] | None:
        """Tells one status from another without reading it: each is a file of its own. None where there is none."""
        try:
            found = (self.path / "state.json").stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def write_status(self, status: Status) -> None:
        """Record where it stands; an end frees the reserve first, so that a full disk can tell it."""
        if status.state.ended:
            self._reserve.unlink(missing_ok=True)
        files.write_json(self.path / "state.json", status.to_json())

    def reserve_space(self) -> None:
        """Keep enough disk space back to record the end of this run. Raises OSError."""
        descriptor = os.open(self._reserve, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
        finally:
            os.close(descriptor)

    def release_reserve(self) -> None:
        """Give the reserved space back, for the files that tell the end."""
        self._reserve.unlink(missing_ok=True)

    def ask_to_cancel(self, by: str, at: str) -> None:
        """Leave word for the executor that this run is to end. Raises OSError."""
        files.write_json(self._cancel, {"by": by, "at": at})

    def cancel_asked_by(self) -> str | None:
        """Who asked for the end of this run, or None."""
        try:
            value: Any = files.read_json(self._cancel)
        except (FileNotFoundError, ValueError):
            return None
        return str(value.get("by", "somebody"))

    def lock(self) -> int | None:
        """A descriptor that makes its holder the only writer of this run, or None. See `try_lock`.

        Raises RunNotFound.
        """
        try:
            return files.try_lock(self.path)
        except FileNotFoundError:
            raise RunNotFound(f"There is no run {self.id} (any more).") from None


def _unwritable(artifacts: Path, error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"The disk that holds {artifacts} is full; nothing was started. Free some space and try again."
    return f"{artifacts} cannot be written ({error.strerror}); nothing was started."
