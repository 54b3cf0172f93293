"""The root of every error that a person may see."""

from __future__ import annotations

from collections.abc import Mapping


class ApplicationError(Exception):
    """Something a person can act on: what happened, to what, and what to do.

    Capabilities derive their own error families from it; `selfservice.web.errors` is the one
    place that turns it into a page or into problem JSON (RFC 9457).
    """

    status = 400
    #: The last part of the problem's `type` URI, the same for every error of this class.
    problem_type = "bad-request"
    title = "The request cannot be carried out"
    #: Seconds after which it is worth another try (RFC 9110, 10.2.3).
    retry_after: int | None = None

    def __init__(self, sentence: str, **extra: object) -> None:
        """Keep `sentence` for people and `extra` members for problem JSON."""
        super().__init__(sentence)
        self.sentence = sentence
        self.extra = extra


class NotFound(ApplicationError):
    """What was asked for does not exist, or this person may not know that it does."""

    status = 404
    problem_type = "not-found"
    title = "Not found"


class Forbidden(ApplicationError):
    """This person is known, and may not do this."""

    status = 403
    problem_type = "forbidden"
    title = "Not allowed"


class ChangedMeanwhile(ApplicationError):
    """Somebody else changed the record since this person looked at it."""

    status = 409
    problem_type = "changed-meanwhile"
    title = "Somebody else has changed it"

    @classmethod
    def since(cls, title: str, now: Mapping[str, object], wanted: Mapping[str, object]) -> ChangedMeanwhile:
        """For the second of two who edit `title`: where it is now another than they want it."""
        differs = [f"{name.replace('_', ' ')}: {_words(now[name])}" for name in now if now[name] != wanted.get(name)]
        told = f" Where it differs from what you want, it is now: {'; '.join(differs)}." if differs else ""
        return cls(f"Somebody else has changed {title} since you opened it.{told} Save again to have it as below.")


class BadInput(ApplicationError):
    """A value that was sent cannot be used; `field` names it where there is one."""

    status = 422
    problem_type = "bad-input"
    title = "A value cannot be used"

    def __init__(self, sentence: str, field: str | None = None) -> None:
        """Keep the name of the offending `field`, so that a form can show the sentence beside it."""
        super().__init__(sentence, **({"field": field} if field else {}))
        self.field = field


class Unavailable(ApplicationError):
    """This node cannot do it now (disk full, folder not writable, executor not running)."""

    status = 503
    problem_type = "unavailable"
    title = "Not possible at the moment"


def _words(value: object) -> str:
    """A value of a record as a person would say it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
    return text[:300] or "none"
