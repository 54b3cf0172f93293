"""What may be chosen in a field: from the spec, the inventory, a command, a file or another field."""

from __future__ import annotations

import copy
import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfservice.errors import ApplicationError, Unavailable
from selfservice.nodes.inventory import Inventory
from selfservice.operations.catalogue import Operation
from selfservice.operations.sidecar import ChoicesFrom
from selfservice.scope import Sight

_COMMAND_SECONDS = 10
_FRESH_SECONDS = 30
_MOST_CHOICES = 1000


class ChoicesUnavailable(Unavailable):
    """The choices of a field cannot be read at the moment."""

    problem_type = "choices-unavailable"
    title = "The choices cannot be read"


@dataclass(frozen=True)
class Choice:
    """One thing that may be chosen; `only_for` is the value of the other field it belongs to."""

    value: str
    only_for: str | None = None


class Choices:
    """Looks up the choices of fields; what commands say is kept for half a minute."""

    def __init__(self, playbooks: Path, inventory: Inventory) -> None:
        """Files are below `playbooks`, commands run there; hosts come from `inventory`."""
        self._playbooks = playbooks
        self._inventory = inventory
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, ...], tuple[float, tuple[str, ...]]] = {}

    def seen_by(self, sight: Sight) -> Choices:
        """The same for somebody: of the hosts and groups that they see."""
        bound = copy.copy(self)
        bound._inventory = self._inventory.seen_by(sight)
        return bound

    def of(self, operation: Operation, name: str) -> tuple[Choice, ...] | None:
        """All choices of the variable `name`; None where anything may be given. Raises ChoicesUnavailable."""
        source = operation.field(name).choices_from
        option = operation.option(name)
        if source is None:
            return tuple(Choice(str(each)) for each in option.choices) if option and option.choices else None
        if source.other_field:
            return tuple(Choice(each, parent) for parent, choices in source.map.items() for each in choices)
        return tuple(Choice(each) for each in self._listed(source)[:_MOST_CHOICES])

    def allowed(self, operation: Operation, name: str, values: dict[str, Any]) -> tuple[str, ...] | None:
        """What may be chosen for `name` beside the other `values`. Raises ChoicesUnavailable."""
        source = operation.field(name).choices_from
        if source is None:
            return None  # the spec's own choices are Ansible's to check
        if source.other_field:
            return source.map.get(_as_key(values.get(source.other_field)), ())
        return self._listed(source)

    def _listed(self, source: ChoicesFrom) -> tuple[str, ...]:
        if source.command:
            return self._of_command(source.command)
        if source.file:
            return self._of_file(source.file)
        try:
            if source.inventory == "groups":
                return tuple(group.name for group in self._inventory.groups())
            return tuple(host.name for host in self._inventory.hosts())
        except ApplicationError as error:
            raise ChoicesUnavailable(error.sentence) from error

    def _of_file(self, name: str) -> tuple[str, ...]:
        path = (self._playbooks / name).resolve()
        if not path.is_relative_to(self._playbooks.resolve()):
            raise ChoicesUnavailable(f"The choices are to come from {name}, which is not below playbooks/.")
        try:
            return _lines(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ChoicesUnavailable(f"The choices in {name} cannot be read: {error}.") from error

    def _of_command(self, command: tuple[str, ...]) -> tuple[str, ...]:
        with self._lock:
            at, choices = self._kept.get(command, (0.0, ()))
            if at and time.monotonic() - at < _FRESH_SECONDS:
                return choices
            choices = self._called(command)
            self._kept[command] = (time.monotonic(), choices)
            return choices

    def _called(self, command: tuple[str, ...]) -> tuple[str, ...]:
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        shown = " ".join(command)
        try:
            answer = subprocess.run(
                command,
                cwd=self._playbooks,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_COMMAND_SECONDS,
                check=True,
            )
            return _lines(answer.stdout.decode())
        except subprocess.TimeoutExpired as error:
            raise ChoicesUnavailable(
                f"`{shown}`, which lists the choices, took longer than {_COMMAND_SECONDS} s."
            ) from error
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace").strip()[-200:]
            raise ChoicesUnavailable(
                f"`{shown}`, which lists the choices, ended with code {error.returncode}: {said}"
            ) from error
        except (OSError, UnicodeDecodeError) as error:
            raise ChoicesUnavailable(f"`{shown}`, which lists the choices, cannot be used: {error}.") from error


def _lines(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def _as_key(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
