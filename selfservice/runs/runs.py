"""Runs, as the rest of the program asks for them: launch, find, cancel, list."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime

from selfservice.accounts.permissions import Permission
from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput, Forbidden
from selfservice.runs import results
from selfservice.runs.errors import RunEnded, RunNotFound, RunsUnwritable
from selfservice.runs.folder import RunFolder
from selfservice.runs.index import RunIndex
from selfservice.runs.launching import Launch, Launching
from selfservice.runs.listing import RunPage, RunQuery, Usual
from selfservice.runs.run import Run, RunRequest, Status
from selfservice.runs.watching import Watched
from selfservice.scope import EVERYTHING, Scope, Sight, sees
from selfservice.settings import Settings
from selfservice.store import files


class Runs:
    """The runs of one node. Never executes anything: it writes folders and wakes the executor."""

    def __init__(self, settings: Settings, journal: Journal) -> None:
        """Bind folders and journal."""
        self._settings = settings
        self._journal = journal
        self.artifacts = settings.artifacts
        self.index = RunIndex(settings.artifacts, settings.instance / "cache" / "runs.db")
        self.launching = Launching(settings, journal, self.index)
        #: The same one for everybody, whatever they see.
        self.watched = Watched()
        self._sight: Sight = EVERYTHING

    def seen_by(self, sight: Sight) -> Runs:
        """The same for somebody: runs that they do not see are not there, and what they may only look at stays."""
        bound = copy.copy(self)
        bound._sight = sight
        return bound

    def launch(self, launch: Launch) -> Run:
        """Queue a run; when this returns it is on disk, in the audit, and will be executed.

        Raises BadInput, SameRunning, KeyReused, RunsUnwritable, JournalError.
        """
        return self.launching.launch(launch)

    def to_repeat(self, run_id: str, *, only_failed: bool) -> RunRequest:
        """What to queue for the same once more, on the same hosts or only where it failed.

        Raises RunNotFound, BadInput, Forbidden.
        """
        run, _ = self.get(run_id)
        request = run.request
        self._require(Permission.COMMAND_LAUNCH, run)
        # They may have left the project since.
        if not self._sight.may(Permission.COMMAND_LAUNCH, Scope(hosts=request.host_names)):
            raise Forbidden(f"You may no longer start anything on {request.hosts}.")
        if not run.can_be_repeated:
            raise BadInput(
                "This run was started in a terminal, with options that the dashboard may not know; start it there."
            )
        if request.secret_names:
            raise BadInput("This run had secret values, which are kept nowhere; start it again where it was started.")
        if only_failed:
            names = self.failed_hosts(run_id)
            request = replace(request, hosts=",".join(names), host_names=names)
        return request

    def failed_hosts(self, run_id: str) -> tuple[str, ...]:
        """The hosts where the run failed or that it could not reach. Raises BadInput where there is none."""
        names = tuple(results.of(self.folder(run_id)).named("failed", "unreachable"))
        if not names:
            raise BadInput("No host failed in this run, so there is none to run it on again.", "only")
        return names

    def get(self, run_id: str) -> tuple[Run, Status]:
        """What was asked and where it stands. Raises RunNotFound."""
        folder = self.folder(run_id)
        return folder.run(), folder.status()

    def folder(self, run_id: str) -> RunFolder:
        """The folder of a run. Raises RunNotFound for what cannot be a run id, or is not to be seen."""
        folder = RunFolder(self.artifacts, run_id)
        if not self._sight.everything and not sees(self._sight, folder.run().request.scope):
            raise RunNotFound(f"There is no run {run_id} (any more).")
        return folder

    def may(self, permission: Permission, run: Run) -> bool:
        """Whether this may be done with the run."""
        return self._sight.may(permission, run.request.scope)

    def cancel(self, run_id: str, actor: Actor) -> None:
        """Ask the executor to end a run. Raises RunNotFound, Forbidden, RunEnded, RunsUnwritable."""
        run, status = self.get(run_id)
        self._require(Permission.RUN_CANCEL, run)
        if status.state.ended:
            raise RunEnded(f"{run.request.title} has already ended: {status.state.value.replace('_', ' ')}.")
        self._journal.append(_action(Kind.RUN_CANCEL, actor, run))
        try:
            self.folder(run_id).ask_to_cancel(actor.name, datetime.now(UTC).isoformat())
        except OSError as error:
            raise RunsUnwritable(f"The request to cancel could not be written: {error.strerror}.") from error
        self.launching.wake_executor()

    def keep(self, run_id: str, actor: Actor, why: str = "") -> None:
        """Mark a run so that no limit removes it. Raises RunNotFound, Forbidden, RunsUnwritable."""
        run, _ = self.get(run_id)
        self._require(Permission.RUN_KEEP, run)
        self._journal.append(replace(_action(Kind.RUN_KEEP, actor, run), detail={"why": why} if why else {}))
        try:
            mark = {"by": actor.name, "at": datetime.now(UTC).isoformat(), "why": why}
            files.write_json(self.folder(run_id).keep, mark)
        except OSError as error:
            raise RunsUnwritable(f"The mark could not be written: {error.strerror}.") from error

    def let_go(self, run_id: str, actor: Actor) -> None:
        """Take that mark away. Raises RunNotFound, Forbidden."""
        run, _ = self.get(run_id)
        self._require(Permission.RUN_KEEP, run)
        self._journal.append(_action(Kind.RUN_LET_GO, actor, run))
        self.folder(run_id).keep.unlink(missing_ok=True)

    def list(self, query: RunQuery) -> RunPage:
        """One page of runs, newest first."""
        return self.index.page(query, self._sight)

    def counts(self, project: str = "") -> dict[str, int]:
        """How many runs are in each state, `today` and `failed_today`; of all, or of one project."""
        return self.index.counts(self._sight, project)

    def running(self) -> tuple[str, ...]:
        """The ids of runs that go on."""
        return tuple(self.index.running(self._sight))

    def record_download(self, run_id: str, actor: Actor) -> None:
        """Audit that the whole output leaves the node. Raises RunNotFound."""
        self._journal.append(_action(Kind.RUN_DOWNLOAD, actor, self.get(run_id)[0]))

    def usual(self, run: Run) -> Usual | None:
        """How long this usually takes, or None while nothing is known."""
        return self.index.usual(run.request, self._sight)

    def usual_of(self, operation: str) -> Usual | None:
        """How long an operation usually takes, or None while nothing is known."""
        return self.index.usual_of(operation, self._sight)

    def previous(self, run: Run) -> str | None:
        """The run to compare this one with: the one it repeats, else the latest of the same thing before it."""
        return run.again_of or self.index.before(run, self._sight)

    def position(self, run_id: str) -> int | None:
        """How many queued runs come before this one, or None where it is not queued."""
        queue = self.index.queue(self._sight)
        return queue.index(run_id) if run_id in queue else None

    def _require(self, permission: Permission, run: Run) -> None:
        if not self.may(permission, run):
            raise Forbidden(f"You may look at {run.request.title}, and no more: this needs more access to its project.")


def _action(kind: Kind, actor: Actor, run: Run) -> Action:
    request = run.request
    return Action(kind, actor, request.title, hosts=request.host_names, run_id=run.id, project=request.project)
