"""JSON route of the history."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import Integer, String
from apiflask.validators import Length, Range

from selfservice.accounts.permissions import Permission
from selfservice.audit.filters import query_from
from selfservice.web.access import requires
from selfservice.web.services import services

blueprint = APIBlueprint("audit_api", __name__, url_prefix="/api/v1", tag="History")


class ActionsQuery(Schema):
    """Filter and page of the history."""

    person = String(metadata={"description": "Who acted."})
    kind = String(metadata={"description": "Such as run:launch."})
    host = String(metadata={"description": "A host it was done to."})
    since = String(metadata={"description": "ISO 8601 date or time, UTC unless it says otherwise."})
    until = String(metadata={"description": "As since; a date includes its whole day."})
    q = String(validate=Length(max=200), metadata={"description": "Words anywhere in it."})
    limit = Integer(load_default=50, validate=Range(1, 500))
    cursor = String(metadata={"description": "`next_cursor` of the page before."})


@blueprint.get("/actions")
@requires(Permission.AUDIT_READ)
@blueprint.input(ActionsQuery, location="query")
@blueprint.doc(summary="List actions, newest first")
def list_actions(query_data: dict[str, Any]) -> dict[str, Any]:
    """One page of actions, `next_cursor` for the next one, and how many fit in all.

    No more than 1,000 are counted; `total_is_least` says where there may be more.
    """
    limit = query_data.pop("limit")
    page = services().history.search(query_from(query_data, limit))
    return {
        "actions": [asdict(entry) for entry in page.entries],
        "next_cursor": page.next_cursor,
        "total": page.total,
        "total_is_least": page.total_is_least,
    }
