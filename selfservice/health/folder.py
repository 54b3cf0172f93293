"""Where the health of each node is kept: one folder a node, small files in it."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from selfservice.errors import ApplicationError, BadInput
from selfservice.nodes.address import is_node_name
from selfservice.store import files

log = logging.getLogger(__name__)

Value = TypeVar("Value")


def node_folder(folder: Path, node: str) -> Path:
    """The folder of `node` below `folder`. Raises BadInput for what can be no node's name."""
    if not is_node_name(node):
        raise BadInput("No node can have this name.", "node")
    return folder / node


def node_names(folder: Path) -> list[str]:
    """The nodes that have a folder, by name."""
    try:
        return sorted(entry.name for entry in os.scandir(folder) if is_node_name(entry.name))
    except FileNotFoundError:
        return []


class JsonOfNodes(Generic[Value]):
    """One JSON file of each node, read again only when it was written again."""

    def __init__(self, folder: Path, name: str, read: Callable[[str, Any], Value]) -> None:
        """Look at `<folder>/<node>/<name>`; `read` makes a value of a node's name and JSON."""
        self._folder = folder
        self._name = name
        self._read = read
        self._lock = threading.Lock()
        self._known: dict[str, tuple[tuple[int, int], Value]] = {}

    def all(self) -> dict[str, Value]:
        """The value of every node that has one, by name."""
        with self._lock:
            names = node_names(self._folder)
            found = {name: value for name in names if (value := self._look(name)) is not None}
            for gone in self._known.keys() - found.keys():
                del self._known[gone]
            return found

    def get(self, node: str) -> Value | None:
        """The value of one node. Raises BadInput for what can be no node's name."""
        node_folder(self._folder, node)
        with self._lock:
            return self._look(node)

    def write(self, node: str, value: Any) -> None:
        """Replace the file whole or not at all. Raises BadInput, OSError."""
        path = node_folder(self._folder, node) / self._name
        # On one line: with indentation, json writes several times slower.
        content = json.dumps(value, ensure_ascii=False).encode() + b"\n"
        try:
            files.write_bytes(path, content, durable=False)
        except FileNotFoundError:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.write_bytes(path, content, durable=False)

    def _look(self, node: str) -> Value | None:
        path = self._folder / node / self._name
        try:
            stat = path.stat()
            # Each writing makes a new file, so two within one tick of the clock still differ.
            mark = (stat.st_mtime_ns, stat.st_ino)
            known = self._known.get(node)
            if known is None or known[0] != mark:
                known = self._known[node] = (mark, self._read(node, files.read_json(path)))
            return known[1]
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, ApplicationError) as error:
            log.warning("%s cannot be read and is taken as missing: %s", path, error)
            return None
