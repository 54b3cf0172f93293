"""What is shown by a mailbox: new accounts, other addresses, forgotten passwords. Answers never say who exists."""

from __future__ import annotations

import hmac
import secrets

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from selfservice.accounts import passwords
from selfservice.accounts.accounts import Accounts
from selfservice.accounts.errors import SignUpClosed, StepGone
from selfservice.accounts.mail import Mail, email_address
from selfservice.accounts.models import Person
from selfservice.accounts.steps import SECONDS, Purpose, Step, Steps
from selfservice.audit.actions import Action, Actor, Kind
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput, Unavailable
from selfservice.store.database import Database

#: Wrong codes that are borne until a new one is needed.
CODE_ATTEMPTS = 5
_CODE = "Your code is {code}. It is good for {minutes} minutes. If you did not ask for it, do nothing.\n"
_TAKEN = (
    "Somebody asked for an account with this address at {address}, which has one already. If it was you, sign in.\n"
)
_IN_USE = "Somebody wanted to use this address for an account at {address}, but it belongs to another one there.\n"
_LINK = (
    "A new password for {name} can be chosen here, once and within {minutes} minutes:\n\n{link}\n\n"
    "If you did not ask for it, do nothing: the present one stays.\n"
)


class ByMail:
    """Codes and links that are sent to mailboxes."""

    def __init__(self, database: Database, journal: Journal, accounts: Accounts, steps: Steps, mail: Mail) -> None:
        """Send them by `mail`; links lead to the address of the settings, whatever a request says it is called."""
        self._database = database
        self._journal = journal
        self._accounts = accounts
        self._steps = steps
        self._mail = mail
        self._address = mail.dashboard

    def begin_sign_up(self, email: str, address: str) -> str:
        """Send a code to whoever wants an account; gives the key of the step.

        Raises `SignUpClosed`, `BadInput`, `TooManyMails`, `Unavailable`.
        """
        email, settings = email_address(email), self._accounts.security.current()
        if not settings.sign_up:
            raise SignUpClosed
        if settings.sign_up_domains and email.rpartition("@")[2] not in settings.sign_up_domains:
            raise BadInput(f"Accounts are for addresses of {', '.join(settings.sign_up_domains)}.", "email")
        self._mail.check(email, address)
        taken = self._accounts.with_email(email) is not None
        key, code = self._begin(Purpose.SIGN_UP, email, taken=taken)
        self._mail.send(email, *self._words(_TAKEN if taken else _CODE, code))
        return key

    def sign_up(self, key: str, code: str, name: str, password: str, address: str) -> Person:
        """The new account of whoever has the code.

        Raises `StepGone`, `SignUpClosed`, and `BadInput` naming the field; only wrong codes count as attempts.
        """
        settings = self._accounts.security.current()
        if not settings.sign_up:
            raise SignUpClosed
        step = self._with_code(Purpose.SIGN_UP, key, code)
        if not password:
            raise BadInput("Choose a password.", "password")
        actor = Actor("anonymous", "session", address)
        email = str(step.data["email"])
        if self._accounts.with_email(email) is not None:
            raise StepGone
        person = self._accounts.create_person(name, password, actor, role=settings.sign_up_role, email=email)
        self._steps.take(Purpose.SIGN_UP, key)
        self._journal.append(Action(Kind.ACCOUNT_SIGN_UP, actor, person.name))
        return person

    def begin_email(self, person: Person, email: str, address: str) -> str:
        """Send a code to the address that `person` wants to have; gives the key of the step."""
        email = email_address(email)
        self._mail.check(email, address)
        owner = self._accounts.with_email(email)
        taken = owner is not None and owner.id != person.id
        key, code = self._begin(Purpose.EMAIL, email, taken=taken, person_id=person.id)
        self._mail.send(email, *self._words(_IN_USE if taken else _CODE, code))
        return key

    def change_email(self, key: str, code: str, person: Person, actor: Actor) -> str:
        """The address of `person`, who has the code. Raises `StepGone`, `BadInput`."""
        step = self._with_code(Purpose.EMAIL, key, code)
        if step.person_id != person.id:
            raise StepGone
        email = str(step.data["email"])
        with self._database.session() as session:
            try:
                session.execute(update(Person).where(Person.id == person.id).values(email=email))
            except IntegrityError as error:
                raise StepGone from error
            self._journal.append(Action(Kind.ACCOUNT_EMAIL, actor, person.name, detail={"to": email}))
        self._steps.take(Purpose.EMAIL, key)
        return email

    def begin_reset(self, typed: str, address: str) -> None:
        """Send a link to whoever is meant by a name or an address, where there is somebody.

        Raises `TooManyMails`, `Unavailable`.
        """
        if not self._address:
            raise Unavailable(
                "The address of this dashboard is not set (SELFSERVICE_PUBLIC_URL); ask an administrator."
            )
        self._mail.check(typed.strip().lower(), address)
        person = self._accounts.typed(typed)
        meant = person if person and person.active and person.email and person.password_hash else None
        if meant:
            self._steps.forget(Purpose.RESET, meant.id)
        data = {"hash": meant.password_hash if meant else ""}
        key = self._steps.begin(Purpose.RESET, data, meant.id if meant else None)
        actor, target = Actor("anonymous", "session", address), meant.name if meant else "an unknown name"
        self._journal.append(Action(Kind.ACCOUNT_RESET, actor, target))
        if meant and meant.email:
            link = f"{self._address}/reset-password?key={key}"
            minutes = SECONDS[Purpose.RESET] // 60
            self._mail.send(meant.email, "A new password", _LINK.format(name=meant.name, minutes=minutes, link=link))

    def reset_person(self, key: str) -> Person:
        """Whose password can be chosen with the key of a link. Raises `StepGone`."""
        step = self._steps.look(Purpose.RESET, key)
        person = self._accounts.by_id(step.person_id or 0)
        if person is None or not person.active or person.password_hash != step.data["hash"]:
            raise StepGone
        return person

    def reset(self, key: str, new: str, address: str) -> Person:
        """The person with the password `new`; the link opens nothing any more. Raises `StepGone`, `BadInput`."""
        person = self.reset_person(key)
        passwords.check_new(new, person.name)
        self._steps.take(Purpose.RESET, key)
        return self._accounts.set_password(person, new, Actor(person.name, "session", address))

    def _begin(self, purpose: Purpose, email: str, *, taken: bool, person_id: int | None = None) -> tuple[str, str]:
        """Key and code; where the address is taken, no code is the right one."""
        code = f"{secrets.randbelow(10**8):08}"
        data = {"email": email, "code": secrets.token_urlsafe() if taken else code}
        return self._steps.begin(purpose, data, person_id), code

    def _with_code(self, purpose: Purpose, key: str, code: str) -> Step:
        step = self._steps.look(purpose, key)
        typed = "".join(code.split()).encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(typed, str(step.data["code"]).encode()):
            self._steps.note_attempt(step, CODE_ATTEMPTS)
            raise BadInput("This is not the code that was sent.", "code")
        return step

    def _words(self, text: str, code: str) -> tuple[str, str]:
        minutes = SECONDS[Purpose.SIGN_UP] // 60
        where = self._address or "this dashboard"
        subject = "Your code for Selfservice" if text is _CODE else "Your address at Selfservice"
        return subject, text.format(code=code, minutes=minutes, address=where)
