"""The page of one edit, as every route of it shows it; and what each of them may be sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.permissions import Permission
from selfservice.errors import ApplicationError, BadInput
from selfservice.files.difference import difference
from selfservice.files.edits import MOST_TEXT, MOST_UPLOAD, FileChange
from selfservice.files.errors import BranchGone
from selfservice.files.models import Edit
from selfservice.files.moved import BaseMoved
from selfservice.files.playbook_check import is_playbook
from selfservice.files.syntax import check
from selfservice.files.text import decoded
from selfservice.web.access import current_actor, current_person
from selfservice.web.services import services

#: A form may carry as much text as is edited, and three times as much for its encoding.
_MOST_FORM = 4 * 1024 * 1024


def take_files(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Allow what files need before anything of the request is read."""
    request.max_content_length = MOST_UPLOAD + _MOST_FORM
    request.max_form_memory_size = _MOST_FORM


def page(
    edit: Edit, error: ApplicationError | None = None, advice: dict[str, str] | None = None
) -> ResponseReturnValue:
    """What it changes, and what can be done with it."""
    record = services().repositories.by_id(edit.repository_id)
    changes = services().edits.changes(edit)
    rows = [(each, difference(each.before, each.after), text_of(each) is not None) for each in changes]
    return render_template(
        "files/edit.html",
        record=record,
        edit=edit,
        rows=[row for row in rows if row[0].before != row[0].after],
        untouched=[row[0] for row in rows if row[0].before == row[0].after],
        mistakes=mistakes(edit, changes),
        advice=advice,
        has_playbooks=any(is_playbook(row[0]) for row in rows),
        commit_url=services().repositories.open(record).commit_url,
        error=error.sentence if error and not getattr(error, "field", None) else "",
        errors={error.field: error.sentence} if isinstance(error, BadInput) and error.field else {},
        typed=request.form,
        may_merge=current_person().may(Permission.FILE_MERGE),
    ), error.status if error else 200


def tried(edit: Edit, deed: Callable[[], object]) -> ResponseReturnValue | None:
    """None where it worked; else the page that says why not, or the sides that have to be looked at."""
    try:
        deed()
    except BaseMoved as moved:
        flash(moved.sentence, "warning")
        return redirect(url_for("delivery.sides", edit_id=edit.id), 303)
    except BranchGone as gone:
        flash(f"{gone.sentence} Your drafts are kept: go on from what is there now.", "warning")
        return redirect(url_for("delivery.sides", edit_id=edit.id), 303)
    except ApplicationError as error:
        return page(services().edits.get(edit.id, current_actor()), error)
    return None


def back(edit: Edit) -> ResponseReturnValue:
    """On to the page, after something was done."""
    return redirect(url_for("edits.show", edit_id=edit.id), 303)


def mistakes(edit: Edit, changes: list[FileChange] | None = None) -> list[tuple[FileChange, str]]:
    """What is wrong with the drafts, by file."""
    found = services().edits.changes(edit) if changes is None else changes
    checked = [(each, check(each.path, each.after)) for each in found if each.after is not None]
    return [(each, str(mistake)) for each, mistake in checked if mistake and each.after != each.before]


def text_of(change: FileChange) -> str | None:
    """Its draft as text, or None where it cannot be edited as text."""
    if change.after is None or len(change.after) > MOST_TEXT:
        return None
    found = decoded(change.after)
    return found.text if found else None
