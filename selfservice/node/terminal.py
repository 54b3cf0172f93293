"""What somebody does in a terminal of the node: as that login name, audited like anything else."""

from __future__ import annotations

from selfservice.accounts.accounts import Accounts
from selfservice.audit.journal import Journal
from selfservice.node import first_start
from selfservice.settings import Settings
from selfservice.store.database import Database
from selfservice.terminal.person import actor


def create_token(settings: Settings, name: str) -> str:
    """Make a token for scripts; the secret, to be shown once. Raises BadInput, NameTaken."""
    first_start.prepare(settings)
    accounts = Accounts(Database(settings), Journal(settings.audit, settings.node_name))
    return accounts.tokens.create(name, actor())[1]
