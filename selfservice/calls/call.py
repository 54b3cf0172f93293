"""A call: one thing sent to many nodes, and what each of them answered."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from selfservice.audit.actions import Actor


class CallKind(StrEnum):
    """What is sent."""

    TASK = "task"
    HTTP = "http"


class AnswerState(StrEnum):
    """Where one node's answer stands."""

    QUEUED = "queued"
    SENDING = "sending"
    #: The node is at it, and answers later.
    LATER = "later"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    CANCELED = "canceled"
    TIMED_OUT = "timed_out"
    LOST = "lost"
    #: No answer that can be used.
    UNREACHABLE = "unreachable"
    #: The node answered, and said no.
    REFUSED = "refused"

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self not in (AnswerState.QUEUED, AnswerState.SENDING, AnswerState.LATER)


@dataclass(frozen=True)
class NewCall:
    """What somebody wants to send."""

    kind: CallKind
    nodes: tuple[str, ...]
    #: Of a task.
    type: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    wait: float = 5
    #: Of a request.
    method: str = "GET"
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    #: The same key by the same person is the same call.
    key: str = ""

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return self.type if self.kind is CallKind.TASK else f"{self.method} {self.path}"


@dataclass(frozen=True)
class Call:
    """A call as it was sent: the content of call.json."""

    id: str
    what: NewCall
    actor: Actor
    sent_at: str

    def to_json(self) -> dict[str, Any]:
        """The content of its file."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Call:
        """The call that `to_json` described. Raises KeyError, TypeError or ValueError for anything else."""
        what = {**value["what"], "kind": CallKind(value["what"]["kind"]), "nodes": tuple(value["what"]["nodes"])}
        return cls(value["id"], NewCall(**what), Actor(**value["actor"]), value["sent_at"])


@dataclass(frozen=True)
class NodeAnswer:
    """What one node answered: the content of <node>.json."""

    node: str
    state: AnswerState = AnswerState.QUEUED
    #: The node's own id of the task.
    task_id: str = ""
    http_status: int | None = None
    seconds: float | None = None
    #: JSON, or text where it was none.
    result: Any = None
    #: What went wrong and what to do, or what to expect.
    why: str = ""
    sent_at: str | None = None
    ended_at: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The content of its file."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> NodeAnswer:
        """The answer that `to_json` described. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(**{**value, "state": AnswerState(value["state"])})
