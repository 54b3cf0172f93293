"""The nodes of this master: registered, known by their tokens, let go."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.errors import ApplicationError, BadInput, Forbidden, NotFound
from selfservice.nodes import tokens
from selfservice.nodes.address import node_address, node_name
from selfservice.nodes.models import Node
from selfservice.nodes.own_token import own_token
from selfservice.settings import Settings
from selfservice.store.database import Database
from selfservice.store.keys import kept_key

#: So long is the old token of a node good after a new one was made.
GRACE = timedelta(hours=24)


class NodeNotFound(NotFound):
    """There is no such node."""

    title = "No such node"


class NodeRevoked(ApplicationError):
    """The node was shut out."""

    status = 409
    problem_type = "node-revoked"
    title = "The node is shut out"


class Nodes:
    """The nodes of one master; any number of processes may use them."""

    def __init__(self, database: Database, journal: Journal, settings: Settings) -> None:
        """Keep nodes in `database`; tokens to call them come from a key in instance/."""
        self._database = database
        self._journal = journal
        self._settings = settings

    def add(self, name: str, address: str, actor: Actor) -> tuple[Node, str]:
        """A new node and its token: show it once, only its hash is kept. Raises BadInput, JournalError."""
        token = tokens.new_token()
        node = Node(
            name=node_name(name), address=node_address(address), token_hash=tokens.hash_of(token), created_by=actor.name
        )
        with self._database.session() as session:
            session.add(node)
            try:
                session.flush()
            except IntegrityError as error:
                raise BadInput(f"There is a node called {node.name} already.", "name") from error
            self._record(Kind.NODE_ADD, actor, node, address=node.address)
        return node, token

    def ensure_own(self) -> Node:
        """This master as a node to itself, as its settings are now."""
        address = f"http://127.0.0.1:{self._settings.worker_port}"
        hashed = tokens.hash_of(own_token(self._settings))
        with self._database.session() as session:
            node = session.scalar(select(Node).where(Node.own))
            if node is None:
                node = Node(name=_own_name(self._settings), own=True, created_by="selfservice")
                session.add(node)
            node.address, node.token_hash = address, hashed
        return node

    def own(self) -> Node:
        """This master as a node to itself. Raises NodeNotFound before its first start has ended."""
        with self._database.session() as session:
            node = session.scalar(select(Node).where(Node.own))
        if node is None:
            raise NodeNotFound("This master is not prepared yet: run `python run.py prepare`.")
        return node

    def all(self) -> list[Node]:
        """Every node, this one first, then by name."""
        with self._database.session() as session:
            return list(session.scalars(select(Node).order_by(Node.own.desc(), Node.name)))

    def names(self) -> list[tuple[str, bool]]:
        """The name of every node, and whether it is shut out: quick, for whoever looks each second."""
        with self._database.session() as session:
            return [(name, revoked) for name, revoked in session.execute(select(Node.name, Node.revoked))]

    def get(self, name: str) -> Node:
        """The node called `name`. Raises NodeNotFound."""
        with self._database.session() as session:
            return _get(session, name)

    def verify(self, token: str) -> Node | None:
        """The node that has this token, or None where no node has or it was shut out."""
        wanted = tokens.hash_of(token)
        is_its = or_(Node.token_hash == wanted, Node.previous_hash == wanted)
        with self._database.session() as session:
            found = session.scalars(select(Node).where(is_its, Node.revoked.is_(False))).all()
        for node in found:
            good = [node.token_hash]
            if node.previous_hash and tokens.still_good(node.previous_until):
                good.append(node.previous_hash)
            if tokens.is_one_of(token, good):
                return node
        return None

    def calling_token(self, node: Node) -> str:
        """The token by which this master calls a node. Raises NodeRevoked."""
        if node.revoked:
            raise NodeRevoked(f"The node {node.name} was shut out; make a new token for it to let it in again.")
        if node.own:
            return own_token(self._settings)
        return self._token_of(node, node.known_generation or node.generation)

    def accepted_hashes(self, node: Node) -> list[str]:
        """The hashes of the tokens that a node should accept now: the new one, and the old until it knows the new."""
        if node.own:
            return [node.token_hash]
        generations = {node.generation, node.known_generation or node.generation}
        return [tokens.hash_of(self._token_of(node, each)) for each in sorted(generations, reverse=True)]

    def note_accepts(self, node: Node, hashes: Sequence[str]) -> None:
        """The node has said which tokens it accepts: from now on it is called with the newest of them."""
        newest = tokens.hash_of(self._token_of(node, node.generation))
        if node.own or node.known_generation == node.generation or newest not in hashes:
            return
        with self._database.session() as session:
            _get(session, node.name).known_generation = node.generation

    def rotate(self, name: str, actor: Actor) -> tuple[Node, str]:
        """A new token for a node, which is let in again; the old one stays good for `GRACE`.

        Raises NodeNotFound, Forbidden, JournalError.
        """
        token = tokens.new_token()
        with self._database.session() as session:
            node = _get(session, name)
            _refuse_own(node)
            if not node.revoked:
                node.previous_hash, node.previous_until = node.token_hash, datetime.now(UTC) + GRACE
            node.token_hash = tokens.hash_of(token)
            node.generation += 1
            node.revoked = False
            self._record(Kind.NODE_ROTATE, actor, node)
        return node, token

    def revoke(self, name: str, actor: Actor) -> Node:
        """Shut a node out at once, with all its tokens. Raises NodeNotFound, Forbidden, JournalError."""
        with self._database.session() as session:
            node = _get(session, name)
            _refuse_own(node)
            node.revoked = True
            node.previous_hash = node.previous_until = None
            self._record(Kind.NODE_REVOKE, actor, node)
        return node

    def change(self, name: str, actor: Actor, *, address: str, may_ask: Sequence[str]) -> Node:
        """Change where a node is, and what it may ask. Raises NodeNotFound, BadInput, JournalError."""
        with self._database.session() as session:
            node = _get(session, name)
            if not node.own:
                node.address = node_address(address)
            node.may_ask = sorted(set(may_ask))
            self._record(Kind.NODE_CHANGE, actor, node, address=node.address, may_ask=", ".join(node.may_ask))
        return node

    def remove(self, name: str, actor: Actor) -> None:
        """Forget a node. Raises NodeNotFound, Forbidden, JournalError."""
        with self._database.session() as session:
            node = _get(session, name)
            _refuse_own(node)
            session.delete(node)
            self._record(Kind.NODE_REMOVE, actor, node)

    def _token_of(self, node: Node, generation: int) -> str:
        key = kept_key(self._settings.instance / "calling_key", lambda: secrets.token_urlsafe(48).encode())
        return tokens.calling_token(key, f"{node.name}:{node.created_at.isoformat()}", generation)

    def _record(self, kind: Kind, actor: Actor, node: Node, **detail: str) -> None:
        self._journal.append(Action(kind, actor, f"node {node.name}", detail=detail))


def _get(session: Session, name: str) -> Node:
    node = session.scalar(select(Node).where(Node.name == name))
    if node is None:
        raise NodeNotFound(f"There is no node called {name[:80]}.")
    return node


def _refuse_own(node: Node) -> None:
    if node.own:
        raise Forbidden("This is the master itself: its token is in instance/node_token, and it cannot be let go.")


def _own_name(settings: Settings) -> str:
    try:
        return node_name(settings.node_name)
    except BadInput:
        return "master"
