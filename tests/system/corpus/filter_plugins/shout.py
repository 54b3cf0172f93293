"""A filter beside the playbooks."""

from collections.abc import Callable


class FilterModule:
    """One filter."""

    def filters(self) -> dict[str, Callable[[str], str]]:
        """By name."""
        return {"shout": lambda text: text.upper()}
