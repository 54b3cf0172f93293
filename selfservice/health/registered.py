"""Which nodes are watched: those registered, with the groups of the host of the same name."""

from __future__ import annotations

from selfservice.health.state import WatchedNode
from selfservice.health.watch import Nodes as ListNodes
from selfservice.nodes.inventory import Inventory, InventoryError
from selfservice.nodes.nodes import Nodes


def registered(nodes: Nodes, inventory: Inventory) -> ListNodes:
    """Lists them as they are at each call; without groups while the inventory cannot be read."""

    def look() -> list[WatchedNode]:
        try:
            groups = {host.name: host.groups for host in inventory.hosts()}
        except InventoryError:
            groups = {}
        return [WatchedNode(name, groups.get(name, ()), not revoked) for name, revoked in nodes.names()]

    return look
