"""What every test may start from: a node in a temporary folder, and people who use it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from apiflask import APIFlask
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from selfservice import create_app
from selfservice.accounts import passwords
from selfservice.accounts.accounts import ensure_first_admin
from selfservice.audit.actions import Actor
from selfservice.operations import syntax
from selfservice.settings import Settings
from tests.compiled import once_for_each_content, once_for_each_rule, share_templates
from tests.guardian import pytest_configure  # noqa: F401  # before anything is started
from tests.records import PostgreSQL, make_tables, running_postgresql

ADMIN_PASSWORD = "correct horse battery"

INVENTORY = """\
all:
  hosts:
    master:
      ansible_connection: local
  children:
    workers:
      hosts: {}
"""

_CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


#: Where a file takes minutes: begun last, one process would still be at it while the other has nothing left to do.
_LONGEST = ("tests/browser/", "tests/system/", "tests/playbooks/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest goes first."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """A file stays in one process, and so do all browser tests: they share a master."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "browser" if file.startswith("tests/browser/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """Spread tests over processes our way, whatever `--dist` says."""
    return ByFile(config, log)


@pytest.fixture(scope="session", autouse=True)
def _cheap_starts() -> Iterator[None]:
    """Do once what every app and every process would do again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", once_for_each_rule(Rule._compile_builder))
        patch.setattr(syntax, "check", once_for_each_content(syntax.check))
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        yield


@pytest.fixture(autouse=True)
def _cheap_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing that is meant to be slow would make every test slow."""
    monkeypatch.setattr(passwords, "PasswordHasher", lambda: PasswordHasher(1, 8, 1))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """One PostgreSQL for all tests that ask for it."""
    with running_postgresql() as server:
        yield server


@pytest.fixture
def database_url() -> str:
    """SQLite, unless a module of tests imports the fixture of this name from `tests.records`."""
    return ""


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """A master whose home is a temporary folder, with an inventory of its own and all tables."""
    made = Settings(home=tmp_path, node_name="master", admin_password=ADMIN_PASSWORD, database_url=database_url)
    for folder in (made.artifacts, made.audit, made.inventory, made.instance):
        folder.mkdir(mode=0o700, exist_ok=True)
    (made.inventory / "hosts.yml").write_text(INVENTORY, encoding="utf-8")
    make_tables(made)
    return made


@pytest.fixture
def app(settings: Settings) -> Iterator[APIFlask]:
    """The dashboard of that master, its first admin made."""
    ensure_first_admin(settings)
    made = create_app(settings, role="web")
    share_templates(made)
    made.testing = True
    made.config["PROPAGATE_EXCEPTIONS"] = False
    yield made
    made.extensions["selfservice"].database.close()
    logging.getLogger("selfservice").handlers.clear()


@pytest.fixture
def client(app: APIFlask) -> FlaskClient:
    """Somebody who is not signed in."""
    return app.test_client()


@pytest.fixture
def csrf_of() -> Callable[..., str]:
    """The CSRF token of a page, as its form would send it."""

    def token(client: FlaskClient, path: str = "/account/password") -> str:
        page = client.get(path).get_data(as_text=True)
        found = _CSRF.search(page)
        assert found, f"{path} has no form with a CSRF token"
        return found.group(1)

    return token


@pytest.fixture
def sign_in(csrf_of: Callable[..., str]) -> Callable[..., FlaskClient]:
    """Sign a client in as a person would, through the page."""

    def go(client: FlaskClient, name: str = "admin", password: str = ADMIN_PASSWORD) -> FlaskClient:
        form = {"csrf_token": csrf_of(client, "/sign-in"), "name": name, "password": password}
        answer = client.post("/sign-in", data=form)
        assert answer.status_code == 302, answer.get_data(as_text=True)
        return client

    return go


@pytest.fixture
def signed_in(app: APIFlask, sign_in: Callable[..., FlaskClient]) -> FlaskClient:
    """The first admin, signed in."""
    return sign_in(app.test_client())


@pytest.fixture
def make_token(app: APIFlask) -> Callable[..., str]:
    """The secret of a token of the first admin."""

    def made(name: str = "nightly", scope: str = "administer", person: str = "admin") -> str:
        accounts = app.extensions["selfservice"].accounts
        actor = Actor("root", "terminal", "local")
        return str(accounts.tokens.create(name, accounts.people.get(person), scope, actor)[1])

    return made
