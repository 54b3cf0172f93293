"""What somebody does with repositories in a terminal of the master: as that login name, audited like anything else."""

from __future__ import annotations

from selfservice.audit.journal import Journal
from selfservice.files.registry import Plan, Registry
from selfservice.node import first_start
from selfservice.settings import Settings
from selfservice.store.database import Database
from selfservice.terminal.person import actor


def list_repositories(settings: Settings) -> list[str]:
    """The registered repositories, one a line."""
    return [f"{each.name}\t{each.kind}\t{each.address or '-'}\t{each.location}" for each in _registry(settings).all()]


def add_repository(settings: Settings, plan: Plan) -> list[str]:
    """Register a repository; what works with its credentials and what is missing. Raises BadInput."""
    registry = _registry(settings)
    registry.create(plan, actor())
    return check_repository(settings, plan.name)


def check_repository(settings: Settings, name: str) -> list[str]:
    """What works with the credentials of a repository and what is missing."""
    checks = _registry(settings).check(name, actor())
    return [": ".join(("works" if each.ok else "FAILS", each.what, each.sentence)).rstrip(": ") for each in checks]


def _registry(settings: Settings) -> Registry:
    first_start.prepare(settings)
    return Registry(settings, Database(settings), Journal(settings.audit, settings.node_name))
