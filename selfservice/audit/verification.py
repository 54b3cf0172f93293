"""Checking the chain of the journal from its first line to its last."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from selfservice.audit.journal import FIRST_PREVIOUS, day_files, line_hash


@dataclass(frozen=True)
class Verification:
    """What a check found: how much is good, and the first line that is not."""

    lines: int
    files: int
    bad_file: str | None = None
    bad_line: int | None = None
    why: str = ""
    torn: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the whole chain holds."""
        return self.bad_file is None


def verify(folder: Path) -> Verification:
    """Check every line: its own hash, and the hash of the line before it."""
    torn = tuple(path.name for path in sorted(folder.glob("*.torn-*")))
    previous, lines = FIRST_PREVIOUS, 0
    paths = day_files(folder)
    for path in paths:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                found, why = _check(line, previous)
                if found is None:
                    return Verification(lines, len(paths), path.name, number, why, torn)
                previous, lines = found, lines + 1
    return Verification(lines, len(paths), torn=torn)


def report(verification: Verification) -> str:
    """The outcome in sentences."""
    sentences = []
    if verification.ok:
        sentences.append(f"The chain holds: {verification.lines} actions in {verification.files} files.")
    else:
        sentences.append(
            f"The chain is broken at {verification.bad_file}, line {verification.bad_line}: {verification.why}"
            f" The {verification.lines} actions before it are as they were recorded."
        )
    if verification.torn:
        sentences.append(f"Set aside after crashes: {', '.join(verification.torn)}.")
    return "\n".join(sentences)


def _check(line: bytes, previous: str) -> tuple[str | None, str]:
    """The line's hash, or None and why it cannot be trusted."""
    if not line.endswith(b"\n"):
        return None, "the line is torn (a crash while it was written); the next action sets it aside."
    try:
        value = json.loads(line)
        told, prev = value["hash"], value["prev"]
    except (ValueError, KeyError, TypeError):
        return None, "it is not a line of this journal."
    if line_hash(value) != told:
        return None, "it was changed after it was recorded."
    if prev != previous:
        return None, "the line before it was removed, added or moved."
    return str(told), ""
