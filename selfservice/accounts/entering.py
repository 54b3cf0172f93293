"""From one way to sign in to the session: the cookie, the second factor in between, and where to go then."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import redirect, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user

from selfservice.accounts.errors import StepGone
from selfservice.accounts.models import Person
from selfservice.accounts.steps import Purpose, Step
from selfservice.web.access import current_address, current_agent
from selfservice.web.services import services

_COOKIE_KEY = "step"


def own_path(target: str | None) -> str:
    """`target` where it is a path on this node, else the first page: nobody is led elsewhere."""
    home = url_for("home.index")
    if not target or not target.startswith("/") or target.startswith("//"):
        return home
    if "\\" in target or not target.isprintable():
        return home
    parts = urlsplit(target)
    return home if parts.scheme or parts.netloc else target


def after_first_factor(person: Person, way: str, wanted: str, *, second_factor: bool = False) -> ResponseReturnValue:
    """Let `person` in, after their second factor where they have one and have shown no `second_factor` elsewhere."""
    if second_factor:
        return enter(person, way, wanted, second_factor=True)
    if not services().sign_in.second_factors.of(person).any:
        return enter(person, way, wanted)
    steps, data = services().sign_in.steps, {"way": way, "next": own_path(wanted), "hash": person.password_hash}
    remember(Purpose.SECOND_FACTOR, steps.begin(Purpose.SECOND_FACTOR, data, person.id))
    return redirect(url_for("accounts.second_factor"), 303)


def awaited_person() -> tuple[Person, Step]:
    """Whoever has shown the first factor in this browser and has to show the second. Raises `StepGone`."""
    step = services().sign_in.steps.look(Purpose.SECOND_FACTOR, remembered(Purpose.SECOND_FACTOR))
    person = services().accounts.by_id(step.person_id or 0)
    # A password that was changed in between does not count any more.
    if person is None or not person.active or person.password_hash != step.data["hash"]:
        raise StepGone
    return person, step


def after_second_factor(factor: str) -> ResponseReturnValue:
    """Let whoever is awaited in, who has shown `factor`. Raises `StepGone`."""
    person, _ = awaited_person()
    step = services().sign_in.steps.take(Purpose.SECOND_FACTOR, remembered(Purpose.SECOND_FACTOR))
    return enter(person, f"{step.data['way']} and {factor}", step.data["next"], second_factor=True)


def enter(person: Person, way: str, wanted: str, *, second_factor: bool = False) -> ResponseReturnValue:
    """Sign in `person`, who has shown by `way` who they are, and go where they wanted to be."""
    accounts, agent = services().accounts, current_agent()
    if current_user.is_authenticated:
        accounts.sessions.forget(current_user.get_id())
    start_session(accounts.enter(person, way, current_address(), agent, second_factor=second_factor))
    return redirect(own_path(wanted))


def start_session(person: Person) -> None:
    """A fresh cookie for the session of `person`: nothing of the one before stays."""
    session.clear()
    session.permanent = True
    login_user(person)


def remember(purpose: Purpose, key: str) -> None:
    """Let this browser, and no other, finish what was begun."""
    session[f"{_COOKIE_KEY}:{purpose}"] = key


def remembered(purpose: Purpose) -> str:
    """The key of what was begun in this browser. Raises `StepGone`."""
    key = session.get(f"{_COOKIE_KEY}:{purpose}")
    if not isinstance(key, str):
        raise StepGone
    return key
