"""The hosts that runs can reach: an ordinary Ansible inventory, and those of repositories, read by Ansible itself."""

from __future__ import annotations

import copy
import difflib
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfservice.errors import BadInput, Unavailable
from selfservice.scope import EVERYTHING, Scope, Sight, sees
from selfservice.store.files import read_json

_SIGNATURE_SKIPS = (".pyc",)
#: Pattern parts that are plain names; what else there is (wildcards, regex, ranges) may match nothing.
_PLAIN_NAME = re.compile(r"[^*?\[\]~]+\Z")


class InventoryError(Unavailable):
    """The inventory cannot be read."""

    problem_type = "inventory-unreadable"
    title = "The inventory cannot be read"


class PatternError(BadInput):
    """A host pattern names nothing, or something that is not there."""

    problem_type = "bad-pattern"
    title = "These hosts cannot be used"

    def __init__(self, sentence: str) -> None:
        """Always the field `hosts`."""
        super().__init__(sentence, "hosts")


@dataclass(frozen=True)
class Host:
    """A machine of the inventory."""

    name: str
    address: str
    connection: str
    groups: tuple[str, ...]
    #: The repository it comes from; empty for this node's own inventory.
    repository: str = ""


@dataclass(frozen=True)
class SourcedInventory:
    """The hosts of a repository's commit, in a file that never changes; all of them are in `group`."""

    repository: str
    group: str
    commit: str
    path: Path

    def names(self) -> tuple[set[str], set[str]]:
        """The names of its hosts, and of its groups. Raises OSError or ValueError where it cannot be read."""
        value = read_json(self.path)
        return set(value["all"]["hosts"]), set(value) - {"all"}


@dataclass(frozen=True)
class Group:
    """A group of the inventory, with all hosts below it."""

    name: str
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class _Loaded:
    """What was read."""

    manager: Any
    #: The repository that each host of one comes from.
    sourced: dict[str, SourcedInventory]
    #: Sentences about repositories whose hosts cannot stand beside the others.
    left_out: tuple[str, ...]


@dataclass
class _Read:
    """What was read last, and what the files looked like then; shared by everybody's view of the inventory."""

    lock: threading.Lock
    signature: tuple[Any, ...] | None = None
    loaded: _Loaded | None = None


class Inventory:
    """The inventory in one folder, and the hosts of repositories; read again when one of them changes."""

    def __init__(self, folder: Path, sourced: Callable[[], Sequence[SourcedInventory]] = tuple) -> None:
        """Name the folder, and how the hosts of repositories are found; nothing is read yet."""
        self._folder = folder
        self._sourced = sourced
        self._kept = _Read(threading.Lock())
        self._sight: Sight = EVERYTHING

    def seen_by(self, sight: Sight) -> Inventory:
        """The same for somebody: hosts that they do not see, and groups of nothing else, are not there."""
        bound = copy.copy(self)
        bound._sight = sight
        return bound

    def hosts(self) -> list[Host]:
        """Every host, by name. Raises InventoryError."""
        loaded = self._read()
        return [
            Host(
                host.name,
                str(host.vars.get("ansible_host", host.name)),
                str(host.vars.get("ansible_connection", "ssh")),
                tuple(sorted(group.name for group in host.get_groups() if group.name != "all")),
                loaded.sourced[host.name].repository if host.name in loaded.sourced else "",
            )
            for host in sorted(loaded.manager.get_hosts("all"), key=lambda each: each.name)
            if self._sees(host.name)
        ]

    def groups(self) -> list[Group]:
        """Every group but the one of hosts in none, by name. Raises InventoryError."""
        manager = self._read().manager
        groups = [
            Group(name, tuple(sorted(host.name for host in manager.groups[name].get_hosts() if self._sees(host.name))))
            for name in sorted(manager.groups)
            if name != "ungrouped"
        ]
        return [group for group in groups if group.hosts or self._sight.everything]

    def match(self, pattern: str) -> tuple[str, ...]:
        """The hosts that an Ansible pattern means, in the inventory's order.

        Raises PatternError where it is empty, names what is not there or means no host;
        InventoryError where the inventory cannot be read.
        """
        from ansible.errors import AnsibleError
        from ansible.inventory.manager import split_host_pattern

        if not pattern.strip():
            raise PatternError("Choose at least one host or group.")
        if not pattern.isprintable():
            raise PatternError("A host pattern has no control characters.")
        manager = self._read().manager
        for part in split_host_pattern(pattern):
            self._refuse_unknown(manager, part)
        try:
            hosts = manager.get_hosts(pattern)
        except AnsibleError as error:
            raise PatternError(f"Ansible cannot read the pattern {pattern!r}: {error}") from error
        names = tuple(host.name for host in hosts if host.name in manager.hosts and self._sees(host.name))
        if not names:
            raise PatternError(f"No host matches {pattern!r}.")
        return names

    def mark(self, names: tuple[str, ...]) -> str:
        """Another one whenever a variable changes that the inventory's own files give one of these hosts.

        Raises InventoryError.
        """
        manager = self._read().manager
        shown = {}
        for name in sorted(names):
            host = manager.hosts.get(name)
            groups = [(group.name, group.vars) for group in sorted(host.get_groups(), key=str)] if host else []
            shown[name] = [host.vars if host else None, groups]
        return hashlib.sha256(json.dumps(shown, sort_keys=True, default=str).encode()).hexdigest()

    def preview(self, pattern: str) -> tuple[str, ...]:
        """The hosts that a pattern means while it is being typed: none where it cannot be used (yet)."""
        try:
            return self.match(pattern)
        except (PatternError, InventoryError):
            return ()

    def sourced(self, host_names: Iterable[str]) -> list[SourcedInventory]:
        """The inventories of repositories that these hosts come from. Raises InventoryError."""
        known = self._read().sourced
        return sorted({known[name] for name in host_names if name in known}, key=lambda each: each.repository)

    def left_out(self) -> tuple[str, ...]:
        """Why the hosts of some repositories are not here, a sentence each, for who sees all. Raises InventoryError."""
        return self._read().left_out if self._sight.everything else ()

    def refusal(self, more: SourcedInventory) -> str:
        """Why `more` cannot stand beside the others; empty where it can. Raises InventoryError."""
        manager = self._read().manager
        return _clash(more, set(manager.hosts), set(manager.groups))

    def _refuse_unknown(self, manager: Any, part: str) -> None:
        name = part.lstrip("!&")
        if not name or not _PLAIN_NAME.match(name):
            return
        known = {*manager.hosts, *manager.groups}
        if not self._sight.everything:
            known = {"all", *(host.name for host in self.hosts()), *(group.name for group in self.groups())}
        if name in known:
            return
        close = difflib.get_close_matches(name, known, n=3)
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        raise PatternError(f"No host or group is called {name!r}.{hint}")

    def version(self) -> int:
        """Differs whenever a file of the inventory changed. Raises InventoryError."""
        return hash(self._look())

    def _read(self) -> _Loaded:
        kept = self._kept
        with kept.lock:
            signature = self._look()
            if kept.loaded is None or signature != kept.signature:
                kept.loaded = self._load()
                kept.signature = signature
            return kept.loaded

    def _sees(self, host: str) -> bool:
        return sees(self._sight, Scope(hosts=(host,)))

    def _look(self) -> tuple[Any, ...]:
        """Names, times and sizes of all files: differs whenever one of them changed."""
        if not self._folder.exists():
            raise InventoryError(f"There is no inventory at {self._folder}; the README says what one looks like.")
        paths = sorted(self._folder.rglob("*")) if self._folder.is_dir() else [self._folder]
        own = tuple(
            (str(path), stat.st_mtime_ns, stat.st_size)
            for path in paths
            if path.is_file() and path.suffix not in _SIGNATURE_SKIPS
            for stat in [path.stat()]
        )
        return (*own, *self._sourced())

    def _load(self) -> _Loaded:
        own = self._managed([])
        hosts, groups = set(own.hosts), set(own.groups)
        paths: list[Path] = []
        sourced: dict[str, SourcedInventory] = {}
        left_out = []
        for each in self._sourced():
            if clash := _clash(each, hosts, groups):
                left_out.append(clash)
                continue
            more_hosts, more_groups = each.names()
            hosts |= more_hosts
            groups |= more_groups
            sourced |= dict.fromkeys(more_hosts, each)
            paths.append(each.path)
        return _Loaded(self._managed(paths) if paths else own, sourced, tuple(left_out))

    def _managed(self, more: list[Path]) -> Any:
        from ansible import constants
        from ansible.errors import AnsibleError
        from ansible.inventory.manager import InventoryManager
        from ansible.parsing.dataloader import DataLoader

        constants.INVENTORY_ANY_UNPARSED_IS_FAILED = True
        try:
            manager = InventoryManager(loader=DataLoader(), sources=[str(self._folder), *map(str, more)])
        except AnsibleError as error:
            raise InventoryError(f"Ansible cannot read the inventory at {self._folder}: {error}") from error
        return manager


def _clash(more: SourcedInventory, hosts: set[str], groups: set[str]) -> str:
    """Why the hosts of a repository cannot stand beside these: Ansible would make one of two of the same name."""
    try:
        more_hosts, more_groups = more.names()
    except (OSError, ValueError, KeyError, TypeError):
        return f"The hosts of {more.repository} cannot be read; sync it again."
    there = "is in another inventory of this node already"
    if both := sorted(more_hosts & hosts):
        return f"The hosts of {more.repository} cannot be used: {both[0]} {there}."
    if both := sorted((more_hosts & groups) | (more_groups & hosts)):
        return f"The hosts of {more.repository} cannot be used: {both[0]} would be a host and a group."
    if more.group in groups:
        return f"The hosts of {more.repository} cannot be used: a group called {more.group} {there}."
    return ""
