"""Imported by the process that all tasks fork from: loads every task type ahead."""

from __future__ import annotations

from selfservice.tasks import child

child.known_types()
