"""Every address of a dashboard, filled with what there is on a node with the project zebra."""

from __future__ import annotations

import re

from apiflask import APIFlask

from tests.files.cast import first_commit
from tests.projects.conftest import ROOT, Zebra

#: What `<name>` is, by how the address goes on behind `/` or `/api/v1/`.
NAMES = {
    "files": "zebra-files",
    "repositories": "zebra-files",
    "health": "zebra-1",
    "nodes": "zebra-1",
    "operations": "zebra_feed",
    "people": "bob",
    "roles": "viewer",
}
_PART = re.compile("<(?:[^:>]+:)?([^>]+)>|{([^}]+)}")


def filled(address: str, zebra: Zebra) -> str:
    """`address` of a route or of the OpenAPI document; what there is none of has a number or the name zebra."""
    return _PART.sub(lambda found: str(value(address, found[1] or found[2], zebra)), address)


def value(address: str, part: str, zebra: Zebra) -> str | int:
    """What stands for one part of an address."""
    known: dict[str, str | int] = {"run_id": zebra.run, "other_id": zebra.run, "call_id": zebra.call}
    known |= {"schedule_id": zebra.schedule, "alert_id": zebra.alert, "secret": "payment", "number": 999}
    if part == "name":
        return NAMES.get(address.removeprefix("/api/v1").split("/")[1], "zebra")
    return known.get(part, 1)


def furnish(app: APIFlask, token: str) -> None:
    """Bob, a team called zebra, a secret of the project, a file in its repository and an edit of it."""
    services = app.extensions["selfservice"]
    services.repositories.open(services.repositories.get("zebra-files")).commit(first_commit({"site.yml": b"[]\n"}))
    services.accounts.create_person("bob", "bob likes long words", ROOT)
    client, headers = app.test_client(), {"Authorization": f"Bearer {token}"}
    for method, path, sent in (
        ("POST", "/teams", {"name": "zebra"}),
        ("PUT", "/projects/zebra/secrets/payment", {"value": "never shown"}),
        ("POST", "/edits", {"repository": "zebra-files", "branch": "main", "path": "site.yml"}),
        ("PUT", "/edits/1/files", {"path": "site.yml", "text": "[1]\n"}),
    ):
        answer = client.open(f"/api/v1{path}", method=method, json=sent, headers=headers)
        assert answer.status_code < 300, answer.text
