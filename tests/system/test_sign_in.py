"""Signing in elsewhere and by mail at a whole master, whose web process does many things in one thread."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.ports import free_port
from tests.standins.openid_provider import CLIENT_ID, CLIENT_SECRET, openid_provider
from tests.system import slapd
from tests.system.master import PASSWORD, Master, start

pytest.importorskip("bonsai", reason="needs bonsai: deploy/make-venv requirements-ldap.txt")


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Master]:
    port = free_port()
    settings = {"SELFSERVICE_PORT": str(port), "SELFSERVICE_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    started = start(tmp_path_factory.mktemp("master"), "all: {}\n", **settings)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def admin(master: Master) -> requests.Session:
    """The first administrator, who lets addresses of private networks be called."""
    session = requests.Session()
    assert _sign_in(session, master, "admin", PASSWORD).url.endswith("/account")
    form = {"idle_hours": "12", "session_days": "30", "sign_up_role": "viewer", "private_addresses": "yes"}
    assert 'private_addresses" value="yes" id="private_addresses" checked' in _post(
        session, master, "/security", **form, version="0"
    )
    return session


def _post(session: requests.Session, master: Master, path: str, page: str = "", **form: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', session.get(master.url + (page or path), timeout=30).text)
    assert found
    answer = session.post(master.url + path, data={"csrf_token": found.group(1), **form}, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.text


def _sign_in(session: requests.Session, master: Master, name: str, password: str) -> requests.Response:
    page = session.get(f"{master.url}/sign-in?next=/account", timeout=30).text
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found
    form = {"csrf_token": found.group(1), "name": name, "password": password, "next": "/account"}
    return session.post(f"{master.url}/sign-in", data=form, timeout=30)


def test_people_of_a_directory_sign_in(master: Master, admin: requests.Session, tmp_path: Path) -> None:
    with slapd.running(tmp_path) as directory:
        form = {
            "kind": "ldap",
            "name": "office",
            "title": "The office",
            "address": f"ldap://127.0.0.1:{directory.port}",
            "ca": directory.ca,
            "bind_dn": slapd.READER,
            "secret": slapd.READER_PASSWORD,
            "people_base": f"ou=people,{slapd.BASE}",
            "people_filter": "(uid={name})",
            "groups_base": f"ou=groups,{slapd.BASE}",
            "groups_filter": "(member={dn})",
            "groups": "cn",
            "group_roles": "operators = technical-agent",
            "new_people": "yes",
            "enabled": "yes",
        }
        _post(admin, master, "/security/providers/new", **form)
        assert "People: works." in _post(
            admin, master, "/security/providers/office/check", "/security/providers/office"
        )
        alice = _sign_in(requests.Session(), master, "alice", slapd.PASSWORD)
        assert alice.url.endswith("/account")
        assert "Technical agent" in alice.text
        assert _sign_in(requests.Session(), master, "alice", "wrong").status_code == 401


def test_people_of_a_provider_of_openid_connect_sign_in(master: Master, admin: requests.Session) -> None:
    with openid_provider() as provider:
        provider.person = {"sub": "bob", "preferred_username": "bob", "name": "Bob"}
        provider.redirect_uri = f"{master.url}/sign-in/with/company/callback"
        form = {"kind": "openid", "name": "company", "title": "The company", "address": provider.url}
        form |= {"client_id": CLIENT_ID, "secret": CLIENT_SECRET, "default_role": "viewer"}
        _post(admin, master, "/security/providers/new", **form, new_people="yes", enabled="yes")
        bob = requests.Session().get(f"{master.url}/sign-in/with/company?next=/account", timeout=30)
        assert bob.url.endswith("/account")
        assert "<strong>bob</strong>" in bob.text
