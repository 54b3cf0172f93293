"""`python -m tests.web.permission_table docs/permissions.md` writes anew who may open what, by asking each route."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from selfservice import create_app
from selfservice.accounts.accounts import ensure_first_admin
from selfservice.accounts.builtin_roles import BUILTIN_ROLES
from selfservice.accounts.permissions import MEANINGS, SCOPES, Permission, Scope
from selfservice.audit.actions import Actor
from selfservice.settings import Settings
from selfservice.store.migration import migrate
from selfservice.web.access import NODES_ONLY, declared_access

_TERMINAL = Actor("root", "terminal", "local")
_PASSWORD = "correct horse battery"
_NODE = "web-1"
_ROLES = [role.name for role in reversed(BUILTIN_ROLES)]
_ASKERS = ["anonymous", *_ROLES, *(f"token: {scope}" for scope in Scope), "node"]

#: An open endpoint that asks for something else.
_OWN_TOKEN = {"metrics.metrics"}

_HEAD = """\
# Who may do what

Written by `make permissions`, which asks every route of the dashboard and its API as each kind of person, token and
node. A test compares this file with what it is told: a change here is a change of who may do what, to be reviewed as
one. The tokens are those of an administrator; those of anybody else open at most what their role opens.

"""


@dataclass
class Asker:
    """Somebody who asks, with whatever lets them in."""

    client: FlaskClient
    headers: dict[str, str]
    session: str = ""

    def opens(self, method: str, path: str, address: str) -> bool:
        """Whether this way in opens that route."""
        if self.session:  # a sign-out among the routes ends it
            self.client.set_cookie("selfservice", self.session)
        answer = self.client.open(path, method=method, headers=self.headers, environ_base={"REMOTE_ADDR": address})
        answer.close()
        # 502: the worker of this master, which does not run here, would have been asked.
        told_nothing = {429, 500, 400} if self.session else {429, 500}
        assert answer.status_code not in told_nothing, (method, path, answer.status_code)
        if answer.status_code == 302 and (answer.location or "").partition("?")[0] == "/sign-in":
            assert not self.session or path == "/sign-out", (method, path, "the session has ended")
            return bool(self.session)
        return answer.status_code not in {401, 403}


def table(app: APIFlask) -> str:
    """The whole document."""
    return _HEAD + "\n".join([*_rights(), "", *_routes(app)]) + "\n"


def _rights() -> Iterator[str]:
    yield "## Rights"
    yield ""
    yield from _row(["right", "lets somebody", *_ROLES, *(f"token: {scope}" for scope in Scope)], head=True)
    roles = {role.name: role.permissions for role in BUILTIN_ROLES}
    for right in Permission:
        given = [right in roles[name] for name in _ROLES] + [right in SCOPES[scope] for scope in Scope]
        yield from _row([f"`{right}`", MEANINGS[right], *map(_mark, given)])


def _routes(app: APIFlask) -> Iterator[str]:
    yield "## Routes"
    yield ""
    yield from _row(["route", "needs", *_ASKERS], head=True)
    askers = _askers(app)
    number = 0
    # Signing out comes last: it ends the sessions that ask.
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule == "/sign-out", rule.rule)):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            marks = []
            for name in _ASKERS:
                number += 1
                # Each from an address of its own: wrong tokens of one address have to wait.
                address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
                marks.append(_mark(askers[name].opens(method, _path(app, rule), address)))
            yield from _row([f"{method} `{rule.rule}`", _need(app, rule.endpoint), *marks])


def _askers(app: APIFlask) -> dict[str, Asker]:
    services = app.extensions["selfservice"]
    askers = {"anonymous": Asker(app.test_client(), {})}
    for role in _ROLES:
        services.accounts.create_person(f"some-{role}", _PASSWORD, _TERMINAL, role=role)
        askers[role] = _signed_in(app, f"some-{role}")
    boss = services.accounts.people.get("some-administrator")
    for scope in Scope:
        secret = services.accounts.tokens.create(scope.value, boss, scope, _TERMINAL)[1]
        askers[f"token: {scope}"] = _with_token(app, secret)
    askers["node"] = _with_token(app, services.nodes.add(_NODE, "https://web-1.example.org", _TERMINAL)[1])
    return askers


def _signed_in(app: APIFlask, name: str) -> Asker:
    client = app.test_client()
    form = {"csrf_token": _csrf(client, "/sign-in"), "name": name, "password": _PASSWORD}
    assert client.post("/sign-in", data=form).status_code == 302
    token = _csrf(client, "/account/password")
    cookie = client.get_cookie("selfservice")
    assert cookie is not None
    return Asker(client, {"X-CSRFToken": token}, cookie.value)


def _with_token(app: APIFlask, secret: str) -> Asker:
    return Asker(app.test_client(), {"Authorization": f"Bearer {secret}"})


def _csrf(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(path).text)
    assert found
    return found.group(1)


def _path(app: APIFlask, rule: Rule) -> str:
    name = _NODE if declared_access(app, rule.endpoint) == NODES_ONLY else "999"  # of which there is none
    return re.sub("<[^>]+>", name, rule.rule)


def _need(app: APIFlask, endpoint: str) -> str:
    if endpoint in _OWN_TOKEN:
        return "a token of its own"
    declared = declared_access(app, endpoint)
    return f"`{declared}`" if isinstance(declared, Permission) else str(declared)


def _mark(given: bool) -> str:
    return "yes" if given else "·"


def _row(cells: list[str], head: bool = False) -> Iterator[str]:
    yield f"| {' | '.join(cells)} |"
    if head:
        yield "|" + "---|" * len(cells)


def main(path: Path) -> None:
    """Write the document to `path`."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), admin_password=_PASSWORD)
        for each in (settings.artifacts, settings.audit, settings.inventory, settings.instance):
            each.mkdir(mode=0o700)
        (settings.inventory / "hosts.yml").write_text("all: {hosts: {master: {ansible_connection: local}}}\n")
        migrate(settings)
        ensure_first_admin(settings)
        path.write_text(table(create_app(settings)), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
