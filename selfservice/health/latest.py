"""The latest heartbeat of each node, for every process that asks."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from selfservice.health.folder import JsonOfNodes, node_folder
from selfservice.health.heartbeat import Heartbeat, parse
from selfservice.health.history import History

SCHEMA = 1


@dataclass(frozen=True)
class Heard:
    """The latest that was heard of a node, and when."""

    node: str
    heartbeat: Heartbeat
    received_at: datetime


class Latest:
    """What was heard last of every node, in the files of one folder."""

    def __init__(self, folder: Path) -> None:
        """Keep it in `<folder>/<node>/`."""
        self.folder = folder
        self._files: JsonOfNodes[Heard] = JsonOfNodes(folder, "latest.json", _read)
        self.history = History(folder)

    def accept(self, node: str, heartbeat: Heartbeat, received_at: datetime) -> None:
        """Keep a heartbeat as the latest and in the history. Raises BadInput, OSError."""
        self._files.write(
            node, {"schema": SCHEMA, "received_at": received_at.isoformat(), "heartbeat": heartbeat.as_json()}
        )
        self.history.append(node, heartbeat, received_at)

    def all(self) -> dict[str, Heard]:
        """The latest of every node that was ever heard of, by name."""
        return self._files.all()

    def get(self, node: str) -> Heard | None:
        """The latest of one node. Raises BadInput."""
        return self._files.get(node)

    def forget(self, node: str) -> None:
        """Remove all that is known of the health of a node. Raises BadInput."""
        shutil.rmtree(node_folder(self.folder, node), ignore_errors=True)


def _read(node: str, value: Any) -> Heard:
    received_at = datetime.fromisoformat(value["received_at"])
    return Heard(node, parse(value["heartbeat"], received_at), received_at)
