"""Who has to approve an operation, as its sidecar says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

EXPIRES_HOURS = 72
REMIND_HOURS = 24


@dataclass(frozen=True)
class Step:
    """One approval that is needed: by one of these people, or somebody with one of these roles.

    Where neither is named: anybody else who may run the operation.
    """

    title: str = ""
    people: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Whose approval it is."""
        if not (self.people or self.roles):
            return "anybody else who may run it"
        roles = (f"the role {role}" for role in self.roles)
        return " or ".join([*self.people, *roles])

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Step:
        """The step as a sidecar or a record has it."""
        return cls(value.get("title", ""), tuple(value.get("people", ())), tuple(value.get("roles", ())))


@dataclass(frozen=True)
class Approval:
    """The steps, one after another, and how long a request for them lives."""

    steps: tuple[Step, ...] = (Step(),)
    expires_hours: int = EXPIRES_HOURS
    remind_hours: int = REMIND_HOURS


def approval_of(value: bool | dict[str, Any]) -> Approval | None:
    """What the sidecar's `approval` means; None where none is needed."""
    if not value:
        return Approval() if isinstance(value, dict) else None
    if value is True:
        return Approval()
    return Approval(
        tuple(Step.from_json(each) for each in value.get("steps", ({},))),
        value.get("expires_hours", EXPIRES_HOURS),
        value.get("remind_hours", REMIND_HOURS),
    )
