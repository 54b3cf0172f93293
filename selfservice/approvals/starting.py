"""Starting: the preview of a request, and in the end exactly what was previewed, once.

The id of each run is chosen and kept before it is launched, so that whoever takes over from a killed process
starts that run and no second one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, replace

from selfservice.approvals.desk import Desk, now
from selfservice.approvals.models import Request, Revision, State
from selfservice.approvals.subjects import Subject
from selfservice.audit.actions import SYSTEM, Kind
from selfservice.errors import ApplicationError, Unavailable
from selfservice.runs.content import content_of
from selfservice.runs.errors import RunNotFound, SameRunning
from selfservice.runs.launching import Launch, WhenSameRuns
from selfservice.store.ids import new_id

log = logging.getLogger(__name__)


class Starting:
    """Launches for requests."""

    def __init__(self, desk: Desk) -> None:
        """Launch what stands in the records of `desk`."""
        self._desk = desk

    def try_preview(self, request_id: int) -> None:
        """Launch the preview of what is asked for; whoever keeps the time tries again where it does not work now."""
        _tried(self.preview, request_id)

    def try_start(self, request_id: int) -> None:
        """Start what was approved; whoever keeps the time tries again where it does not work now."""
        _tried(self.start, request_id)

    def preview(self, request_id: int) -> None:
        """Launch the preview of the present revision, unless it was. Raises Unavailable."""
        with self._desk.changing(request_id) as request:
            revision = request.present
            if State(request.state) is not State.WAITING or revision.preview is None or revision.previewed:
                return
            asked = replace(revision.run_request, check=True)
            launch = Launch(
                asked,
                request.actor,
                secrets=self._desk.unseal(revision.sealed),
                run_id=revision.preview,
                approval=str(request.id),
            )
            try:
                self._desk.runs.launch(launch)
            except Unavailable:
                raise
            except ApplicationError as error:
                revision.preview_trouble = error.sentence
            revision.previewed = True

    def is_previewed(self, request: Request) -> bool:
        """Whether the preview of the present revision has ended, or there is none to wait for."""
        revision = request.present
        if revision.preview is None or revision.preview_trouble:
            return True
        if not revision.previewed:
            return False
        try:
            return self._desk.runs.folder(revision.preview).status().state.ended
        except RunNotFound:  # removed since
            return True

    def start(self, request_id: int) -> None:
        """Launch what was approved, or ask for it again where it is no longer the same. Raises Unavailable."""
        with self._desk.changing(request_id) as request:
            if State(request.state) is not State.APPROVED or request.run_id is None:
                return
            try:
                if not (self._desk.settings.artifacts / request.run_id).exists():
                    if self.ask_again_where_changed(request):
                        return
                    self._launch(request)
            except SameRunning as error:
                request.why = f"It waits: {error.sentence}"
                return
            except Unavailable:
                raise
            except ApplicationError as error:
                self._desk.record(Kind.REQUEST_REFUSE, SYSTEM, request, why=error.sentence)
                end(request, State.REFUSED, error.sentence)
                request.run_id = None
                return
            end(request, State.LAUNCHED, "")

    def ask_again_where_changed(self, request: Request) -> str:
        """Why what would run is no longer what was asked for, in which case it is asked again; else empty.

        Raises OperationNotFound, BadInput where the hosts are gone, InventoryError, Unavailable.
        """
        old = request.present
        fresh = self._as_it_is(self._desk.subject(request), old)
        why = _changed(old, fresh)
        if why:
            fresh.why = why
            put_again(request, fresh)
            self._desk.record(Kind.REQUEST_CHANGE, SYSTEM, request, why=why)
        return why

    def _as_it_is(self, subject: Subject, old: Revision) -> Revision:
        """The same wish, as things are now."""
        asked = old.run_request
        names = subject.hosts_of(asked.hosts)
        content = content_of(self._desk.settings, subject.playbook) if subject.playbook else ""
        asked = replace(asked, host_names=names, playbook=subject.playbook, content=content)
        return Revision(
            number=old.number + 1,
            by=old.by,
            person=old.person,
            at=now(),
            asked=asdict(asked),
            inventory=self._desk.inventory.mark(names),
            steps=[asdict(each) for each in subject.steps(asked)] or old.steps,
            sealed=old.sealed,
            new_secrets=[],
            preview=new_id(now()) if subject.previews else None,
            previewed=False,
            preview_trouble="",
        )

    def _launch(self, request: Request) -> None:
        asker = self._desk.asker_of(request)
        if asker is None:
            raise ApplicationError(f"{request.person}, who asked for this, has no account in use any more.")
        subject = self._desk.subject(request)
        if not subject.may_run(asker):
            raise ApplicationError(f"{request.person}, who asked for this, may not run it any more.")
        revision = request.present
        launch = Launch(
            revision.run_request,
            request.actor,
            secrets=self._desk.unseal(revision.sealed),
            when_same_runs=subject.same_running,
            force=subject.same_running is WhenSameRuns.WARN,
            run_id=request.run_id,
            approval=str(request.id),
        )
        self._desk.runs.launch(launch)


def end(request: Request, state: State, why: str) -> None:
    """Nothing more comes of it: its secret values are thrown away."""
    request.state, request.why, request.ended_at = state.value, why, now()
    for revision in request.revisions:
        revision.sealed = ""


def put_again(request: Request, revision: Revision) -> None:
    """Make `revision` what is asked for, from the first step."""
    request.revisions.append(revision)
    request.revision = revision.number
    request.state, request.run_id, request.why, request.told_at = State.WAITING.value, None, "", None
    # It was asked in good time, so approvers have as long as they had at first.
    request.expires_at = now() + (request.expires_at - request.revisions[-2].at)


def _changed(old: Revision, new: Revision) -> str:
    before, after = old.run_request, new.run_request
    if (before.playbook, before.content) != (after.playbook, after.content):
        return "The playbook, or a file that it uses, has changed since the preview."
    if set(before.host_names) != set(after.host_names):
        return f"“{before.hosts}” means other hosts than at the preview."
    if old.inventory != new.inventory:
        return "The inventory says something else of these hosts than at the preview."
    if old.approvals_needed != new.approvals_needed:
        return "Other people have to approve it than at the preview."
    return ""


def _tried(do: Callable[[int], None], request_id: int) -> None:
    try:
        do(request_id)
    except ApplicationError as error:
        log.warning("request %d is seen to again: %s", request_id, error.sentence)
