"""When something is due: cron expressions in a time zone, and the usual shorter ways to say one.

Daylight saving as Debian's cron(8) has it: what falls into the hour that is skipped runs right after it, and
what falls into the hour that comes twice runs once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from selfservice.errors import BadInput

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\Z")
_FIVE_FIELDS = 5
LAST_DAY = "last"
#: Days of the week as cron counts them.
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


class Every(StrEnum):
    """How a time is said."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    CRON = "cron"


@dataclass(frozen=True)
class Timing:
    """When: each day, week or month at a time, or a cron expression; always in a time zone."""

    every: Every
    zone: str
    at: str = "02:00"
    #: Days of the week, 0 for Sunday.
    days: tuple[int, ...] = ()
    #: Day of the month, or `last`.
    day: str = "1"
    cron: str = ""

    @property
    def expression(self) -> str:
        """The cron expression that says the same. Raises BadInput naming the field."""
        if self.every is Every.CRON:
            return " ".join(self.cron.split())
        found = _TIME.match(self.at.strip())
        if not found:
            raise BadInput("Give the time as hours and minutes, such as 02:30.", "at")
        time = f"{int(found[2])} {int(found[1])}"
        if self.every is Every.DAY:
            return f"{time} * * *"
        if self.every is Every.WEEK:
            return f"{time} * * {self._week_days()}"
        return f"{time} {self._month_day()} * *"

    @property
    def words(self) -> str:
        """As a person says it."""
        if self.every is Every.CRON:
            return f"cron {self.cron}"
        if self.every is Every.DAY:
            return f"daily at {self.at}"
        if self.every is Every.WEEK:
            return f"{', '.join(DAYS[day] for day in sorted(set(self.days), key=_monday_first))} at {self.at}"
        return (
            f"on the last day of each month at {self.at}"
            if self.day == LAST_DAY
            else (f"on day {self.day} of each month at {self.at}")
        )

    def _week_days(self) -> str:
        if not self.days:
            raise BadInput("Choose at least one day of the week.", "days")
        if not set(self.days) <= set(range(7)):
            raise BadInput("Days of the week are 0 (Sunday) to 6.", "days")
        return ",".join(str(day) for day in sorted(set(self.days)))

    def _month_day(self) -> str:
        if self.day == LAST_DAY:
            return "L"
        if not self.day.isdigit() or not 1 <= int(self.day) <= 31:
            raise BadInput("The day of the month is 1 to 31, or last.", "day")
        return str(int(self.day))


def next_times(timing: Timing, after: datetime, count: int = 5) -> list[datetime]:
    """The next times after the moment `after`, in UTC. Raises BadInput naming the field."""
    found = list(islice(times_after(timing, after), count))
    if not found:
        raise BadInput("This never comes: no date fits.", "cron" if timing.every is Every.CRON else "day")
    return found


def times_after(timing: Timing, after: datetime) -> Iterator[datetime]:
    """All times after the moment `after`, in UTC; none where no date ever fits. Raises BadInput."""
    expression, where = timing.expression, zone(timing.zone)
    if len(expression.split()) != _FIVE_FIELDS:
        raise BadInput("A cron expression has five fields: minute, hour, day, month, day of the week.", "cron")
    try:
        for each in CronSim(expression, after.astimezone(where)):
            yield each.astimezone(UTC)
    except CronSimError as error:
        raise BadInput(f"This never comes, or is no cron expression: {str(error).lower()}.", "cron") from error


def zone(name: str) -> ZoneInfo:
    """The time zone called `name`. Raises BadInput."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(f"There is no time zone {name!r}; one is called Europe/Berlin.", "zone") from None


def _monday_first(day: int) -> int:
    return (day - 1) % 7
