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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENDS = frozenset({"successful", "failed", "canceled", "timed_out", "lost"})
#: Ends of an answer to a task, beside those.
_NO_ANSWER = frozenset({"unreachable", "refused"})
#: Sentences that say that nothing was begun.
_NOT_BEGUN = ("before it started", "before it could begin", "nothing was done", "Nothing ran on")
_FIRST_PREVIOUS = "0" * 64
#: What a run needs while it goes on, and what ansible-runner leaves.
_NOT_TO_STAY = (".reserve", "job_events", "env", "fact_cache")
_MEMORY = Path("/dev/shm")


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
    #: By tag and host: "begin" and "end", as they were written down there.
    marks: dict[tuple[str, str], list[str]]
    proc: Path = Path("/proc")

    @property
    def master(self) -> Path:
        """The home of the master."""
        return self.homes["master"]


def check(folder: Path, proc: Path = Path("/proc")) -> list[Violation]:
    """Everything that is wrong; empty where nothing is."""
    site = load(folder, proc)
    checks = (runs, audit_chains, audit_lines, records, calls, tasks, leftovers, orphans, secrets)
    return [each for check_one in checks for each in check_one(site)]


def load(folder: Path, proc: Path = Path("/proc")) -> Site:
    """Read what the driver left."""
    described = json.loads((folder / "site.json").read_text())
    canaries = json.loads((folder / "canaries.json").read_text())
    homes = {name: Path(path) for name, path in described["homes"].items()}
    return Site(folder, homes, _asked(folder / "ledger.jsonl"), canaries, _marks(folder / "marks"), proc)


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
    for asked in site.asked:
        if asked.kind not in {"call", "alert"}:
            yield from _launch(site, asked, folders.pop(asked.tag, []))
    for tag, found in folders.items():
        yield Violation("run of nobody", f"{', '.join(path.name for path in found)}: nobody asked for {tag!r}")


def _launch(site: Site, asked: Asked, found: list[Path]) -> Iterator[Violation]:
    """One launch against the folders that there are for it."""
    if len(asked.ids) > 1:
        yield Violation("launched twice", f"{asked.tag} was answered with {', '.join(asked.ids)}")
    if len(found) > 1:
        yield Violation("launched twice", f"{asked.tag} has {', '.join(path.name for path in found)}")
    for run_id in asked.ids:
        if run_id not in {path.name for path in found}:
            yield Violation("run lost", f"{asked.tag} was accepted as {run_id}, which has no folder")
    if found and not asked.ids and not asked.in_doubt:
        yield Violation("refused but queued", f"{asked.tag} was refused each time, and is {found[0].name}")
    for path in found:
        yield from _run(site, asked, path)
    for host in asked.work["hosts"]:
        if not found and site.marks.get((asked.tag, host)):
            yield Violation("ran without a folder", f"{asked.tag} left its mark on {host}")


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


def _run(site: Site, asked: Asked, path: Path) -> Iterator[Violation]:
    """One run's folder against what its hosts say."""
    state = _json(path / "state.json")
    name = f"{asked.tag} ({path.name})"
    if state is None or _json(path / "run.json") is None:
        yield Violation("run unreadable", f"{name} has no readable run.json or state.json")
        return
    if state.get("state") not in ENDS:
        yield Violation("run without an end", f"{name} is still {state.get('state')}")
        return
    marks = {host: site.marks.get((asked.tag, host), []) for host in asked.work["hosts"]}
    twice = [host for host, lines in marks.items() if lines.count("begin") > 1]
    if twice:
        yield Violation("ran twice", f"{name} on {', '.join(twice)}")
    for sentence in _untruths(asked, state, marks):
        yield Violation("untruthful end", f"{name} {sentence}")
    if state["state"] == "successful":
        for sentence in _disagreements(path, state, list(marks)):
            yield Violation("files disagree", f"{name} is successful, but {sentence}")


def _untruths(asked: Asked, state: dict[str, Any], marks: dict[str, list[str]]) -> Iterator[str]:
    """What `state.json` says and cannot be so."""
    word, why, rc = state["state"], state.get("why") or "", state.get("rc")
    begun = [host for host, lines in marks.items() if "begin" in lines]
    ended = [host for host, lines in marks.items() if lines.count("end") == 1]
    all_went_well = len(ended) == len(marks) and not asked.work["exit_code"]
    of_the_disk = "disk" in why or "files could not be written" in why
    rules = {
        "has no time of its end": not state.get("ended_at"),
        f"is {word} and does not say why": word != "successful" and not why,
        f"says “{why}”, but {', '.join(begun)} began": bool(begun) and any(each in why for each in _NOT_BEGUN),
        "is canceled, and nobody asked for that": word == "canceled" and not asked.cancel_tried,
        "timed out, with an hour to run": word == "timed_out",
        f"is lost, but knows the end of Ansible: {rc}": word == "lost" and rc is not None,
        f"failed with “{why}”, but all went well": word == "failed" and rc == 0 and all_went_well and not of_the_disk,
        f"is successful, but only {', '.join(ended) or 'nobody'} ended it once": word == "successful"
        and len(ended) < len(marks),
        "is successful, but was to fail": word == "successful" and bool(asked.work["exit_code"]),
    }
    return (sentence for sentence, broken in rules.items() if broken)


def _disagreements(path: Path, state: dict[str, Any], hosts: list[str]) -> Iterator[str]:
    """Files of a successful run that do not say so."""
    if state.get("rc") != 0 or _text(path / "rc") != "0" or _text(path / "status") != "successful":
        yield "rc and status of ansible-runner say otherwise"
    fared = {each["name"]: each for each in (_json(path / "summary.json") or {}).get("hosts", [])}
    bad = [host for host in hosts if host not in fared or fared[host]["failed"] or fared[host]["unreachable"]]
    if bad:
        yield f"summary.json says otherwise of {', '.join(bad)}"
    lines = (path / "events.jsonl").read_bytes().splitlines() if (path / "events.jsonl").exists() else []
    events = [_loads(line) for line in lines]
    if None in events:
        yield "a line of events.jsonl is torn"
        return
    counters = [event["counter"] for event in events]
    if sorted(set(counters)) != counters:
        yield "its events are doubled or out of order"
    if not events or events[-1]["event"] != "playbook_on_stats":
        yield "its events do not end with the recap"


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
    told = {(each["kind"], each["run_id"] or each["detail"].get("call", "")) for each in lines["master"]}
    told |= {(each["kind"], each["target"]) for each in lines["master"] if each["kind"] == "alert:send"}
    for wanted, what in _wanted_lines(site):
        if wanted not in told:
            yield Violation("audit line missing", f"{what}: {' '.join(wanted)}")
    for node, home in site.homes.items():
        started = {each["detail"].get("task") for each in lines[node] if each["kind"] == "task:start"}
        for task in _tasks(home):
            if task["id"] not in started:
                yield Violation("audit line missing", f"the task {task['id']} on {node} was never started")


def _wanted_lines(site: Site) -> Iterator[tuple[tuple[str, str], str]]:
    """Kind and run, call or target of every line that must be there, and why."""
    kinds = {"call": "call:send", "alert": "alert:send"}
    for asked in site.asked:
        for accepted in asked.ids:
            about = asked.tag if asked.kind == "alert" else accepted
            yield (kinds.get(asked.kind, "run:launch"), about), f"{asked.tag} was accepted"
            if asked.canceled:
                yield ("run:cancel", about), f"the cancellation of {asked.tag} was accepted"
            if asked.kept:
                yield ("run:keep", about), f"that {asked.tag} is kept was accepted"
    for tag, found in _folders_by_tag(site).items():
        for path in found:
            yield ("run:launch", path.name), f"the run of {tag} is there"


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
    runs_there = [path for found in _folders_by_tag(site).values() for path in found]
    instance = site.master / "instance"
    found = [path for name in ("private", "handover") for path in (instance / name).glob("*")]
    found += [path for run in runs_there for name in _NOT_TO_STAY for path in run.glob(name)]
    found += (site.folder / "tmp").glob("selfservice-*")
    found += [path for run in runs_there for path in _MEMORY.glob(f"selfservice-{os.getuid()}-{run.name}")]
    return (Violation("leftover", str(path)) for path in sorted(found))


def orphans(site: Site) -> Iterator[Violation]:
    """No process is left that knows of these folders; shared SSH connections end by themselves."""
    mark = str(site.folder).encode()
    for path in site.proc.iterdir():
        if not path.name.isdigit() or int(path.name) == os.getpid():
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
