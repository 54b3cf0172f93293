"""YAML files with the line of everything in them, so that whoever wrote one is told where it is wrong."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Place = tuple[Hashable, ...]


@dataclass(frozen=True)
class Problem:
    """What is wrong with a file, and where."""

    file: str
    line: int | None
    message: str

    def __str__(self) -> str:
        """As compilers say it."""
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


class Unreadable(Exception):
    """A file is no YAML, or cannot be read."""

    def __init__(self, problem: Problem) -> None:
        """Keep what is wrong."""
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True)
class YamlFile:
    """The value of a file, and the line (from 1) of each part of it."""

    name: str
    value: Any
    lines: dict[Place, int] = field(default_factory=dict)

    def problem(self, message: str, place: Place = ()) -> Problem:
        """A problem at `place`, or at the nearest known place around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return Problem(self.name, self.lines.get(place), message)


class _Loader(yaml.SafeLoader):
    """The safe loader; Ansible's own tags (!vault, !unsafe) stand for their plain value."""


def _plain(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return node.value


_Loader.add_multi_constructor("!", _plain)


def read(path: Path, name: str) -> YamlFile:
    """The YAML file at `path`, called `name` in problems. Raises Unreadable."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(Problem(name, None, f"cannot be read: {error}")) from error
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return YamlFile(name, None)
        lines: dict[Place, int] = {}
        _note_lines(node, (), lines)
        return YamlFile(name, loader.construct_document(node), lines)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        message = getattr(error, "problem", None) or str(error)
        raise Unreadable(Problem(name, mark.line + 1 if mark else None, message)) from error
    finally:
        loader.dispose()


def _note_lines(node: yaml.Node, place: Place, lines: dict[Place, int]) -> None:
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, key.value)
            lines[inner] = key.start_mark.line + 1
            _note_lines(value, inner, lines)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _note_lines(value, (*place, number), lines)
