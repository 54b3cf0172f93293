"""Who may run an operation, and where."""

from __future__ import annotations

from typing import Protocol

from selfservice.accounts.permissions import Permission
from selfservice.errors import BadInput
from selfservice.nodes.inventory import Inventory
from selfservice.operations.catalogue import Operation


class Person(Protocol):
    """Whoever asks."""

    @property
    def name(self) -> str:
        """What audit calls them."""

    @property
    def is_administrator(self) -> bool:
        """Whether every permission is given."""

    @property
    def person_name(self) -> str:
        """Whose rights these are."""

    @property
    def role_name(self) -> str:
        """The role they come from."""

    def may(self, permission: Permission) -> bool:
        """Whether this person has `permission`."""


def may_run(operation: Operation, person: Person) -> bool:
    """Whether the operation is for this person."""
    if not person.may(Permission.OPERATION_LAUNCH):
        return False
    policy = operation.sidecar
    if person.is_administrator or not (policy.people or policy.roles):
        return True
    return person.person_name in policy.people or person.role_name in policy.roles


def allowed_hosts(operation: Operation, inventory: Inventory) -> tuple[str, ...]:
    """The hosts that the operation may run on, in the inventory's order. Raises InventoryError, PatternError."""
    return inventory.match(operation.sidecar.hosts_allowed or "all")


def chosen_hosts(operation: Operation, pattern: str, inventory: Inventory) -> tuple[str, ...]:
    """The hosts that `pattern` means, all of them allowed. Raises PatternError, BadInput, InventoryError."""
    names = inventory.match(pattern)
    allowed = set(allowed_hosts(operation, inventory))
    if outside := [name for name in names if name not in allowed]:
        shown = ", ".join(outside[:5]) + (f" and {len(outside) - 5} more" if len(outside) > 5 else "")
        raise BadInput(
            f"“{operation.title}” may not run on {shown}; it is for {operation.sidecar.hosts_allowed}.", "hosts"
        )
    return names
