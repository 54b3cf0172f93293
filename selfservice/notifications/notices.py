"""Telling: an event goes into the outbox, once; the executor's process sends it."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from selfservice.notifications.events import Event, one_line
from selfservice.notifications.models import Happening
from selfservice.store.database import Database


class Notices:
    """Takes events from wherever they arise."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`."""
        self._database = database

    def tell(self, event: Event) -> None:
        """Have `event` told to every target that asks for it; when this returns, it will be."""
        made = Happening(
            once=event.once[:200],
            kind=event.kind.value,
            text=one_line(event.text),
            link=event.link,
            people=list(event.people),
            private=event.private,
            about=asdict(event.scope),
            at=event.at,
        )
        try:
            with self._database.session() as session:
                if session.scalar(select(Happening.id).where(Happening.once == made.once)) is None:
                    session.add(made)
        except IntegrityError:  # another process was faster
            pass
