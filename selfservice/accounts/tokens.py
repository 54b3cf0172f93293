"""The rules of tokens: made once, kept as a hash, revoked for good."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError

from selfservice.accounts.errors import NameTaken, TokenNotFound
from selfservice.accounts.models import Person, Token
from selfservice.accounts.permissions import Scope
from selfservice.accounts.required_factors import lacks_second_factor
from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput
from selfservice.store.database import Database

LONGEST_DAYS = 3650
_START = "ss_"
_PREFIX_LENGTH = 9
_USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Terms:
    """How long a token is good, and where."""

    #: None until it is revoked.
    days: int | None = None
    #: The names of the projects it is limited to; None where it goes wherever its person does.
    projects: tuple[str, ...] | None = None


_UNLIMITED = Terms()


class Tokens:
    """The tokens of this node."""

    def __init__(self, database: Database, journal: Journal) -> None:
        """Keep tokens in `database` and record changes in `journal`."""
        self._database = database
        self._journal = journal

    def create(
        self, title: str, person: Person, scope: str, actor: Actor, terms: Terms = _UNLIMITED
    ) -> tuple[Token, str]:
        """A new token of `person` and its secret: show it once, only its hash is kept.

        Raises `BadInput` naming the field, `NameTaken`.
        """
        days = terms.days
        title = title.strip()
        if not title or len(title) > 64 or not title.isprintable() or "/" in title:
            raise BadInput("A token needs a name of 1 to 64 printable characters, and no slash.", "name")
        if scope not in set(Scope):
            raise BadInput(f"A token goes as far as {', '.join(Scope)}; not {scope[:40]!r}.", "scope")
        if days is not None and not 1 <= days <= LONGEST_DAYS:
            raise BadInput(f"A token is good for 1 to {LONGEST_DAYS} days.", "days")
        secret = _START + secrets.token_urlsafe(32)
        token = Token(
            title=title,
            scope=scope,
            prefix=secret[:_PREFIX_LENGTH],
            hash=_hash(secret),
            expires_at=datetime.now(UTC) + timedelta(days=days) if days else None,
            projects=None if terms.projects is None else list(terms.projects),
        )
        with self._database.session() as session:
            token.person = session.get_one(Person, person.id)
            session.add(token)
            try:
                session.flush()
            except IntegrityError as error:
                raise NameTaken(
                    f"{person.name} has a token called {title} already; names are not used twice.", "name"
                ) from error
            until = token.expires_at.isoformat(timespec="seconds") if token.expires_at else "revoked"
            detail = {"scope": scope, "until": until}
            if terms.projects is not None:
                detail["projects"] = ", ".join(terms.projects)
            self._record(Kind.TOKEN_CREATE, actor, token, detail)
        return token, secret

    def verify(self, secret: str) -> Token | None:
        """The token in use behind `secret`, or None."""
        wanted = _hash(secret)
        with self._database.session() as session:
            token = session.scalar(select(Token).where(Token.hash == wanted))
            if token is None or not hmac.compare_digest(token.hash, wanted) or not token.active:
                return None
            now = datetime.now(UTC)
            if token.last_used_at is None or now - token.last_used_at > _USE_NOTED_EVERY:
                token.last_used_at = now
            token.lacks_second_factor = lacks_second_factor(session, token.person)
        return token

    def by_id(self, number: int) -> Token | None:
        """The token with this number, in use or not."""
        with self._database.session() as session:
            token = session.get(Token, number)
            if token is not None:
                token.lacks_second_factor = lacks_second_factor(session, token.person)
        return token

    def find(self, name: str) -> Token | None:
        """The token called `name`, such as alice/nightly, that is not revoked."""
        with self._database.session() as session:
            return session.scalar(_called(name))

    def revoke(self, name: str, actor: Actor) -> Token:
        """Close the token called `name`, such as alice/nightly, for good. Raises `TokenNotFound`."""
        return self._revoke(_called(name), f"called {name[:130]}", actor)

    def revoke_own(self, number: int, person: Person, actor: Actor) -> Token:
        """Close a token of `person` for good. Raises `TokenNotFound`, also for one of somebody else."""
        mine = select(Token).where(Token.id == number, Token.person_id == person.id, Token.revoked.is_(False))
        return self._revoke(mine, f"of yours with the number {number}", actor)

    def all(self, person: Person | None = None) -> list[Token]:
        """Every token, or every one of `person`, the newest first."""
        statement = select(Token).order_by(Token.id.desc())
        with self._database.session() as session:
            return list(session.scalars(statement.where(Token.person_id == person.id) if person else statement))

    def _revoke(self, which: Select[Token], words: str, actor: Actor) -> Token:
        with self._database.session() as session:
            token = session.scalar(which)
            if token is None:
                raise TokenNotFound(f"There is no token {words} in use.")
            token.revoked = True
            session.flush()
            self._record(Kind.TOKEN_REVOKE, actor, token, {})
        return token

    def _record(self, kind: Kind, actor: Actor, token: Token, detail: dict[str, str]) -> None:
        self._journal.append(Action(kind=kind, actor=actor, target=f"token {token.name}", detail=detail))


def _called(name: str) -> Select[Token]:
    person, _, title = name.partition("/")
    mine = Person.name == person, Token.title == title, Token.revoked.is_(False)
    return select(Token).join(Person, Token.person_id == Person.id).where(*mine)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
