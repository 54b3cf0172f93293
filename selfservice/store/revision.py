"""Which tables the database has: asked at each start, without what it takes to change them."""

from __future__ import annotations

from sqlalchemy import NullPool, text
from sqlalchemy.exc import DBAPIError

from selfservice.settings import Settings
from selfservice.store.database import database_url, open_engine
from selfservice.store.steps import newest_step


def is_newest(settings: Settings) -> bool:
    """Whether no step of `migrate` is left to take; False also where the database does not answer."""
    engine = open_engine(database_url(settings), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            return bool(connection.scalar(text("SELECT version_num FROM alembic_version")) == newest_step())
    except DBAPIError:  # no such table yet, or no answer: whoever migrates says more
        return False
    finally:
        engine.dispose()
