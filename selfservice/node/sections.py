"""A help page whose commands stand in sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click


class Sections(click.Group):
    """A group that lists its commands below headings; what no section names is not listed."""

    def __init__(self, *arguments: Any, sections: Mapping[str, Sequence[str]], **named: Any) -> None:
        """List the commands named in `sections` below each heading."""
        super().__init__(*arguments, **named)
        self.sections = sections

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write every section, all as wide as one another."""
        longest = max(len(name) for names in self.sections.values() for name in names)
        for heading, names in self.sections.items():
            rows = [(name.ljust(longest), self._short_help(name, formatter.width - longest - 6)) for name in names]
            with formatter.section(heading):
                formatter.write_dl(rows)

    def _short_help(self, name: str, width: int) -> str:
        return self.commands[name].get_short_help_str(width)
