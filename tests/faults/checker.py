"""What is left after the faults, judged by somebody who knows nothing of the program but its documented files.

Imports nothing of it. Reads `site.json` (which folders belong to which node), `ledger.jsonl` (what was asked and
answered), `marks/` (what the hosts recorded themselves), `canaries.json` (words that must stand nowhere), the folders
of the nodes, and /proc. Run it alone with `python -m tests.faults.checker FOLDER`.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ENDS = frozenset({"successful", "failed", "canceled", "timed_out", "lost"})
#: Ends of an answer to a task, beside those.
_NO_ANSWER = frozenset({"unreachable", "refused"})
#: Sentences that say that nothing was begun.
_NOT_BEGUN = ("before it started", "before it could begin", "nothing was done", "Nothing ran on")
_FIRST_PREVIOUS = "0" * 64


@dataclass(frozen=True)
class Violation:
    """One thing that must not be."""

    kind: str
    what: str


@dataclass(frozen=True)
class Asked:
    """What the ledger knows of one thing that was asked for, over all attempts."""

    tag: str
    kind: str
    work: dict[str, Any]
    #: The ids of accepted answers, each once, in their order.
    ids: tuple[str, ...] = ()
    #: Whether some attempt has no answer, so that nobody knows what came of it.
    in_doubt: bool = False
    canceled: bool = False
    cancel_tried: bool = False
    kept: bool = False


@dataclass
class Site:
    """The folder of everything, as the driver left it."""

    folder: Path
    homes: dict[str, Path]
    asked: list[Asked]
    canaries: dict[str, str]
    #: Lines by (tag, host), as (pid of the mark, "begin" or "end").
    marks: dict[tuple[str, str], list[str]]
    proc: Path = Path("/proc")
    #: Beside them: processes that the driver itself keeps.
    spared: frozenset[int] = frozenset()
    run_states: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def master(self) -> Path:
        """The home of the master."""
        return self.homes["master"]


def check(folder: Path, proc: Path = Path("/proc"), spared: frozenset[int] = frozenset()) -> list[Violation]:
    """Everything that is wrong; empty where nothing is."""
    site = load(folder, proc, spared)
    checks = (runs, audit_chains, audit_lines, records, calls, tasks, leftovers, orphans, secrets)
    return [each for check_one in checks for each in check_one(site)]


def load(folder: Path, proc: Path = Path("/proc"), spared: frozenset[int] = frozenset()) -> Site:
    """Read what the driver left."""
    described = json.loads((folder / "site.json").read_text())
    canaries = json.loads((folder / "canaries.json").read_text())
    homes = {name: Path(path) for name, path in described["homes"].items()}
    return Site(folder, homes, _asked(folder / "ledger.jsonl"), canaries, _marks(folder / "marks"), proc, spared)


def _asked(path: Path) -> list[Asked]:
    """The ledger, added up."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    by_tag: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        by_tag[line["tag"]].append(line)
    return [_added_up(tag, entries) for tag, entries in by_tag.items()]


def _added_up(tag: str, entries: list[dict[str, Any]]) -> Asked:
    first = entries[0]
    answers = {(each["step"], each["attempt"]): each for each in entries if each["when"] == "after"}
    begun = [(each["step"], each["attempt"]) for each in entries if each["when"] == "before"]

    def accepted(step: str) -> list[dict[str, Any]]:
        found = (answers.get(each) for each in begun if each[0] == step)
        return [each for each in found if each and 200 <= (each["status"] or 0) < 300]

    asks = [each for each in begun if each[0] == "ask"]
    return Asked(
        tag,
        first["kind"],
        first["work"],
        ids=tuple(dict.fromkeys(str(each["id"]) for each in accepted("ask"))),
        in_doubt=any(each not in answers or answers[each]["status"] is None for each in asks),
        canceled=bool(accepted("cancel")),
        cancel_tried=any(step == "cancel" for step, _ in begun),
        kept=bool(accepted("keep")),
    )


def _marks(folder: Path) -> dict[tuple[str, str], list[str]]:
    """What each host recorded: lines of tag, begin or end, and more."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in sorted(folder.iterdir()):
        for line in path.read_text().splitlines():
            words = line.split()
            found[words[0], path.name].append(words[1])
    return found


# Runs


def runs(site: Site) -> Iterator[Violation]:
    """Each accepted launch has one folder with one truthful end; nothing else ran, and nothing twice."""
    folders = _folders_by_tag(site)
    known = {each.tag for each in site.asked}
    for asked in site.asked:
        if asked.kind in {"call", "alert"}:
            continue
        found = folders.get(asked.tag, [])
        if len(asked.ids) > 1:
            yield Violation("launched twice", f"{asked.tag} was answered with {', '.join(asked.ids)}")
        for run_id in asked.ids:
            if run_id not in {path.name for path in found}:
                yield Violation("run lost", f"{asked.tag} was accepted as {run_id}, which has no folder")
        if len(found) > 1:
            yield Violation("launched twice", f"{asked.tag} has {', '.join(path.name for path in found)}")
        if found and not asked.ids and not asked.in_doubt:
            yield Violation("refused but queued", f"{asked.tag} was refused each time, and is {found[0].name}")
        for path in found:
            yield from _run(site, asked, path)
        if not found:
            yield from _nothing_ran(site, asked)
    for tag, found in folders.items():
        if tag not in known:
            yield Violation("run of nobody", f"{', '.join(path.name for path in found)}: nobody asked for {tag!r}")


def _folders_by_tag(site: Site) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted((site.master / "artifacts").iterdir()):
        if path.name.startswith(".") or path.name == "lost+found" or not path.is_dir():
            continue
        found[_tag_of(path)].append(path)
    return found


def _tag_of(path: Path) -> str:
    request = (_json(path / "run.json") or {}).get("request") or {}
    if request.get("command"):
        return str(request["command"].split()[1])
    return str((request.get("variables") or {}).get("tag", ""))


def _nothing_ran(site: Site, asked: Asked) -> Iterator[Violation]:
    for host in asked.work["hosts"]:
        if site.marks.get((asked.tag, host)):
            yield Violation("ran without a folder", f"{asked.tag} left its mark on {host}")


def _run(site: Site, asked: Asked, path: Path) -> Iterator[Violation]:
    """One run's folder against what its hosts say."""
    state = _json(path / "state.json")
    name = f"{asked.tag} ({path.name})"
    if state is None or _json(path / "run.json") is None:
        yield Violation("run unreadable", f"{name} has no readable run.json or state.json")
        return
    word, why = state.get("state"), state.get("why") or ""
    site.run_states[str(word)] += 1
    if word not in ENDS:
        yield Violation("run without an end", f"{name} is still {word}")
        return
    begun = {host: site.marks.get((asked.tag, host), []).count("begin") for host in asked.work["hosts"]}
    ended = {host: site.marks.get((asked.tag, host), []).count("end") for host in asked.work["hosts"]}
    twice = [host for host, count in begun.items() if count > 1]
    if twice:
        yield Violation("ran twice", f"{name} ran {max(begun.values())} times on {', '.join(twice)}")
    if not state.get("ended_at"):
        yield Violation("untruthful end", f"{name} is {word} but has no time of its end")
    if word != "successful" and not why:
        yield Violation("untruthful end", f"{name} is {word} and does not say why")
    if any(each in why for each in _NOT_BEGUN) and any(begun.values()):
        yield Violation("untruthful end", f"{name} says “{why}”, but {_hosts(begun)} began")
    if word == "canceled" and not asked.cancel_tried:
        yield Violation("untruthful end", f"{name} is canceled, and nobody asked for that")
    if word == "timed_out":
        yield Violation("untruthful end", f"{name} timed out, with an hour to run")
    if word == "successful":
        yield from _success(asked, path, name, state, ended)
    if word == "failed" and state.get("rc") == 0 and all(ended.values()) and not asked.work["exit_code"]:
        if "disk" not in why and "files could not be written" not in why:
            yield Violation("untruthful end", f"{name} failed with “{why}”, but all went well everywhere")
    if word == "lost" and (state.get("rc") is not None):
        yield Violation("untruthful end", f"{name} is lost, but knows the end of Ansible: {state['rc']}")


def _success(asked: Asked, path: Path, name: str, state: dict[str, Any], ended: dict[str, int]) -> Iterator[Violation]:
    """Successful means: it ran, everywhere, to its end, and all files say so."""
    missing = [host for host, count in ended.items() if count != 1]
    if missing:
        yield Violation("untruthful end", f"{name} is successful, but {', '.join(missing)} did not end it once")
    if asked.work["exit_code"]:
        yield Violation("untruthful end", f"{name} is successful, but was to fail")
    if state.get("rc") != 0 or _text(path / "rc") != "0" or _text(path / "status") != "successful":
        yield Violation("files disagree", f"{name} is successful; rc and status of ansible-runner say otherwise")
    summary = _json(path / "summary.json")
    fared = {each["name"]: each for each in (summary or {}).get("hosts", [])}
    bad = [host for host in ended if host not in fared or fared[host]["failed"] or fared[host]["unreachable"]]
    if bad:
        yield Violation("files disagree", f"{name} is successful; summary.json says otherwise of {', '.join(bad)}")
    lines = (path / "events.jsonl").read_bytes().splitlines() if (path / "events.jsonl").exists() else []
    counters, last = [], ""
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            yield Violation("files disagree", f"{name} is successful, but a line of events.jsonl is torn")
            return
        counters.append(event["counter"])
        last = event["event"]
    if counters != list(range(1, len(counters) + 1)) and not _in_order(counters):
        yield Violation("files disagree", f"{name}: events are missing, doubled or out of order")
    if last != "playbook_on_stats":
        yield Violation("files disagree", f"{name} is successful, but its events do not end with the recap")


def _in_order(counters: list[int]) -> bool:
    return sorted(set(counters)) == counters


def _hosts(counted: dict[str, int]) -> str:
    return ", ".join(host for host, count in counted.items() if count)


# Audit


def audit_chains(site: Site) -> Iterator[Violation]:
    """Each line of each journal carries its own hash, and that of the line before it."""
    for node, home in site.homes.items():
        previous, number = _FIRST_PREVIOUS, 0
        for path in sorted((home / "audit").glob("*.jsonl")):
            for line in path.read_bytes().splitlines(keepends=True):
                number += 1
                value = _loads(line)
                if not line.endswith(b"\n") or not isinstance(value, dict):
                    yield Violation("audit broken", f"{node}, {path.name}, line {number} in all: torn, or no JSON")
                    previous = ""
                    continue
                if previous and value.get("prev") != previous:
                    yield Violation(
                        "audit broken", f"{node}, {path.name}, line {number} in all: the chain does not hold"
                    )
                if value.get("hash") != _hash(value):
                    yield Violation("audit broken", f"{node}, {path.name}, line {number} in all: its hash is another")
                previous = str(value.get("hash"))


def _hash(value: dict[str, Any]) -> str:
    """SHA-256 over the line without its own hash: sorted keys, no spaces, UTF-8 as it is."""
    content = {key: each for key, each in value.items() if key != "hash"}
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def audit_lines(site: Site) -> Iterator[Violation]:
    """Each accepted action stands in the audit; so does each run, and each task on its node."""
    lines = {node: _audit(home) for node, home in site.homes.items()}
    of_runs = {(each["kind"], each["run_id"]) for each in lines["master"] if each["run_id"]}
    sent = {each["detail"].get("call") for each in lines["master"] if each["kind"] == "call:send"}
    alerts = [each["target"] for each in lines["master"] if each["kind"] == "alert:send"]
    for asked in site.asked:
        for accepted in asked.ids:
            if asked.kind == "call":
                missing = accepted not in sent
            elif asked.kind == "alert":
                missing = not any(asked.tag in each for each in alerts)
            else:
                missing = ("run:launch", accepted) not in of_runs
            if missing:
                yield Violation("audit line missing", f"{asked.kind} {asked.tag} was accepted as {accepted}")
            if asked.canceled and ("run:cancel", accepted) not in of_runs:
                yield Violation("audit line missing", f"the cancellation of {asked.tag} ({accepted}) was accepted")
            if asked.kept and ("run:keep", accepted) not in of_runs:
                yield Violation("audit line missing", f"that {asked.tag} ({accepted}) is kept was accepted")
    for tag, found in _folders_by_tag(site).items():
        for path in found:
            if ("run:launch", path.name) not in of_runs:
                yield Violation("audit line missing", f"the run {path.name} ({tag}) was never launched")
    for node, home in site.homes.items():
        started = {each["detail"].get("task") for each in lines[node] if each["kind"] == "task:start"}
        for task in _tasks(home):
            if task["id"] not in started:
                yield Violation("audit line missing", f"the task {task['id']} on {node} was never started")


def _audit(home: Path) -> list[dict[str, Any]]:
    paths = sorted((home / "audit").glob("*.jsonl"))
    values = (_loads(line) for path in paths for line in path.read_bytes().splitlines())
    return [value for value in values if isinstance(value, dict)]


# Records


def records(site: Site) -> Iterator[Violation]:
    """What was accepted as a record is a row; what marks a run lies in its folder."""
    path = site.master / "instance" / "selfservice.db"
    rows: set[str] = set()
    if path.exists():
        with closing(sqlite3.connect(path)) as database:
            if database.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                yield Violation("database broken", str(path))
            rows = {message for (message,) in database.execute("SELECT message FROM alerts")}
    for asked in site.asked:
        if asked.kind == "alert" and asked.ids and asked.tag not in rows:
            yield Violation("record lost", f"the alert {asked.tag} was accepted as {', '.join(asked.ids)}")
        if asked.kept and asked.ids and not (site.master / "artifacts" / asked.ids[0] / "keep.json").exists():
            yield Violation("record lost", f"that {asked.tag} ({asked.ids[0]}) is kept")


# Calls and tasks


def calls(site: Site) -> Iterator[Violation]:
    """Each accepted call has an end for each node, which agrees with what the node itself knows and recorded."""
    folder = site.master / "instance" / "calls"
    done = {node: _tasks_by_call(home) for node, home in site.homes.items()}
    for asked in site.asked:
        if asked.kind != "call":
            continue
        if len(asked.ids) > 1:
            yield Violation("called twice", f"{asked.tag} was answered with {', '.join(asked.ids)}")
        for call_id in asked.ids:
            if not (folder / call_id / "call.json").exists():
                yield Violation("call lost", f"{asked.tag} was accepted as {call_id}")
                continue
            for node in asked.work["hosts"]:
                answer = _json(folder / call_id / "answers" / f"{node}.json") or {}
                yield from _answer(site, asked, node, answer, done[node].get(call_id, []))
        if not asked.ids and not asked.in_doubt:
            for node in asked.work["hosts"]:
                if site.marks.get((asked.tag, node)):
                    yield Violation("refused but done", f"{asked.tag} left its mark on {node}")


def _answer(
    site: Site, asked: Asked, node: str, answer: dict[str, Any], done: list[dict[str, Any]]
) -> Iterator[Violation]:
    name = f"{asked.tag} on {node}"
    state = answer.get("state")
    marks = site.marks.get((asked.tag, node), [])
    if len(done) > 1 or marks.count("begin") > 1:
        yield Violation("task doubled", f"{name}: {len(done)} tasks, begun {marks.count('begin')} times")
    if state not in ENDS | _NO_ANSWER:
        yield Violation("answer without an end", f"{name} is still {state or 'missing'}")
        return
    if state != "successful" and not answer.get("why"):
        yield Violation("untruthful answer", f"{name} is {state} and does not say why")
    if state == "successful" and (answer.get("result") != asked.tag or marks.count("end") != 1):
        yield Violation("untruthful answer", f"{name} is successful with {answer.get('result')!r}, marks {marks}")
    if state == "refused" and marks:
        yield Violation("untruthful answer", f"{name} was refused, and left its mark")
    for task in done:
        if task["state"] != state:
            yield Violation("task result lost", f"{name} ended {task['state']} there; the master says {state}")
        elif task["state"] == "successful" and task["result"] != answer.get("result"):
            yield Violation("task result lost", f"{name} has another result there")


def _tasks_by_call(home: Path) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for task in _tasks(home):
        if task["request"]["callback"]:
            found[task["request"]["callback"]].append(task)
    return found


def _tasks(home: Path) -> list[dict[str, Any]]:
    values = (_json(path) for path in sorted((home / "instance" / "tasks").glob("[0-9]*.json")))
    return [value for value in values if value]


def tasks(site: Site) -> Iterator[Violation]:
    """No task goes on, and no result waits for a master that is there."""
    for node, home in site.homes.items():
        for task in _tasks(home):
            if task["state"] not in ENDS:
                yield Violation("task without an end", f"{task['id']} on {node} is still {task['state']}")
        for path in sorted((home / "instance" / "outbox").glob("*")):
            yield Violation("task result lost", f"{path.name} still waits in the outbox of {node}")


# What must be nowhere


def leftovers(site: Site) -> Iterator[Violation]:
    """Neither private folders, nor what was handed over, nor folders in memory."""
    private = site.master / "instance" / "private"
    handover = site.master / "instance" / "handover"
    for folder in (private, handover):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            yield Violation("leftover", str(path))
    names = {path.name for found in _folders_by_tag(site).values() for path in found}
    memory = Path("/dev/shm")
    for path in sorted(memory.glob(f"selfservice-{os.getuid()}-*")) if memory.is_dir() else ():
        if path.name.split("-", 2)[2] in names:
            yield Violation("leftover", str(path))
    for found in _folders_by_tag(site).values():
        for path in found:
            for name in (".reserve", "job_events", "env", "fact_cache"):
                if (path / name).exists() or (path / name).is_symlink():
                    yield Violation("leftover", str(path / name))
    for path in sorted((site.folder / "tmp").glob("*")):
        if path.name.startswith("selfservice-"):
            yield Violation("leftover", str(path))


def orphans(site: Site) -> Iterator[Violation]:
    """No process is left that knows of these folders; shared SSH connections end by themselves."""
    mark = str(site.folder).encode()
    for path in site.proc.iterdir():
        if not path.name.isdigit() or int(path.name) in site.spared or int(path.name) == os.getpid():
            continue
        try:
            title = (path / "cmdline").read_bytes().replace(b"\0", b" ").strip()
            known = mark in (path / "environ").read_bytes()
            state = (path / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:  # it has ended meanwhile
            continue
        if known and state not in "ZX" and not (title.startswith(b"ssh: ") and title.endswith(b"[mux]")):
            yield Violation("orphan process", f"{path.name}: {title.decode(errors='replace')[:200]}")


def secrets(site: Site) -> Iterator[Violation]:
    """No word that was secret stands in any file of any node."""
    words = {name: word.encode() for name, word in site.canaries.items()}
    for home in {*site.homes.values(), site.folder / "tmp", site.folder / "user"}:
        for path in sorted(home.rglob("*")) if home.is_dir() else ():
            if not path.is_file() or path.is_symlink():
                continue
            content = path.read_bytes()
            for name, word in words.items():
                if word in content:
                    yield Violation("secret in a file", f"{name} stands in {path}")


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
    except (FileNotFoundError, ValueError):
        return None


def _loads(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""


def main(folder: str) -> int:
    """Print what is wrong with `folder`; 1 where anything is."""
    found = check(Path(folder).resolve())
    for each in found:
        sys.stdout.write(f"{each.kind}: {each.what}\n")
    sys.stdout.write(f"{len(found)} violations\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
