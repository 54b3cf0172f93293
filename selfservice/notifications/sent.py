"""What a browser or a program sent about a target, turned into rules."""

from __future__ import annotations

from typing import Any

from werkzeug.datastructures import MultiDict

from selfservice.errors import BadInput
from selfservice.notifications.targets import Rules


def rules_of_form(form: MultiDict[str, str]) -> Rules:
    """The rules in a form. Raises BadInput naming the field."""
    seconds = form.get("digest_seconds", "60")
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) < 6):
        raise BadInput("Choose how long to collect.", "digest_seconds")
    return Rules(
        title=form.get("title", ""),
        events=form.getlist("events"),
        only_mine="only_mine" in form,
        digest_seconds=int(seconds),
        quiet_from=form.get("quiet_from", "").strip(),
        quiet_until=form.get("quiet_until", "").strip(),
        zone=form.get("zone", "").strip() or "UTC",
    )


def rules_of_json(value: dict[str, Any]) -> Rules:
    """The rules in checked JSON."""
    return Rules(**{name: value[name] for name in Rules.__dataclass_fields__ if name in value})
