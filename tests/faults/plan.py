"""What is asked and what breaks, drawn from one seed: the same seed gives the same plan."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, field
from typing import Any

HOSTS = ("web-1", "web-2", "db-1")
WORKERS = ("worker-1", "worker-2")

#: How often each kind of work comes, of 100. All but those of `NO_RUNS` are one run each.
_WORK = {"command": 42, "playbook": 22, "cancel": 12, "call": 16, "alert": 5, "keep": 3}
NO_RUNS = frozenset({"call", "alert"})

#: How often each kind of fault comes, of about 100.
_FAULTS = {
    "kill supervisor": 7,
    "kill web": 8,
    "kill executor": 8,
    "kill fork server": 7,
    "kill run": 10,
    "kill ansible": 8,
    "kill below ansible": 4,
    "kill worker supervisor": 4,
    "kill worker API": 6,
    "kill task": 3,
    "stop and continue": 12,
    "full artifacts": 6,
    "full audit": 6,
    "read-only artifacts": 4,
    "read-only audit": 4,
    "cut network": 8,
    "slow network": 4,
    "clock jump": 4,
    "torn lines": 4,
    "restart everything": 4,
}

#: Whose process is stopped for a while.
_STOPPED = ("web", "executor", "fork server", "run", "ansible", "worker API", "supervisor")
#: Seconds; less ahead than the day for which an idempotency key stands.
_JUMPS = ("-86400", "-3600", "+90", "+3600", "+36000")
_NETWORKS = (*WORKERS, "master", *HOSTS)


@dataclass(frozen=True)
class Work:
    """One thing that a client asks for."""

    number: int
    kind: str
    hosts: tuple[str, ...] = ()
    #: How long it takes where it runs.
    seconds: float = 0.0
    exit_code: int = 0
    #: Of what is to be canceled: how long after it was accepted.
    cancel_after: float = 0.0

    @property
    def tag(self) -> str:
        """Its name, which everything that it does leaves where it does it."""
        return f"work-{self.number:05d}"


@dataclass(frozen=True)
class Fault:
    """One thing that breaks."""

    number: int
    kind: str
    #: It comes when so much work was begun, and so many seconds after that.
    after_work: int
    delay: float
    #: How long it lasts, where it is not a matter of an instant.
    seconds: float
    #: Picks one of the processes, networks or files that it may hit.
    draw: float
    of: str = ""

    def __str__(self) -> str:
        """A line of the printed schedule."""
        lasting = f" for {self.seconds:.1f} s" if self.seconds else ""
        what = f"{self.kind}{f' ({self.of})' if self.of else ''}{lasting}"
        return f"{self.number:4d}  after {self.after_work:5d} + {self.delay:.2f} s  {what}"


@dataclass(frozen=True)
class Plan:
    """The whole of it."""

    seed: int
    work: tuple[Work, ...]
    faults: tuple[Fault, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """As it lies beside the ledger."""
        return asdict(self)


def make_plan(seed: int, runs: int, faults: int) -> Plan:
    """`runs` runs with the other actions that fall between them, and `faults` faults spread over them."""
    chance = random.Random(seed)
    work: list[Work] = []
    while sum(each.kind not in NO_RUNS for each in work) < runs:
        work.append(_work(chance, len(work)))
    return Plan(seed, tuple(work), tuple(_fault(chance, number, faults, len(work)) for number in range(faults)))


def _work(chance: random.Random, number: int) -> Work:
    kind = chance.choices(list(_WORK), list(_WORK.values()))[0]
    hosts = tuple(sorted(chance.sample((*HOSTS, "master"), chance.choice((1, 1, 2, 3)))))
    if kind == "call":
        nodes = tuple(sorted(chance.sample((*WORKERS, "master"), chance.choice((1, 2, 3)))))
        return Work(number, kind, nodes, seconds=round(chance.choice((0.0, 0.3, 2.0, 6.0)), 1))
    if kind == "cancel":
        return Work(number, kind, hosts, seconds=60, cancel_after=round(chance.uniform(0, 4), 2))
    seconds = round(chance.choice((0.0, 0.0, 0.5, 1.5, 4.0)), 1)
    return Work(number, kind, hosts, seconds, exit_code=chance.choice((0,) * 9 + (3,)))


def _fault(chance: random.Random, number: int, faults: int, works: int) -> Fault:
    kind = chance.choices(list(_FAULTS), list(_FAULTS.values()))[0]
    after = int((number + 0.5) * works / faults)
    delay, draw = round(chance.uniform(0, 1.5), 2), chance.random()
    seconds, of = 0.0, ""
    if kind == "stop and continue":
        seconds, of = round(chance.choice((0.5, 3.0, 7.0, 12.0)), 1), chance.choice(_STOPPED)
    elif kind in {"cut network", "slow network"}:
        seconds, of = round(chance.uniform(1, 10), 1), chance.choice(_NETWORKS)
    elif kind.startswith(("full", "read-only")):
        seconds = round(chance.uniform(1, 8), 1)
    elif kind == "clock jump":
        seconds, of = round(chance.uniform(1, 6), 1), chance.choice(_JUMPS)
    elif kind == "torn lines":
        of = chance.choice(("master", "master", *WORKERS))
    return Fault(number, kind, after, delay, seconds, draw, of)
