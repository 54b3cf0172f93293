"""How durations, sizes and points in time are said to people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_SAMPLE_THAT_SAYS_SOMETHING = 5
_SIZES = ("KiB", "MiB", "GiB", "TiB", "PiB")


def duration(seconds: float | None) -> str:
    """`0.4 s`, `12 s`, `3 min 5 s`, `1 h 2 min`, `2 d 3 h`; nothing for None."""
    if seconds is None:
        return ""
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _two(whole, _MINUTE, "min", 1, "s")
    if whole < _DAY:
        return _two(whole, _HOUR, "h", _MINUTE, "min")
    return _two(whole, _DAY, "d", _HOUR, "h")


def _two(whole: int, large: int, large_unit: str, small: int, small_unit: str) -> str:
    first, rest = divmod(whole, large)
    second = rest // small
    return f"{first} {large_unit} {second} {small_unit}" if second else f"{first} {large_unit}"


def binary_size(size: int | None) -> str:
    """`512 B`, `1.5 KiB`, `20 MiB`; nothing for None."""
    if size is None:
        return ""
    if size < 1024:
        return f"{size} B"
    power = min((size.bit_length() - 1) // 10, len(_SIZES))
    value = size / 1024**power
    return f"{value:.1f} {_SIZES[power - 1]}" if value < 10 else f"{value:.0f} {_SIZES[power - 1]}"


def moment(value: str | datetime | None) -> datetime | None:
    """A point in time from ISO 8601 text; one without a zone is UTC. Nothing for what is no time."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def exact_time(value: str | datetime | None) -> str:
    """`2026-11-20 22:14:55 CET`, in the time zone of this node."""
    when = moment(value)
    return when.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z") if when else ""


def relative_time(value: str | datetime | None, now: datetime | None = None) -> str:
    """`just now`, `5 min ago`, `3 h ago`, `2 d ago`, then the date."""
    when = moment(value)
    if when is None:
        return ""
    seconds = ((now or datetime.now(UTC)) - when).total_seconds()
    if seconds < 10:
        return "just now"
    if seconds < _MINUTE:
        return f"{int(seconds)} s ago"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min ago"
    if seconds < _DAY:
        return f"{int(seconds // _HOUR)} h ago"
    if seconds < 14 * _DAY:
        return f"{int(seconds // _DAY)} d ago"
    return when.astimezone().strftime("%Y-%m-%d")


def time_until(value: str | datetime | None, now: datetime | None = None) -> str:
    """`now`, `in 5 min`, `in 3 h`, `in 2 d`, then the date."""
    when = moment(value)
    if when is None:
        return ""
    seconds = (when - (now or datetime.now(UTC))).total_seconds()
    if seconds < _MINUTE:
        return "now"
    for unit, size, most in (("min", _MINUTE, _HOUR), ("h", _HOUR, _DAY), ("d", _DAY, 14 * _DAY)):
        if seconds < most:
            return f"in {int(seconds // size)} {unit}"
    return when.astimezone().strftime("%Y-%m-%d")


def against_usual(seconds: float | None, sample: Sequence[float], *, ended: bool) -> str:
    """How long something took against how long it usually takes; nothing where nothing is known.

    `usually 4 s`, or, once it is slower than most: `usually 4 s: slower than 19 of the last 20`.
    """
    if not sample:
        return ""
    ordered = sorted(sample)
    usually = f"usually {duration(ordered[len(ordered) // 2])}"
    faster = sum(1 for each in ordered if seconds is not None and each < seconds)
    if len(ordered) >= _SAMPLE_THAT_SAYS_SOMETHING and faster > len(ordered) * 0.75:
        return f"{usually}: slower than {faster} of the last {len(ordered)}"
    if ended and len(ordered) >= _SAMPLE_THAT_SAYS_SOMETHING and faster == 0:
        return f"{usually}: the fastest of the last {len(ordered) + 1}"
    return usually


def seconds_between(start: str | datetime | None, end: str | datetime | None) -> float | None:
    """Seconds from `start` to `end`, to now where there is no end; nothing without a start."""
    first = moment(start)
    if first is None:
        return None
    return ((moment(end) or datetime.now(UTC)) - first).total_seconds()
