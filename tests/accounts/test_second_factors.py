"""Codes of an authenticator app, and what happens without it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import cast

import pyotp
import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from selfservice.accounts.accounts import Accounts
from selfservice.accounts.builtin_roles import ADMINISTRATOR, TECHNICAL_AGENT
from selfservice.accounts.errors import PasskeyRefused, StepGone, TooManyAttempts
from selfservice.accounts.models import Person
from selfservice.accounts.permissions import Permission
from selfservice.accounts.roles import Author
from selfservice.accounts.second_factors import RECOVERY_CODES, SecondFactors
from selfservice.accounts.sign_in import SignIn, sign_in_of
from selfservice.accounts.sign_in_models import OutsideIdentity, ProviderRecord
from selfservice.accounts.steps import SECONDS, Purpose, Steps
from selfservice.audit.actions import Actor, Kind, Outcome
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput, Forbidden
from selfservice.settings import Settings
from selfservice.store.database import Database
from tests.accounts.conftest import ALICE_PASSWORD, TERMINAL, Remembered
from tests.conftest import ADMIN_PASSWORD
from tests.records import database_url, everything_in  # noqa: F401

SESSION = Actor("alice", "session", "192.0.2.1")
SignInPage = Callable[..., FlaskClient]
CsrfOf = Callable[..., str]


@pytest.fixture
def sign_in_parts(settings: Settings, database: Database, journal: Remembered, accounts: Accounts) -> SignIn:
    return sign_in_of(settings, database, cast(Journal, journal), accounts)


@pytest.fixture
def factors(sign_in_parts: SignIn) -> SecondFactors:
    return sign_in_parts.second_factors


@pytest.fixture
def steps(sign_in_parts: SignIn) -> Steps:
    return sign_in_parts.steps


def _at(seconds: float) -> float:
    return time.time() + seconds


def _later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + seconds)


def _added(factors: SecondFactors, person: Person) -> tuple[pyotp.TOTP, list[str]]:
    key = factors.invite(person)
    app = pyotp.TOTP(factors.invitation(key, person).secret)
    return app, factors.add(key, app.now(), person, SESSION)


def test_an_app_counts_once_it_has_shown_a_code(factors: SecondFactors, alice: Person, journal: Remembered) -> None:
    key = factors.invite(alice)
    with pytest.raises(BadInput, match="not the code"):
        factors.add(key, "000000", alice, SESSION)
    assert not factors.of(alice).any
    app = pyotp.TOTP(factors.invitation(key, alice).secret)
    assert len(set(factors.add(key, app.now(), alice, SESSION))) == RECOVERY_CODES
    assert factors.of(alice).app
    assert journal.actions[-1].kind is Kind.SECOND_FACTOR_ADD
    with pytest.raises(StepGone):
        factors.invitation(key, alice)


def test_the_qr_code_is_a_picture_for_the_app(factors: SecondFactors, alice: Person) -> None:
    picture = factors.invitation(factors.invite(alice), alice).picture
    assert picture.startswith("data:image/svg+xml")


def test_nobody_sees_the_secret_of_somebody_else(factors: SecondFactors, accounts: Accounts, alice: Person) -> None:
    bob = accounts.create_person("bob", ALICE_PASSWORD, TERMINAL)
    with pytest.raises(StepGone):
        factors.invitation(factors.invite(alice), bob)


def test_secrets_and_codes_are_not_in_the_database(factors: SecondFactors, alice: Person, database: Database) -> None:
    app, codes = _added(factors, alice)
    kept = everything_in(database)
    assert app.secret not in kept
    assert not any(code in kept for code in codes)


def test_each_code_is_taken_once(factors: SecondFactors, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    app, _ = _added(factors, alice)
    used = app.now()
    with pytest.raises(BadInput, match="used already"):
        factors.check(alice, used, "192.0.2.1")
    _later(monkeypatch, 30)
    assert factors.check(alice, f" {app.now()[:3]} {app.now()[3:]} ", "192.0.2.1") == "authenticator app"
    with pytest.raises(BadInput):
        factors.check(alice, app.now(), "192.0.2.1")


@pytest.mark.parametrize("off", [-120, 120])
def test_codes_of_another_time_are_refused(
    factors: SecondFactors, alice: Person, monkeypatch: pytest.MonkeyPatch, off: int
) -> None:
    app, _ = _added(factors, alice)
    _later(monkeypatch, 600)
    with pytest.raises(BadInput):
        factors.check(alice, app.at(int(_at(off))), "192.0.2.1")


@pytest.mark.parametrize("code", ["", "١٢٣٤٥٦", "12345", "1" * 10_000, "\ud800", "-", "abcdef"])
def test_what_is_no_code_is_refused(factors: SecondFactors, alice: Person, code: str) -> None:
    _added(factors, alice)
    with pytest.raises(BadInput):
        factors.check(alice, code, "192.0.2.1")


def test_a_recovery_code_signs_in_once(factors: SecondFactors, alice: Person) -> None:
    _, codes = _added(factors, alice)
    assert factors.check(alice, codes[3].upper().replace("-", ""), "192.0.2.1") == "recovery code"
    assert factors.of(alice).recovery_codes == RECOVERY_CODES - 1
    with pytest.raises(BadInput):
        factors.check(alice, codes[3], "192.0.2.1")


def test_guessing_codes_has_to_wait_and_is_recorded(
    factors: SecondFactors, alice: Person, accounts: Accounts, journal: Remembered
) -> None:
    app, _ = _added(factors, alice)
    for guess in range(5):
        with pytest.raises(BadInput):
            factors.check(alice, f"{guess:06}", f"192.0.2.{guess}")
    assert journal.actions[-1].outcome is Outcome.REFUSED
    with pytest.raises(TooManyAttempts):
        factors.check(alice, app.now(), "192.0.2.99")
    assert accounts.check_password("alice", ALICE_PASSWORD, "192.0.2.1"), "the password is another thing"


def test_without_the_last_factor_recovery_codes_are_of_no_use(factors: SecondFactors, alice: Person) -> None:
    _, codes = _added(factors, alice)
    factors.remove(alice, SESSION)
    assert factors.of(alice).recovery_codes == 0
    with pytest.raises(BadInput):
        factors.check(alice, codes[0], "192.0.2.1")


def test_an_administrator_resets_what_somebody_has_lost(
    factors: SecondFactors, accounts: Accounts, alice: Person, journal: Remembered
) -> None:
    _added(factors, alice)
    session = accounts.sessions.begin(alice, "password", "192.0.2.1", "", second_factor=True)
    accounts.people.reset_second_factor("alice", Author(TERMINAL, frozenset(Permission)))
    assert not factors.of(alice).any
    assert accounts.sessions.person_of(session) is None
    assert journal.actions[-1].kind is Kind.SECOND_FACTOR_RESET


def test_nobody_resets_the_factor_of_somebody_who_may_more(accounts: Accounts, alice: Person) -> None:
    accounts.create_person("root", ALICE_PASSWORD, TERMINAL, role=ADMINISTRATOR)
    with pytest.raises(Forbidden):
        accounts.people.reset_second_factor("root", Author(TERMINAL, alice.permissions))


@pytest.mark.parametrize("credential", [{}, {"id": "x"}, {"id": ["x"]}, {"id": "AAAA", "response": {}}])
def test_a_passkey_of_nobody_is_refused(sign_in_parts: SignIn, credential: dict[str, object]) -> None:
    key, _ = sign_in_parts.passkeys.begin_to_use(None)
    with pytest.raises(PasskeyRefused):
        sign_in_parts.passkeys.use(key, credential)
    with pytest.raises(StepGone):
        sign_in_parts.passkeys.use(key, credential)


@pytest.mark.parametrize("credential", [{}, {"id": "AAAA", "rawId": "AAAA", "response": {}, "type": "public-key"}])
def test_what_is_no_passkey_is_not_kept(sign_in_parts: SignIn, alice: Person, credential: dict[str, object]) -> None:
    key, _ = sign_in_parts.passkeys.begin_to_add(alice)
    with pytest.raises(PasskeyRefused):
        sign_in_parts.passkeys.add(key, "my phone", credential, alice, SESSION)
    assert sign_in_parts.passkeys.of(alice) == []


def test_a_step_is_finished_once_for_its_purpose_alone(steps: Steps, database: Database) -> None:
    key = steps.begin(Purpose.PROVIDER, {"verifier": "very secret"})
    assert "very secret" not in everything_in(database)
    assert key not in everything_in(database)
    with pytest.raises(StepGone):
        steps.take(Purpose.RESET, key)
    assert steps.take(Purpose.PROVIDER, key).data == {"verifier": "very secret"}
    with pytest.raises(StepGone):
        steps.take(Purpose.PROVIDER, key)


def test_a_step_that_took_too_long_is_gone(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SECONDS, Purpose.RESET, -1)
    with pytest.raises(StepGone):
        steps.look(Purpose.RESET, steps.begin(Purpose.RESET, {}))


def test_a_step_bears_so_many_wrong_answers_and_no_more(steps: Steps) -> None:
    key = steps.begin(Purpose.SIGN_UP, {})
    steps.note_attempt(steps.look(Purpose.SIGN_UP, key), 2)
    with pytest.raises(StepGone):
        steps.note_attempt(steps.look(Purpose.SIGN_UP, key), 2)
    with pytest.raises(StepGone):
        steps.look(Purpose.SIGN_UP, key)


# As people see it.


def _post(client: FlaskClient, csrf_of: CsrfOf, path: str, page: str = "/account/second-factor", **form: str) -> str:
    answer = client.post(path, data={"csrf_token": csrf_of(client, page), **form})
    return f"{answer.status_code} {answer.location or ''} {answer.text}"


def _add_app(client: FlaskClient, csrf_of: CsrfOf) -> tuple[pyotp.TOTP, list[str]]:
    assert _post(client, csrf_of, "/account/second-factor/app", password=ADMIN_PASSWORD).startswith("303")
    found = re.search(r'id="secret">([A-Z2-7]+)<', client.get("/account/second-factor/app").text)
    assert found
    app = pyotp.TOTP(found.group(1))
    answer = _post(client, csrf_of, "/account/second-factor/app/code", "/account/second-factor/app", code=app.now())
    assert answer.startswith("200")
    return app, re.findall(r"[0-9a-f]{4}(?:-[0-9a-f]{4}){4}", answer)


def _with_password(client: FlaskClient, csrf_of: CsrfOf) -> str:
    form = {"name": "admin", "password": ADMIN_PASSWORD, "next": "/account"}
    return _post(client, csrf_of, "/sign-in", "/sign-in", **form)


def test_who_has_an_app_signs_in_with_its_code(
    app: APIFlask, signed_in: FlaskClient, csrf_of: CsrfOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    authenticator, codes = _add_app(signed_in, csrf_of)
    assert len(codes) == RECOVERY_CODES
    client = app.test_client()
    assert _with_password(client, csrf_of).startswith("303 /sign-in/second-factor")
    assert client.get("/account").status_code == 302, "the password alone opens nothing"
    wrong = _post(client, csrf_of, "/sign-in/second-factor", "/sign-in/second-factor", code="000000")
    assert wrong.startswith("422")
    assert "This code is not right" in wrong
    _later(monkeypatch, 30)
    code = authenticator.now()
    right = _post(client, csrf_of, "/sign-in/second-factor", "/sign-in/second-factor", code=code)
    assert right.startswith("302 /account")
    assert "password and authenticator app" in client.get("/account").text


def test_a_recovery_code_opens_as_well_and_says_how_many_are_left(
    app: APIFlask, signed_in: FlaskClient, csrf_of: CsrfOf
) -> None:
    _, codes = _add_app(signed_in, csrf_of)
    client = app.test_client()
    _with_password(client, csrf_of)
    right = _post(client, csrf_of, "/sign-in/second-factor", "/sign-in/second-factor", code=codes[0])
    assert right.startswith("302 /account")
    assert "9 recovery codes left" in client.get("/account").text


def test_the_second_factor_is_asked_of_whoever_showed_the_first(client: FlaskClient) -> None:
    assert client.get("/sign-in/second-factor").status_code == 410


def test_another_password_in_between_lets_nobody_in(app: APIFlask, signed_in: FlaskClient, csrf_of: CsrfOf) -> None:
    _, codes = _add_app(signed_in, csrf_of)
    client = app.test_client()
    _with_password(client, csrf_of)
    token = csrf_of(client, "/sign-in/second-factor")
    accounts = app.extensions["selfservice"].accounts
    accounts.new_password("admin", Author(TERMINAL, frozenset(Permission)))
    assert client.post("/sign-in/second-factor", data={"csrf_token": token, "code": codes[0]}).status_code == 410


@pytest.mark.parametrize(
    "path",
    ["/account/second-factor/app", "/account/second-factor/app/remove", "/account/second-factor/recovery-codes"],
)
def test_the_password_is_asked_for_again(signed_in: FlaskClient, csrf_of: CsrfOf, path: str) -> None:
    assert _post(signed_in, csrf_of, path, password="wrong").startswith("422")


def test_an_app_is_removed_with_the_password(app: APIFlask, signed_in: FlaskClient, csrf_of: CsrfOf) -> None:
    _add_app(signed_in, csrf_of)
    _post(signed_in, csrf_of, "/account/second-factor/app/remove", password=ADMIN_PASSWORD)
    assert _with_password(app.test_client(), csrf_of).startswith("302 /account")


def test_a_role_that_asks_for_a_second_factor_opens_nothing_before(
    app: APIFlask, signed_in: FlaskClient, csrf_of: CsrfOf
) -> None:
    security = app.extensions["selfservice"].accounts.security
    roles = [ADMINISTRATOR, TECHNICAL_AGENT]
    security.change({"second_factor_roles": roles}, 0, Author(TERMINAL, frozenset(Permission)))
    assert signed_in.get("/runs").location == "/account/second-factor", "also for who is signed in already"
    answer = signed_in.get("/api/v1/runs")
    assert answer.status_code == 403
    assert "asks for a second factor" in answer.get_json(force=True)["detail"]
    _add_app(signed_in, csrf_of)
    assert signed_in.get("/runs").status_code == 200
    _post(signed_in, csrf_of, "/account/second-factor/app/remove", password=ADMIN_PASSWORD)
    assert signed_in.get("/runs").location == "/account/second-factor"


def _ask_administrators(app: APIFlask) -> None:
    """Nobody uses the role of administrators without a second factor from now on."""
    security = app.extensions["selfservice"].accounts.security
    security.change({"second_factor_roles": [ADMINISTRATOR]}, 0, Author(TERMINAL, frozenset(Permission)))


def test_a_token_opens_nothing_until_its_person_has_the_second_factor_that_the_role_asks_for(
    app: APIFlask, signed_in: FlaskClient, csrf_of: CsrfOf, make_token: Callable[..., str]
) -> None:
    def opens() -> TestResponse:
        return app.test_client().get("/api/v1/runs", headers={"Authorization": f"Bearer {secret}"})

    secret = make_token()
    accounts = app.extensions["selfservice"].accounts
    followed = accounts.tokens.verify(secret)
    assert opens().status_code == 200
    _ask_administrators(app)
    answer = opens()
    assert answer.status_code == 403
    assert "until they add one on the page “Second factor”" in answer.get_json(force=True)["detail"]
    assert not accounts.unchanged(followed), "a stream that it follows ends"
    _add_app(signed_in, csrf_of)
    assert opens().status_code == 200
    assert accounts.unchanged(followed)


def test_who_signs_in_where_a_second_factor_is_asked_for_has_one(
    app: APIFlask, signed_in: FlaskClient, make_token: Callable[..., str]
) -> None:
    secret, tokens = make_token(), app.extensions["selfservice"].accounts.tokens
    _ask_administrators(app)
    with app.extensions["selfservice"].database.session() as session:
        values = {"second_factor_there": True}
        office = ProviderRecord(name="office", kind="openid", title="Office", enabled=False, settings=values)
        session.add(office)
        session.flush()
        session.add(OutsideIdentity(provider_id=office.id, subject="1", person_id=1))
    assert tokens.verify(secret).lacks_second_factor, "nobody signs in there at present"
    with app.extensions["selfservice"].database.session() as session:
        session.execute(update(ProviderRecord).values(enabled=True))
    assert not tokens.verify(secret).lacks_second_factor


def test_a_session_that_has_not_shown_the_second_factor_makes_no_token(
    app: APIFlask, signed_in: FlaskClient, csrf_of: CsrfOf, sign_in: SignInPage
) -> None:
    older = sign_in(app.test_client())
    _add_app(signed_in, csrf_of)
    wanted = {"name": "nightly", "scope": "read", "days": "90"}
    refused = _post(older, csrf_of, "/account/tokens", "/account/tokens", **wanted)
    assert refused.startswith("422")
    assert "in again with your second factor" in refused
    assert app.extensions["selfservice"].accounts.tokens.all() == []
    _ask_administrators(app)
    assert _post(older, csrf_of, "/account/tokens", **wanted).startswith("302 /account/second-factor")
    assert app.extensions["selfservice"].accounts.tokens.all() == []
    assert _post(signed_in, csrf_of, "/account/tokens", **wanted).startswith("200")


def test_an_administrator_resets_it_on_the_page_of_a_person(
    app: APIFlask, signed_in: FlaskClient, csrf_of: CsrfOf
) -> None:
    services = app.extensions["selfservice"]
    alice = services.accounts.create_person("alice", ALICE_PASSWORD, TERMINAL)
    _added(services.sign_in.second_factors, alice)
    assert "Authenticator app" in signed_in.get("/people/alice").text
    answer = _post(signed_in, csrf_of, "/people/alice/second-factor/reset", "/people/alice")
    assert answer.startswith("303 /people/alice")
    assert not services.sign_in.second_factors.of(alice).any


def test_passkeys_need_the_password_and_an_answer_of_a_device(signed_in: FlaskClient, csrf_of: CsrfOf) -> None:
    wrong = _post(signed_in, csrf_of, "/account/passkeys/options", password="wrong")
    assert wrong.startswith("422")
    options = _post(signed_in, csrf_of, "/account/passkeys/options", password=ADMIN_PASSWORD)
    assert options.startswith("200")
    assert '"residentKey":"preferred"' in options
    answer = _post(signed_in, csrf_of, "/account/passkeys", title="phone", credential='{"id": "x"}')
    assert answer.startswith("401")
    assert "could not be checked" in answer
