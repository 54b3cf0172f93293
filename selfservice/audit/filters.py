"""The filter of the history as it stands in a URL, for pages and API alike."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from selfservice.audit.query import HistoryQuery
from selfservice.errors import BadInput

NAMES = ("person", "kind", "host", "since", "until", "q")
_MOST = 500


def query_from(values: Mapping[str, str], limit: int = 50) -> HistoryQuery:
    """The query that URL parameters mean; dates without a time are whole days in UTC. Raises BadInput."""
    return HistoryQuery(
        person=values.get("person", "").strip(),
        kind=values.get("kind", "").strip(),
        host=values.get("host", "").strip(),
        since=_moment(values.get("since", ""), "since", end_of_day=False),
        until=_moment(values.get("until", ""), "until", end_of_day=True),
        text=values.get("q", "")[:200],
        limit=min(limit, _MOST),
        cursor=values.get("cursor") or None,
    )


def _moment(text: str, field: str, *, end_of_day: bool) -> str:
    text = text.strip()
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r} is no date; write 2026-11-20 or 2026-11-20T18:30.", field) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if len(text) <= len("2026-11-20") and end_of_day:
        moment += timedelta(days=1)
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
