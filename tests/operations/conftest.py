"""A node with operations of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from selfservice.audit.actions import Actor
from selfservice.settings import Settings
from tests.conftest import ADMIN_PASSWORD
from tests.operations.playbooks import Playbooks
from tests.operations.sample import write_samples


@pytest.fixture
def playbooks(tmp_path: Path) -> Playbooks:
    made = Playbooks(tmp_path / "playbooks")
    write_samples(made)
    return made


@pytest.fixture
def settings(settings: Settings, playbooks: Playbooks) -> Settings:
    return replace(settings, playbooks=playbooks.folder)


@pytest.fixture
def signed_in_api(signed_in: FlaskClient, csrf_of: Callable[..., str]) -> Callable[..., TestResponse]:
    """Call the API with the admin's session."""
    token = csrf_of(signed_in)

    def call(method: str, path: str, headers: dict[str, str] | None = None, **named: Any) -> TestResponse:
        return signed_in.open(path, method=method, headers={"X-CSRFToken": token, **(headers or {})}, **named)

    return call


@pytest.fixture
def sign_in_as(app: APIFlask, sign_in: Callable[..., FlaskClient]) -> Callable[[str], FlaskClient]:
    """Somebody who is no administrator, signed in."""

    def made(name: str) -> FlaskClient:
        accounts = app.extensions["selfservice"].accounts
        accounts.create_person(name, ADMIN_PASSWORD, Actor("root", "terminal", "local"))
        return sign_in(app.test_client(), name, ADMIN_PASSWORD)

    return made
