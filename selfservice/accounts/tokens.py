"""The rules of tokens: made once, kept as a hash, revoked for good."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from selfservice.accounts.errors import NameTaken, TokenNotFound
from selfservice.accounts.models import Token
from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput
from selfservice.store.database import Database

_START = "ss_"
_PREFIX_LENGTH = 9
_USE_NOTED_EVERY = timedelta(minutes=1)


class Tokens:
    """The tokens of this node."""

    def __init__(self, database: Database, journal: Journal) -> None:
        """Keep tokens in `database` and record changes in `journal`."""
        self._database = database
        self._journal = journal

    def create(self, name: str, actor: Actor) -> tuple[Token, str]:
        """A new token and its secret: show it once, only its hash is kept."""
        name = name.strip()
        if not name or len(name) > 64 or not name.isprintable():
            raise BadInput("A token needs a name of 1 to 64 printable characters.", "name")
        secret = _START + secrets.token_urlsafe(32)
        token = Token(name=name, prefix=secret[:_PREFIX_LENGTH], hash=_hash(secret))
        with self._database.session() as session:
            session.add(token)
            try:
                session.flush()
            except IntegrityError as error:
                raise NameTaken(f"There is a token called {name} already; names are not used twice.", "name") from error
            self._record(Kind.TOKEN_CREATE, actor, name)
        return token, secret

    def verify(self, secret: str) -> Token | None:
        """The token in use behind `secret`, or None."""
        wanted = _hash(secret)
        with self._database.session() as session:
            token = session.scalar(select(Token).where(Token.hash == wanted))
            if token is None or not hmac.compare_digest(token.hash, wanted) or token.revoked:
                return None
            now = datetime.now(UTC)
            if token.last_used_at is None or now - token.last_used_at > _USE_NOTED_EVERY:
                token.last_used_at = now
        return token

    def by_id(self, number: int) -> Token | None:
        """The token with this number, in use or not."""
        with self._database.session() as session:
            return session.get(Token, number)

    def find(self, name: str) -> Token | None:
        """The token called `name` that is in use."""
        with self._database.session() as session:
            return session.scalar(select(Token).where(Token.name == name, Token.revoked.is_(False)))

    def revoke(self, name: str, actor: Actor) -> Token:
        """Close the token called `name` for good. Raises `TokenNotFound`."""
        with self._database.session() as session:
            token = session.scalar(select(Token).where(Token.name == name, Token.revoked.is_(False)))
            if token is None:
                raise TokenNotFound(f"There is no token called {name} in use.")
            token.revoked = True
            session.flush()
            self._record(Kind.TOKEN_REVOKE, actor, name)
        return token

    def all(self) -> list[Token]:
        """Every token, the newest first."""
        with self._database.session() as session:
            return list(session.scalars(select(Token).order_by(Token.id.desc())))

    def _record(self, kind: Kind, actor: Actor, name: str) -> None:
        self._journal.append(Action(kind=kind, actor=actor, target=f"token {name}"))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
