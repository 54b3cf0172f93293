"""The pages and the API of files."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from selfservice.audit.actions import Actor
from selfservice.files.git import Git
from selfservice.files.models import RepositoryKind
from selfservice.files.registry import Plan
from selfservice.files.repository import Author, Write, content
from selfservice.files.sources import PushRefused, Use
from tests.conftest import ADMIN_PASSWORD
from tests.files import cast
from tests.files.cast import FIRST

Post = Callable[..., TestResponse]
ROOT = Actor("root", "terminal", "local")


@pytest.fixture
def files(app: APIFlask, git: Git) -> Any:
    """The services of a node that has the repository “playbooks”."""
    services = app.extensions["selfservice"]
    services.repositories.create(Plan("playbooks", "Playbooks", RepositoryKind.LOCAL, "playbooks.git"), ROOT)
    return services


@pytest.fixture
def post(signed_in: FlaskClient, csrf_of: Callable[..., str]) -> Post:
    return poster(signed_in, csrf_of)


def poster(client: FlaskClient, csrf_of: Callable[..., str]) -> Post:
    token = csrf_of(client)

    def send(path: str, values: dict[str, Any] | None = None) -> TestResponse:
        return client.post(path, data={"csrf_token": token, **(values or {})})

    return send


@pytest.fixture
def charlie(app: APIFlask, files: Any, sign_in: Callable[..., FlaskClient]) -> FlaskClient:
    files.accounts.create_person("charlie", ADMIN_PASSWORD, ROOT)
    return sign_in(app.test_client(), "charlie")


def repository(files: Any) -> Any:
    return files.repositories.open(files.repositories.get("playbooks"))


def test_without_a_repository_the_first_step_is_offered(signed_in: FlaskClient) -> None:
    assert "Register the first one" in signed_in.get("/files").text
    assert "Register the first one" in signed_in.get("/repositories").text


def test_files_are_found_looked_at_and_downloaded(signed_in: FlaskClient, files: Any) -> None:
    assert "Playbooks" in signed_in.get("/files").text
    found = signed_in.get("/files/playbooks?q=rwtm").text
    assert "roles/web/tasks/main.yml" in found
    assert "latin.txt" not in found
    page = signed_in.get("/files/playbooks/view?branch=main&path=site.yml").text
    assert "First files" in page
    assert "hosts" in page
    tip = repository(files).branch("main").tip
    answer = signed_in.get("/files/playbooks/download", query_string={"commit": tip, "path": "latin.txt"})
    assert (answer.data, answer.mimetype) == (FIRST["latin.txt"], "application/octet-stream")
    assert answer.headers["Content-Disposition"] == "attachment; filename=latin.txt"
    assert "First files" in signed_in.get("/files/playbooks/history?path=site.yml").text


def test_scripts_in_files_branches_authors_and_messages_are_text(signed_in: FlaskClient, files: Any) -> None:
    evil = "<script>alert(1)</script>"
    author = Author(evil.replace("<", "").replace(">", ""), "x@y")
    kept = repository(files)
    kept.create_branch("a&<b>".replace("<", "").replace(">", "'\""), kept.branch("main").tip)
    cast.change(
        kept, Write("evil.html", evil.encode()), Write("evil.yml", f"a: {evil}".encode()), message=evil, by=author
    )
    for path in ("evil.html", "evil.yml"):
        for page in ("view", "history"):
            text = signed_in.get(f"/files/playbooks/{page}?path={path}").text
            assert evil not in text
            assert "&lt;script" in text


def test_images_binaries_links_and_large_files_are_said_to_be_what_they_are(signed_in: FlaskClient, files: Any) -> None:
    kept = repository(files)
    cast.change(kept, Write("logo.png", b"\x89PNG\0"), Write("core", b"\0\1"), Write("big", b"x" * 2_000_000))
    view = "/files/playbooks/view?path="
    assert "<img src=" in signed_in.get(f"{view}logo.png").text
    assert "no text" in signed_in.get(f"{view}core").text
    assert "too large to be shown" in signed_in.get(f"{view}big").text
    tip = kept.branch("main").tip
    image = signed_in.get("/files/playbooks/image", query_string={"commit": tip, "path": "logo.png"})
    assert (image.mimetype, "sandbox" in image.headers["Content-Security-Policy"]) == ("image/png", True)
    assert signed_in.get("/files/playbooks/image", query_string={"commit": tip, "path": "site.yml"}).status_code == 404


def test_an_edit_from_the_file_to_the_merge(signed_in: FlaskClient, files: Any, post: Post) -> None:
    started = post("/files/playbooks/edit", {"branch": "main", "path": "site.yml"})
    assert started.status_code == 303, started.text
    assert "Contents of site.yml" in signed_in.get(started.location).text
    edit = started.location.partition("/file")[0]
    kept = post(f"{edit}/file", {"path": "site.yml", "content": "- hosts: all\r\n", "version": "1", "review": "yes"})
    assert kept.location.endswith(edit)
    assert "+- hosts: all" in signed_in.get(edit).text
    assert "Unfinished edits" in signed_in.get("/files").text
    assert post(f"{edit}/commit", {"message": ""}).status_code == 422
    assert post(f"{edit}/commit", {"message": "All hosts"}).status_code == 303
    assert post(f"{edit}/pull-request", {"title": "All hosts"}).status_code == 303
    assert post(f"{edit}/merge").status_code == 303
    assert "It is merged into main" in signed_in.get(edit).text
    assert content(repository(files), repository(files).branch("main").tip, "site.yml", 100) == b"- hosts: all\n"
    assert "Unfinished edits" not in signed_in.get("/files").text


def test_a_mistake_is_told_before_the_commit_and_can_be_committed_all_the_same(
    signed_in: FlaskClient, files: Any, post: Post
) -> None:
    edit = post("/files/playbooks/edit", {"branch": "main", "path": "site.yml"}).location.partition("/file")[0]
    post(f"{edit}/file", {"path": "site.yml", "content": "a: [1\n", "version": "1"})
    refused = post(f"{edit}/commit", {"message": "Broken"})
    assert (refused.status_code, "Line 2, column 1" in refused.text) == (422, True)
    assert post(f"{edit}/commit", {"message": "Broken", "anyway": "yes"}).status_code == 303


@pytest.mark.parametrize(
    "play, words",
    [
        ("- hosts: all\n  roles: [door]\n", "Ansible can read it."),
        ("- hosts: all\n  roles: [no_such_role]\n", "no_such_role"),
        ("- hosts: all\n  tasks: [{no_such_module_of_anybody: {}}]\n", "no_such_module_of_anybody"),
    ],
)
def test_ansible_is_asked_about_playbooks_before_the_commit(
    signed_in: FlaskClient, files: Any, post: Post, play: str, words: str
) -> None:
    edit = files.edits.start("playbooks", "main", Actor("admin", "session", "127.0.0.1"), "site.yml")
    files.edits.add(edit, "roles/door/tasks/main.yml", b"- ansible.builtin.debug: {}\n")
    files.edits.keep(edit, "site.yml", play.encode())
    assert "Check playbooks with Ansible" in signed_in.get(f"/edits/{edit.id}").get_data(as_text=True)
    page = post(f"/edits/{edit.id}/check").get_data(as_text=True)
    assert "site.yml: " in page and words in page


def test_what_others_changed_is_shown_and_merged_by_hand(signed_in: FlaskClient, files: Any, post: Post) -> None:
    edit = post("/files/playbooks/edit", {"branch": "main", "path": "site.yml"}).location.partition("/file")[0]
    post(f"{edit}/file", {"path": "site.yml", "content": "mine\n", "version": "1"})
    cast.change(repository(files), Write("site.yml", b"theirs\n"), by=cast.BOB)
    refused = post(f"{edit}/commit", {"message": "Mine"})
    assert refused.location.endswith(f"{edit}/sides")
    page = signed_in.get(refused.location).text
    assert "+theirs" in page
    assert "+mine" in page
    seen = page.partition('name="seen" value="')[2][:40]
    sent = {"seen": seen, "path-0": "site.yml", "choice-0": "merged"}
    marked = post(f"{edit}/sides", {**sent, "content-0": "<<<<<<< mine\nx\n>>>>>>> theirs\n"})
    assert (marked.status_code, "marks of both sides" in marked.text) == (422, True)
    assert post(f"{edit}/sides", {**sent, "content-0": "both\r\n"}).status_code == 303
    assert post(f"{edit}/commit", {"message": "Both"}).status_code == 303
    assert post(f"{edit}/merge").status_code == 303
    assert content(repository(files), repository(files).branch("main").tip, "site.yml", 100) == b"both\n"


def test_files_are_added_uploaded_renamed_and_deleted(signed_in: FlaskClient, files: Any, post: Post) -> None:
    edit = post("/files/playbooks/edit", {"branch": "main"}).location
    assert "Nothing is changed yet" in signed_in.get(edit).text
    assert post(f"{edit}/add", {"path": "new.yml"}).location.startswith(f"{edit}/file?path=new.yml")
    upload = {"path": "big.bin", "file": (io.BytesIO(bytes(3_000_000)), "local name.bin")}
    uploaded = post(f"{edit}/add", upload)
    uploaded.request.environ["wsgi.input"].close()  # a temporary file of the test client
    assert uploaded.status_code == 303
    assert post(f"{edit}/rename", {"path": "no-newline", "to": "renamed"}).status_code == 303
    assert post(f"{edit}/remove", {"path": "latin.txt"}).status_code == 303
    for wrong in ("../x", "site.yml", "SITE.YML", ".git/config"):
        assert post(f"{edit}/add", {"path": wrong}).status_code == 422
    assert post(f"{edit}/remove", {"path": "no such file"}).status_code == 303
    assert post(f"{edit}/commit", {"message": "Many"}).status_code == 303
    assert post(f"{edit}/merge").status_code == 303
    paths = {entry.path for entry in repository(files).tree(repository(files).branch("main").tip)}
    assert paths == ({*FIRST} - {"latin.txt", "no-newline"}) | {"big.bin", "renamed", "new.yml"}


def test_discarding_removes_the_branch(files: Any, post: Post) -> None:
    edit = post("/files/playbooks/edit", {"branch": "main", "path": "site.yml"}).location.partition("/file")[0]
    assert post(f"{edit}/discard").status_code == 303
    assert [branch.name for branch in repository(files).branches()] == ["main"]


def test_abandoned_branches_are_offered_and_removed(signed_in: FlaskClient, files: Any, post: Post) -> None:
    repository(files).create_branch("selfservice/bob/lost-1", repository(files).branch("main").tip)
    assert "selfservice/bob/lost-1" in signed_in.get("/files/playbooks").text
    post("/files/playbooks/branches/clean", {"branch": "selfservice/bob/lost-1"})
    assert [branch.name for branch in repository(files).branches()] == ["main"]


def test_charlie_neither_merges_nor_registers_nor_sees_edits_of_others(
    charlie: FlaskClient, csrf_of: Callable[..., str], post: Post
) -> None:
    edit = post("/files/playbooks/edit", {"branch": "main", "path": "site.yml"}).location.partition("/file")[0]
    theirs = poster(charlie, csrf_of)
    assert charlie.get(edit).status_code == 404
    assert theirs(f"{edit}/discard").status_code == 404
    assert theirs(f"{edit}/commit", {"message": "x"}).status_code == 404
    assert charlie.get("/repositories").status_code == 403
    assert theirs("/repositories/playbooks/delete").status_code == 403
    assert theirs(f"{edit}/merge").status_code == 403
    own = theirs("/files/playbooks/edit", {"branch": "main", "path": "site.yml"}).location.partition("/file")[0]
    assert charlie.get(own).status_code == 200


def test_a_repository_is_registered_checked_changed_and_forgotten(signed_in: FlaskClient, post: Post) -> None:
    plan = {"name": "cloud", "title": "Cloud", "kind": "cloud", "location": "acme/x", "token": "ATCTT-secret"}
    wrong = post("/repositories/new", {**plan, "location": "acme"})
    assert (wrong.status_code, "workspace/repository" in wrong.text, "ATCTT" in wrong.text) == (422, True, False)
    made = post("/repositories/new", {**plan, "address": "http://127.0.0.1:1"})
    assert made.status_code == 303
    assert "ATCTT" not in signed_in.get("/repositories/cloud").text
    assert "cannot be reached" in post("/repositories/cloud/check").text
    changed = {"version": "1", "kind": "cloud", "title": "Other", "location": "acme/x", "address": "http://127.0.0.1:1"}
    assert post("/repositories/cloud", changed).status_code == 303
    assert post("/repositories/cloud", changed).status_code == 409
    post("/repositories/cloud/delete")
    assert signed_in.get("/repositories/cloud").status_code == 404


def test_the_api_goes_the_same_way(app: APIFlask, files: Any, make_token: Callable[..., str]) -> None:
    secret = make_token("deploy")
    client, headers = app.test_client(), {"Authorization": f"Bearer {secret}"}

    def call(method: str, to: str, **body: Any) -> Any:
        answer = client.open(f"/api/v1{to}", method=method, headers=headers, json=body or None)
        assert answer.status_code < 300, answer.text
        return json.loads(answer.text) if answer.text else None

    assert [each["name"] for each in call("GET", "/repositories")["repositories"]] == ["playbooks"]
    assert call("GET", "/repositories/playbooks/files?q=site")["paths"] == ["site.yml"]
    answer = client.get("/api/v1/repositories/playbooks/content?path=latin.txt", headers=headers)
    assert answer.data == FIRST["latin.txt"]
    edit = call("POST", "/edits", repository="playbooks", branch="main", path="latin.txt")
    where = f"/edits/{edit['id']}"
    assert call("PUT", f"{where}/files", path="latin.txt", text="Größe\n", version=1)["version"] == 2
    assert call("PUT", f"{where}/files", path="new.json", base64="e30=")["mistake"] is None
    assert [each["change"] for each in call("GET", where)["files"]] == ["changed", "new"]
    assert len(call("POST", f"{where}/commits", message="By program")["commit"]) == 40
    assert call("POST", f"{where}/pull-request", title="By program")["number"] == 1
    assert call("POST", f"{where}/merge")["state"] == "merged"
    answer = client.get("/api/v1/repositories/playbooks/content?path=latin.txt", headers=headers)
    assert answer.data == "Größe\r\n".encode("latin-1")
    other = call("POST", "/edits", repository="playbooks", branch="main", path="site.yml")
    call("DELETE", f"/edits/{other['id']}")
    assert call("GET", "/edits")["edits"] == []


def test_the_api_tells_of_what_others_changed(app: APIFlask, files: Any, make_token: Callable[..., str]) -> None:
    secret = make_token("deploy")
    client, headers = app.test_client(), {"Authorization": f"Bearer {secret}"}
    started = {"repository": "playbooks", "branch": "main", "path": "site.yml"}
    where = f"/api/v1/edits/{client.post('/api/v1/edits', json=started, headers=headers).json['id']}"
    client.put(f"{where}/files", json={"path": "site.yml", "text": "mine\n"}, headers=headers)
    cast.change(repository(files), Write("site.yml", b"theirs\n"), by=cast.BOB)
    refused = client.post(f"{where}/commits", json={"message": "x"}, headers=headers)
    assert (refused.status_code, refused.json["type"]) == (409, "urn:selfservice:problem:base-moved")
    sides = client.get(f"{where}/sides", headers=headers).json
    assert [(each["path"], each["conflicts"]) for each in sides["files"]] == [("site.yml", 1)]
    decided = {"seen": sides["seen"], "decided": {"site.yml": "Ym90aAo="}}
    assert client.post(f"{where}/sides", json=decided, headers=headers).status_code == 200
    assert client.post(f"{where}/commits", json={"message": "x"}, headers=headers).status_code == 201


def test_a_path_that_leads_out_is_refused_everywhere(signed_in: FlaskClient, files: Any) -> None:
    tip = repository(files).branch("main").tip
    for path in ("../../etc/passwd", "/etc/passwd", ".git/config", "a\\b", "x" * 300, "a\0b"):
        for page in ("view", "history", "download"):
            answer = signed_in.get(f"/files/playbooks/{page}", query_string={"path": path, "commit": tip})
            assert answer.status_code in (404, 422), (page, path)


MAIN = {"branch": "main", "playbooks": "yes"}
PLAYBOOK = b"- name: Greet\n  hosts: all\n  tasks:\n    - ansible.builtin.debug:\n"


def test_a_source_is_marked_synced_and_its_playbooks_are_operations(
    signed_in: FlaskClient, files: Any, post: Post
) -> None:
    commit = cast.change(repository(files), Write("site.yml", PLAYBOOK))
    marked = post("/repositories/playbooks/source", {"branch": "main", "playbooks": "yes"}).text
    secret = re.search(r"shown this once: <code>([^<]+)</code>", marked)
    assert secret
    assert secret[1] not in signed_in.get("/repositories/playbooks").text
    assert post("/repositories/playbooks/sync").status_code == 303
    assert f"<code>{commit[:12]}</code> of main is in use" in signed_in.get("/repositories/playbooks").text
    assert "Playbooks: Greet" in signed_in.get("/operations").text
    assert signed_in.get("/operations/playbooks.site").status_code == 200
    ran = post("/operations/playbooks.site", {"hosts": "master"})
    run, _ = files.runs.get(ran.location.rpartition("/")[2])
    assert f"/{commit}/site.yml" in run.request.playbook
    assert run.request.sources == {"playbooks": commit}
    assert f"commit <code>{commit[:12]}</code>" in signed_in.get(ran.location).text
    post("/repositories/playbooks/source/end")
    assert signed_in.get("/operations/playbooks.site").status_code == 404


def test_a_signed_push_syncs_and_any_other_does_not(client: FlaskClient, files: Any) -> None:
    record = files.repositories.get("playbooks")
    secret = files.sources.mark(record, Use("main"), ROOT)
    commit = cast.change(repository(files), Write("site.yml", PLAYBOOK))
    body = b'{"push": {}}'
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    where, number = "/api/v1/repositories/playbooks/push", {"X-Request-UUID": "1-2-3"}
    for headers in ({}, number, {**number, "X-Hub-Signature": "sha256=" + "0" * 64}, {"X-Hub-Signature": signature}):
        assert client.post(where, data=body, headers=headers).status_code == 403
    told = client.post(where, data=body, headers={**number, "X-Hub-Signature": signature})
    assert (told.status_code, told.json["commit"]) == (200, commit)
    again = client.post(where, data=body, headers={**number, "X-Hub-Signature": signature})
    assert (again.status_code, again.json["detail"]) == (403, "This push was told before.")


def test_an_empty_repository_offers_its_first_commit(
    signed_in: FlaskClient, files: Any, git: Git, post: Post, charlie: FlaskClient, csrf_of: Callable[..., str]
) -> None:
    git.run("update-ref", "-d", "refs/heads/main")
    assert "Add the first files" in signed_in.get("/files/playbooks").text
    assert post("/files/playbooks/edit", {"branch": "not a branch"}).status_code == 422
    theirs = poster(charlie, csrf_of)
    other = theirs("/files/playbooks/edit", {"branch": "main"}).location
    theirs(f"{other}/add", {"path": "theirs.yml"})
    assert "only somebody who may merge" in charlie.get(other).text
    refused = theirs(f"{other}/commit", {"message": "First"})
    assert (refused.status_code, "file:merge" in refused.text) == (403, True)
    edit = post("/files/playbooks/edit", {"branch": "main"}).location
    assert "straight to <code>main</code>" in signed_in.get(edit).text
    post(f"{edit}/add", {"path": "site.yml"})
    post(f"{edit}/file", {"path": "site.yml", "content": PLAYBOOK.decode(), "version": "1"})
    assert "Ansible can read it." in post(f"{edit}/check").text
    assert post(f"{edit}/commit", {"message": "First"}).status_code == 303
    assert "It is the first commit of main" in signed_in.get(edit).text
    assert content(repository(files), repository(files).branch("main").tip, "site.yml", 1000) == PLAYBOOK
    moved = theirs(f"{other}/commit", {"message": "First"})
    assert moved.status_code == 403


def test_the_hosts_of_a_source_are_on_the_page_with_its_name_and_what_is_wrong(
    signed_in: FlaskClient, files: Any, post: Post
) -> None:
    cast.change(repository(files), Write("hosts.ini", b"[web]\nshop-1 ansible_host=192.0.2.9\n"))
    refused = post("/repositories/playbooks/source", {"branch": "main", "inventory": "../hosts"})
    assert (refused.status_code, "lead out" in refused.text) == (422, True)
    post("/repositories/playbooks/source", {"branch": "main", "inventory": "hosts.ini"})
    post("/repositories/playbooks/sync")
    page = signed_in.get("/hosts?q=playbooks").text
    assert "shop-1" in page
    assert 'data-label="From">playbooks' in page
    assert "shop-1" in signed_in.get("/commands").text
    good = repository(files).branch("main").tip
    bad = cast.change(repository(files), Write("hosts.ini", b"[web\n"))
    shown = post("/repositories/playbooks/sync")
    page = signed_in.get("/hosts").text
    assert f"the commit {bad[:12]} is not used. Ansible cannot read the inventory hosts.ini" in page
    assert f"The hosts here are those of {good[:12]}" in page
    assert "shop-1" in page
    assert "Ansible cannot read the inventory" in signed_in.get(shown.location).text


def test_a_source_is_changed_without_losing_its_secret(signed_in: FlaskClient, files: Any, post: Post) -> None:
    first = re.search(r"shown this once: <code>([^<]+)", post("/repositories/playbooks/source", MAIN).text)
    assert first
    changed = post("/repositories/playbooks/source", {**MAIN, "inventory": "hosts.ini"})
    assert changed.status_code == 303
    record = files.repositories.get("playbooks")
    signature = "sha256=" + hmac.new(first[1].encode(), b"{}", hashlib.sha256).hexdigest()
    files.sources.believe(record, b"{}", signature, "1")
    again = re.search(r"shown this once: <code>([^<]+)", post("/repositories/playbooks/source/secret").text)
    assert again
    with pytest.raises(PushRefused):
        files.sources.believe(record, b"{}", signature, "2")
