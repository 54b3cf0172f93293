"""Somebody who is told, a real SMTP server and a real HTTP receiver to tell them by."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from selfservice.accounts.accounts import Accounts
from selfservice.audit.actions import Actor
from selfservice.audit.journal import Journal
from selfservice.notifications.events import Event, EventKind
from selfservice.notifications.models import Delivery, Target
from selfservice.notifications.notices import Notices
from selfservice.notifications.outbox import Outbox, SightOf
from selfservice.notifications.sealing import sealing
from selfservice.notifications.targets import Owner, Rules, Targets
from selfservice.scope import EVERYTHING
from selfservice.settings import Settings
from selfservice.store.database import Database
from tests.ports import free_port

ALICE = Actor("alice", "session", "192.0.2.7")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A node whose administrator lets notifications go to this machine."""
    return replace(settings, notify_private=True, public_url="https://self.example.org/")


@dataclass
class Receiver:
    """A webhook: what it was sent, and what it answers."""

    url: str = ""
    status: int = 200
    got: list[dict[str, Any]] = field(default_factory=list)
    location: str = ""

    @property
    def texts(self) -> list[str]:
        return [each["message"] for each in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if made.status == 200:
                made.got.append(json.loads(body))
            self.send_response(made.status)
            if made.location:
                self.send_header("Location", made.location)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"json://127.0.0.1:{server.server_port}/hook"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@dataclass
class Mailbox:
    """An SMTP server: what it took."""

    url: str = ""
    mails: list[Message] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802  # aiosmtpd calls it so
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        self.mails.append(message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    made, port = Mailbox(), free_port()
    server = Controller(made, hostname="127.0.0.1", port=port)
    server.start()
    made.url = f"mailto://127.0.0.1:{port}?from=self@example.org&to=alice@example.org&mode=insecure"
    yield made
    server.stop()


@dataclass
class Telling:
    """Everything that notifications need."""

    settings: Settings
    failing: list[str] = field(default_factory=list)
    sight_of: SightOf = lambda _person: EVERYTHING

    def __post_init__(self) -> None:
        self.database = Database(self.settings)
        self.journal = Journal(self.settings.audit, "master")
        self.accounts = Accounts(self.database, self.journal)
        self.notices = Notices(self.database)
        self.targets = Targets(self.settings, self.database, self.journal)

    @property
    def outbox(self) -> Outbox:
        """A fresh one, as after a restart."""
        return Outbox(self.settings, self.database, self.accounts, self.sight_of, self.failed)

    def failed(self, target: Target) -> None:
        self.failing.append(target.title)

    def target(self, url: str, *events: EventKind, person: str = "alice", **rules: Any) -> int:
        """A target as `Targets.add` makes it, without the second it takes to look at the address."""
        chosen = [each.value for each in events or EventKind]
        sealed = sealing(self.settings).seal(url)
        made = Target(title="Hook", person=person, kind="JSON", sealed=sealed, events=chosen, **rules)
        with self.database.session() as session:
            session.add(made)
        return made.id

    def add(self, url: str) -> int:
        """A target of alice, as she adds it."""
        return self.targets.add(url, Rules(title="Hook", events=["run:failed"]), ALICE, Owner("alice"))

    def tell(self, text: str, kind: EventKind = EventKind.NODE_DOWN, **named: Any) -> None:
        self.notices.tell(Event(kind, text, once=named.pop("once", text), **named))

    def deliveries(self, person: str = "alice") -> list[Delivery]:
        return [delivery for delivery, _ in reversed(self.targets.deliveries(Owner(person)))]

    def get(self, target_id: int) -> Target:
        return self.targets.get(target_id, Owner("alice"))


@pytest.fixture
def telling(settings: Settings) -> Telling:
    made = Telling(settings)
    for name, role in (("alice", "technical-agent"), ("bob", "technical-agent"), ("sally", "sales-agent")):
        made.accounts.create_person(name, "correct horse battery", Actor("root", "terminal", "local"), role=role)
    return made
