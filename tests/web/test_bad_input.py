"""What nobody should send changes nothing, leads nowhere and breaks nothing."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from selfservice.accounts.entering import own_path
from selfservice.settings import CHECKOUT
from tests.projects.conftest import Zebra, services, settings, zebra  # noqa: F401  # a project with one of each kind
from tests.records import PostgreSQL
from tests.web import places

#: Every name that a field of a form has, and some that none should have.
FIELDS = frozenset(
    name
    for path in (CHECKOUT / "templates").rglob("*.html")
    for name in re.findall(r'name="(\w+)"', path.read_text(encoding="utf-8"))
) - {"csrf_token"} | {"id", "is_admin", "permissions"}


class TestForms:
    """On the stricter of the two databases."""

    @pytest.fixture
    def database_url(self, postgresql: PostgreSQL) -> str:
        return postgresql.migrated()

    @pytest.mark.parametrize("sent", ["x" * 2000, "\x00", "9" * 40])
    def test_no_form_is_broken_by_what_is_typed(
        self,
        app: APIFlask,
        signed_in: FlaskClient,
        zebra: Zebra,  # noqa: F811
        make_token: Callable[..., str],
        csrf_of: Callable[..., str],
        sent: str,
    ) -> None:
        places.furnish(app, make_token())
        form = {**dict.fromkeys(FIELDS, sent), "csrf_token": csrf_of(signed_in)}
        rules = [rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())]
        pages = [rule for rule in rules if not rule.rule.startswith("/api/") and rule.rule != "/sign-out"]
        assert len(pages) > 80
        for rule in pages:
            answer = signed_in.post(places.filled(rule.rule, zebra), data=form)
            assert answer.status_code < 500 or answer.status_code == 503, (rule.rule, sent[:20], answer.text)
        assert signed_in.get("/account").status_code == 200


@pytest.mark.parametrize(
    "wanted",
    [
        "", "evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
        "https://evil.example", "https:evil.example", "https:/evil.example", "javascript:alert(1)",
        " //evil.example", "\t//evil.example", "/\t/evil.example", "/\n/evil.example", "/\x00/evil.example",
        "/\r\nLocation: https://evil.example", "/\u2028/evil", "/%5cevil.example", "/account",
    ],
)  # fmt: skip
def test_after_signing_in_nobody_is_led_elsewhere(
    client: FlaskClient, csrf_of: Callable[..., str], wanted: str
) -> None:
    form = {"csrf_token": csrf_of(client, "/sign-in"), "name": "admin", "password": "correct horse battery"}
    answer = client.post("/sign-in", data={**form, "next": wanted})
    assert answer.status_code == 302
    expected = {"/account": "/account", "/%5cevil.example": "/%5cevil.example"}
    assert answer.location == expected.get(wanted, "/")


def test_a_path_of_this_node_is_kept_with_what_is_asked_there(app: APIFlask) -> None:
    with app.test_request_context("/"):
        assert own_path("/runs?q=a//b&state=failed#x") == "/runs?q=a//b&state=failed#x"
        assert own_path(None) == "/"


def test_a_strangers_host_name_stands_in_no_address(app: APIFlask, signed_in: FlaskClient, zebra: Zebra) -> None:  # noqa: F811
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.rule.endswith("/stream"):
            continue
        with signed_in.get(places.filled(rule.rule, zebra), headers=forged) as answer:
            told = answer.text if answer.mimetype in ("text/html", "application/json") else ""
            assert "evil.example" not in told + str(answer.headers), rule.rule


@pytest.mark.parametrize(
    "planted", ["id", "role", "is_admin", "is_manager", "active", "owner", "version", "password_hash"]
)
def test_what_a_program_may_not_say_is_refused_by_name(
    app: APIFlask,
    zebra: Zebra,  # noqa: F811
    make_token: Callable[..., str],
    planted: str,
) -> None:
    token = make_token()
    places.furnish(app, token)
    client, headers = app.test_client(), {"Authorization": f"Bearer {token}"}
    document = client.get("/api/v1/openapi.json", headers=headers).get_json()
    schemas = document["components"]["schemas"]
    tried = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method == "parameters" or "requestBody" not in operation:
                continue
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            known = schemas[schema["$ref"].rpartition("/")[2]]["properties"]
            if planted in known:
                continue
            answer = client.open(
                places.filled(path, zebra), method=method.upper(), json={planted: "1"}, headers=headers
            )
            assert answer.status_code == 422, (method, path)
            assert {"field": planted, "detail": "Unknown field."} in answer.get_json(force=True)["errors"], path
            tried += 1
    assert tried > 20


def test_a_person_cannot_give_themselves_more_than_a_name(
    app: APIFlask, signed_in: FlaskClient, csrf_of: Callable[..., str]
) -> None:
    people = app.extensions["selfservice"].accounts.people
    before = people.get("admin")
    planted = {"name": "root", "role": "viewer", "is_manager": "yes", "email": "a@example.org", "id": "9", "active": ""}
    form = {"csrf_token": csrf_of(signed_in), "display_name": "Boss", "version": "1", **planted}
    assert signed_in.post("/account", data=form).status_code == 303
    after = people.get("admin")
    assert after.display_name == "Boss"
    kept = ("id", "name", "role_id", "is_manager", "email", "active", "session_version", "password_hash")
    assert [getattr(after, each) for each in kept] == [getattr(before, each) for each in kept]


@pytest.mark.parametrize("up", ["..", "%2e%2e", "..%2f..", "..%5c..", "%00", "....//"])
def test_no_address_leads_out_of_its_folder(app: APIFlask, signed_in: FlaskClient, up: str) -> None:
    secret = app.extensions["selfservice"].settings.instance / "secret_key"
    for start in ("/static", "/bootstrap/static", "/runs", "/calls", "/files", "/operations", "/api/v1/runs"):
        for end in ("instance/secret_key", f"{up}/{up}/etc/passwd", f"{up}{secret}"):
            with signed_in.get(f"{start}/{up}/{end}") as answer:
                assert answer.status_code in {404, 405, 308}, (start, up, end)
                assert "root:" not in answer.text


def test_what_unpacks_to_far_more_is_not_unpacked(app: APIFlask, make_token: Callable[..., str]) -> None:
    packed = gzip.compress(b'{"name": "' + b" " * 64 * 1024 * 1024 + b'"}')
    headers = {"Authorization": f"Bearer {make_token()}", "Content-Encoding": "gzip"}
    for path in ("/api/v1/teams", "/api/v1/nodes", "/api/v1/calls"):
        answer = app.test_client().post(path, data=packed, content_type="application/json", headers=headers)
        assert answer.status_code in {400, 415, 422}, (path, answer.text)
