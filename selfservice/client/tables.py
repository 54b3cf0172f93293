"""Listings: a table that fits the terminal, columns with tabs where none is there, or one JSON document."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from selfservice.runs.terminal_text import harmless

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """A column: its title, and what it says of a row."""

    title: str
    says: Callable[[Row], Any]


def show(document: Mapping[str, Any], rows: Sequence[Row], columns: Sequence[Column], *, as_json: bool) -> None:
    """Print `document` as JSON, or `rows` in `columns`."""
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    lines = [[_cell(column.says(row)) for column in columns] for row in rows]
    titles = [column.title for column in columns]
    if sys.stdout.isatty():
        _print_table(titles, lines)
    else:
        for line in [titles, *lines]:
            click.echo("\t".join(line))


def moment(text: str | None) -> str:
    """A time of the API in this machine's zone; empty where there is none."""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S") if text else ""


def _cell(value: Any) -> str:
    """One line, and nothing that acts on a terminal: it may have come from anybody."""
    return " ".join(harmless("" if value is None else str(value), colours=False).split())


def _print_table(titles: list[str], lines: list[list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, no_wrap=True, overflow="ellipsis")
    for line in lines:
        table.add_row(*(Text(cell) for cell in line))
    Console(highlight=False).print(table)
