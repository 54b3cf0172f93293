"""A long past: runs and audit lines of years, in the files that the program itself would have left."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from selfservice.audit.actions import Action, Actor, Kind, Outcome
from selfservice.audit.journal import FIRST_PREVIOUS, chained, encoded
from selfservice.runs.events import HostRecap, Result, Results
from selfservice.runs.launch_action import launch_action
from selfservice.runs.run import Run, RunKind, RunRequest, State, Status
from selfservice.store import files

_SEED = 7
_PROCESSES = 2
#: The shape of a busy company: most of what is done, is done in a project, by few people, with few operations.
PEOPLE = [f"{name}-{number}" for number in range(30) for name in ("alice", "bob", "carol", "dave", "erin", "frank")]
HOSTS = [f"{role}-{number:03d}" for number in range(100) for role in ("web", "db", "mail", "cache", "build")]
PROJECTS = {
    f"project-{number:02d}": {"hosts": HOSTS[number * 15 : number * 15 + 15], "operations": [f"op-{number}-*"]}
    for number in range(30)
}
_OPERATIONS = ("restart-service", "deploy-release", "rotate-logs", "add-user", "check-certificates", "update-packages")
_COMMANDS = ("df -h /", "uptime", "systemctl status nginx", "free -m", "journalctl -n 50", "ls -l /var/log", "id")
_STATES = (*[State.SUCCESSFUL] * 16, *[State.FAILED] * 3, State.CANCELED)
_OTHER_KINDS = (
    *[Kind.ACCOUNT_SIGN_IN] * 8,
    *[Kind.TOKEN_USE] * 6,
    *[Kind.FILE_VIEW] * 3,
    *[Kind.RUN_CANCEL, Kind.RUN_DOWNLOAD, Kind.SCHEDULE_CHANGE, Kind.NODE_STATE, Kind.SECRET_SET, Kind.FILE_COMMIT],
)


@dataclass(frozen=True)
class Past:
    """So many runs and lines, spread over the days before `until`."""

    runs: int
    lines: int
    days: int = 730
    until: datetime = datetime(2026, 11, 20, tzinfo=UTC)

    def moment(self, place: float) -> datetime:
        """The moment at `place` (0 to 1) of it."""
        return self.until - timedelta(days=self.days) * (1 - place)


def write_runs(artifacts: Path, past: Past) -> None:
    """Write the folders of all its runs, by two processes; not made durable one by one."""
    artifacts.mkdir(exist_ok=True)
    share = -(-past.runs // _PROCESSES)
    with multiprocessing.get_context("spawn").Pool(_PROCESSES) as pool:
        parts = [(artifacts, past, begin, min(begin + share, past.runs)) for begin in range(0, past.runs, share)]
        pool.starmap(_write_part, parts)


def write_audit(audit: Path, past: Past) -> None:
    """Write the journal: the launch of each of its runs, and between them whatever else people do."""
    audit.mkdir(exist_ok=True)
    previous, day, lines = FIRST_PREVIOUS, "", []
    for action, moment in _actions(past):
        if f"{moment:%Y-%m-%d}" != day:
            _append(audit, day, lines)
            day, lines = f"{moment:%Y-%m-%d}", []
        value = chained(action, moment, "master", previous)
        previous = value["hash"]
        lines.append(encoded(value))
    _append(audit, day, lines)


def _append(audit: Path, day: str, lines: list[bytes]) -> None:
    if lines:
        (audit / f"{day}.jsonl").write_bytes(b"".join(lines))


def _actions(past: Past) -> Iterator[tuple[Action, datetime]]:
    rng = random.Random(_SEED)
    every = past.lines // past.runs if past.runs else past.lines + 1
    for number in range(past.lines):
        moment = past.moment(number / past.lines)
        if number % every == 0 and number // every < past.runs:
            yield launch_action(_run(past, number // every)), moment
        else:
            yield _other_action(rng), moment


def _other_action(rng: random.Random) -> Action:
    kind, actor = rng.choice(_OTHER_KINDS), _actor(rng)
    if kind is Kind.ACCOUNT_SIGN_IN:
        return Action(kind, actor, actor.name, rng.choice((Outcome.OK, Outcome.OK, Outcome.REFUSED)))
    if kind is Kind.FILE_VIEW:
        return Action(kind, actor, f"roles/{rng.choice(_OPERATIONS)}/tasks/main.yml", detail={"repository": "ansible"})
    project, host = rng.choice((*PROJECTS, "", "", "")), rng.choice(HOSTS)
    return Action(kind, actor, rng.choice(_OPERATIONS), hosts=(host,), project=project)


def _write_part(artifacts: Path, past: Past, begin: int, end: int) -> None:
    for number in range(begin, end):
        _write_run(artifacts, _run(past, number), random.Random(f"{_SEED} end {number}"))


def _write_run(artifacts: Path, run: Run, rng: random.Random) -> None:
    state, took = rng.choice(_STATES), timedelta(seconds=rng.expovariate(0.1) + 1)
    begun = datetime.fromisoformat(run.queued_at) + timedelta(seconds=1)
    why = f"Of {len(run.request.host_names)} hosts: failed on {run.request.host_names[0]}." * (state is State.FAILED)
    status = Status(state, begun.isoformat(), (begun + took).isoformat(), 4242, 4242, "boot", int(bool(why)), why)
    results = Results(tasks={"task": run.request.title})
    for line, host in enumerate(run.request.host_names):
        results.hosts[host] = HostRecap(host, ok=1, changed=1)
        results.results.append(Result(host, "task", "changed", run.queued_at, 0.4, line, line + 3))
    folder = artifacts / run.id
    folder.mkdir()
    output = "".join(f"{host} | CHANGED | rc=0 >>\nup 3 days, load average 0.10\n" for host in run.request.host_names)
    (folder / "stdout").write_text(output)
    for name, value in (("run", run.to_json()), ("state", status.to_json()), ("summary", results.to_json())):
        files.write_bytes(folder / f"{name}.json", files.as_json(value), durable=False)


def _run(past: Past, number: int) -> Run:
    """Run `number` of it: the same in every process, and in the audit."""
    rng = random.Random(f"{_SEED} {number}")
    moment = past.moment(number / past.runs)
    actor = _actor(rng)
    return Run(
        f"{moment:%Y%m%dT%H%M%S}-{number:06x}",
        _request(rng),
        actor,
        moment.isoformat(timespec="microseconds"),
        "master",
    )


def _request(rng: random.Random) -> RunRequest:
    command = RunRequest(RunKind.COMMAND, "", (), command=rng.choice(_COMMANDS))
    if rng.random() < 0.3:  # on whatever hosts, in no project
        names = tuple(sorted(rng.sample(HOSTS, rng.choice((1, 1, 1, 2, 5, 20)))))
        return replace(command, hosts=",".join(names), host_names=names)
    project = list(PROJECTS)[min(int(rng.paretovariate(1.0)) - 1, len(PROJECTS) - 1)]
    names = tuple(rng.sample(PROJECTS[project]["hosts"], rng.choice((1, 2, 5, 15))))
    request = replace(command, hosts=",".join(names), host_names=names, project=project)
    if rng.random() < 0.3:
        return request
    name = rng.choice(_OPERATIONS)
    operation = f"op-{project[-2:].lstrip('0') or '0'}-{name}"
    label = name.replace("-", " ").capitalize()
    return replace(request, kind=RunKind.PLAYBOOK, command="", playbook=f"{name}.yml", operation=operation, label=label)


def _actor(rng: random.Random) -> Actor:
    name = PEOPLE[min(int(rng.paretovariate(0.5)) - 1, len(PEOPLE) - 1)]
    return Actor(name, rng.choice(("session", "session", "token", "schedule")), f"192.0.2.{rng.randrange(1, 255)}")
