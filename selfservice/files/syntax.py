"""Whether a file is what its name says: YAML, JSON, Python and Jinja, with line and column of the mistake."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

import yaml
from jinja2 import Environment, TemplateSyntaxError

from selfservice.files.text import decoded

#: Reading more would keep other pages waiting.
MOST_CHECKED = 256 * 1024


@dataclass(frozen=True)
class Mistake:
    """Where a file cannot be read, and why; the first line and column are 1."""

    line: int
    column: int
    sentence: str

    def __str__(self) -> str:
        """As people read it."""
        return f"Line {self.line}, column {self.column}: {self.sentence}"


def check(path: str, content: bytes) -> Mistake | None:
    """The first mistake, or None where there is none or nothing is known of this kind of file."""
    checker = _CHECKERS.get(PurePosixPath(path).suffix.lower())
    found = decoded(content) if checker and len(content) <= MOST_CHECKED else None
    if checker is None or found is None:
        return None
    return checker(found.text.removeprefix("\ufeff"))


def _yaml(text: str) -> Mistake | None:
    try:
        # Composing reads everything and makes nothing: tags such as !vault need not be known.
        for _ in yaml.compose_all(text, Loader=yaml.CSafeLoader):
            continue
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = error.problem or error.context or "this is not YAML"
        return Mistake(mark.line + 1 if mark else 1, mark.column + 1 if mark else 1, f"{words}.")
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        column = len(before) - before.rfind("\n")
        return Mistake(before.count("\n") + 1, column, "there is a character that YAML does not allow.")
    return None


def _json(text: str) -> Mistake | None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return Mistake(error.lineno, error.colno, f"{error.msg}.")
    except RecursionError:
        return Mistake(1, 1, "this is nested too deeply.")
    return None


def _python(text: str) -> Mistake | None:
    try:
        ast.parse(text)
    except SyntaxError as error:
        return Mistake(error.lineno or 1, error.offset or 1, f"{error.msg}.")
    except (ValueError, RecursionError, MemoryError):
        return Mistake(1, 1, "this cannot be read as Python.")
    return None


def _jinja(text: str) -> Mistake | None:
    try:
        Environment(autoescape=True).parse(text)
    except TemplateSyntaxError as error:
        return Mistake(error.lineno, 1, f"{error.message}.")
    return None


_CHECKERS: dict[str, Callable[[str], Mistake | None]] = {
    ".yml": _yaml,
    ".yaml": _yaml,
    ".json": _json,
    ".py": _python,
    ".j2": _jinja,
}
