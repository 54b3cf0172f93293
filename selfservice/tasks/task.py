"""A task: one thing that a node was asked to do, and what became of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from selfservice.audit.actions import Actor
from selfservice.store.times import now


class TaskState(StrEnum):
    """Where a task stands."""

    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    CANCELED = "canceled"
    TIMED_OUT = "timed_out"
    LOST = "lost"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self is not TaskState.RUNNING


@dataclass(frozen=True)
class TaskRequest:
    """What is asked of a node."""

    type: str
    params: dict[str, Any]
    #: Given back with the result, so that whoever asked knows what it belongs to.
    callback: str = ""
    #: Two requests with the same key by the same actor are one task.
    key: str = ""


@dataclass(frozen=True)
class Task:
    """The content of a task's file."""

    id: str
    request: TaskRequest
    actor: Actor
    state: TaskState
    started_at: str
    ended_at: str | None = None
    #: What it found, where it was successful.
    result: Any = None
    #: Why it was not, in a sentence.
    why: str = ""
    #: Whoever asked was told to expect the result later.
    answers_later: bool = False
    #: The master has it.
    reported: bool = False

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        if self.ended_at is None:
            return None
        return (datetime.fromisoformat(self.ended_at) - datetime.fromisoformat(self.started_at)).total_seconds()

    def end(self, state: TaskState, *, result: Any = None, why: str = "") -> Task:
        """The same task, ended now."""
        return replace(self, state=state, ended_at=now(), result=result, why=why)

    def to_json(self) -> dict[str, Any]:
        """The content of its file."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Task:
        """The task that `to_json` described. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            **{
                **value,
                "request": TaskRequest(**value["request"]),
                "actor": Actor(**value["actor"]),
                "state": TaskState(value["state"]),
            }
        )

    def shown(self) -> dict[str, Any]:
        """What the API tells of it."""
        return {
            "id": self.id,
            "type": self.request.type,
            "params": self.request.params,
            "callback": self.request.callback,
            "state": self.state.value,
            "result": self.result,
            "why": self.why,
            "requested_by": self.actor.name,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "seconds": self.seconds,
        }
