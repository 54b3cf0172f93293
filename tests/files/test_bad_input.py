"""What is hostile, huge or odd: paths, encodings, links, sizes, names of branches, markup in everything."""

from __future__ import annotations

import html
import io
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from selfservice.files.errors import FileTooLarge, PathRefused
from selfservice.files.repository import Write, content
from tests.files import cast
from tests.files.conftest import Kept
from tests.files.office import ALICE, Office
from tests.files.test_pages import files, post, repository
from tests.files.test_repository import plant

__all__ = ["files", "post"]  # fixtures

Post = Callable[..., TestResponse]
COMPOSED, DECOMPOSED = "caf\u00e9.yml", "cafe\u0301.yml"
SCRIPT = "<script>alert(1)</script>"
MEBIBYTE = 1024 * 1024


def planted(kept: Kept, path: str, data: bytes, mode: str = "100644") -> str:
    """A file of a path that this program would not write; the new tip."""
    blob = kept.git.text("hash-object", "-w", "--stdin", stdin=data)
    return plant(kept.git, f"{mode} blob {blob}\t{path}")


def test_paths_that_differ_in_normalisation_alone_are_two_files(kept: Kept) -> None:
    planted(kept, COMPOSED, b"one\n")
    tip = planted(kept, DECOMPOSED, b"two\n")
    assert {COMPOSED, DECOMPOSED} <= {entry.path for entry in kept.repository.tree(tip)}
    found = [content(kept.repository, tip, path, 100) for path in (COMPOSED, DECOMPOSED)]
    assert found == [b"one\n", b"two\n"]
    tip = cast.change(kept.repository, Write(DECOMPOSED, b"changed\n"))
    assert content(kept.repository, tip, COMPOSED, 100) == b"one\n"


def test_a_new_file_that_differs_in_normalisation_alone_is_refused(office: Office) -> None:
    cast.change(office.repository, Write(COMPOSED, b"one\n"))
    edit = office.begin(ALICE, "")
    with pytest.raises(PathRefused, match="how its letters are encoded"):
        office.edits.add(edit, DECOMPOSED, b"two\n")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("Grüße\r\nmehr".encode("latin-1"), id="latin-1, CRLF, no end"),
        pytest.param("Grüße\n".encode("utf-16"), id="utf-16"),
        pytest.param(b"\xef\xbb\xbfmark\r\n", id="byte order mark"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\x00\xff" * 500, id="binary"),
        pytest.param(b"--boundary\r\nContent-Disposition: form-data\r\n\r\n", id="like a form"),
    ],
)
def test_bytes_come_back_as_they_were_written(kept: Kept, data: bytes) -> None:
    commit = cast.change(kept.repository, Write("odd/file #1 & ünï?.txt", data))
    assert content(kept.repository, commit, "odd/file #1 & ünï?.txt", 10_000) == data


def test_an_edit_through_the_page_keeps_encoding_line_ends_and_the_missing_last_one(files: Any, post: Post) -> None:
    cast.change(repository(files), Write("odd.txt", "Grüße\r\nmehr".encode("latin-1")))
    edit = post("/files/playbooks/edit", {"branch": "main", "path": "odd.txt"}).location.partition("/file")[0]
    post(f"{edit}/file", {"path": "odd.txt", "content": "Größe\r\nmehr\r\nund mehr", "version": "1"})
    post(f"{edit}/commit", {"message": "Odd"})
    post(f"{edit}/merge")
    tip = repository(files).branch("main").tip
    assert content(repository(files), tip, "odd.txt", 100) == "Größe\r\nmehr\r\nund mehr".encode("latin-1")


def test_a_file_of_50_mebibytes_is_never_read_whole(kept: Kept) -> None:
    cast.change(kept.repository, Write("before", b"x"))
    tip = planted(kept, "huge", bytes(50 * MEBIBYTE))
    if kept.kind != "local":
        # The stand-ins, which are in this process, hold it in memory themselves.
        with pytest.raises(FileTooLarge):
            content(kept.repository, tip, "huge", MEBIBYTE)
        return
    tracemalloc.start()
    try:
        with pytest.raises(FileTooLarge):
            content(kept.repository, tip, "huge", MEBIBYTE)
        assert sum(len(chunk) for chunk in kept.repository.open(tip, "huge").chunks) == 50 * MEBIBYTE
        assert tracemalloc.get_traced_memory()[1] < 5 * MEBIBYTE
    finally:
        tracemalloc.stop()


def test_a_huge_file_is_said_to_be_too_large_downloaded_and_not_edited(
    signed_in: FlaskClient, files: Any, post: Post
) -> None:
    cast.change(repository(files), Write("huge", bytes(50 * MEBIBYTE)))
    assert "too large to be shown" in signed_in.get("/files/playbooks/view?path=huge").text
    tip = repository(files).branch("main").tip
    answer = signed_in.get("/files/playbooks/download", query_string={"commit": tip, "path": "huge"})
    assert len(answer.data) == 50 * MEBIBYTE
    refused = post("/files/playbooks/edit", {"branch": "main", "path": "huge"})
    assert (refused.status_code, "download it" in refused.text) == (413, True)
    assert [branch.name for branch in repository(files).branches()] == ["main"]


def test_an_upload_of_50_mebibytes_is_refused_with_the_limit(files: Any, post: Post) -> None:
    edit = post("/files/playbooks/edit", {"branch": "main"}).location
    with io.BytesIO(bytes(50 * MEBIBYTE)) as huge:
        answer = post(f"{edit}/add", {"path": "huge", "file": (huge, "huge")})
        assert answer.status_code == 413
        assert "14 MiB" in answer.text
        answer.request.environ["wsgi.input"].close()  # a temporary file of the test client
    with io.BytesIO(bytes(11 * MEBIBYTE)) as large:
        answer = post(f"{edit}/add", {"path": "large", "file": (large, "large")})
        assert "at most 10 MiB" in answer.text
        answer.request.environ["wsgi.input"].close()


@pytest.mark.parametrize("leads_to", ["/etc/passwd", "../../outside"])
def test_a_link_that_leads_out_is_shown_as_a_link_and_not_edited(
    signed_in: FlaskClient, files: Any, post: Post, git: Any, leads_to: str
) -> None:
    planted(Kept("local", repository(files), git), "link", leads_to.encode(), "120000")
    page = signed_in.get("/files/playbooks/view?path=link").text
    assert "This is a link" in page
    assert leads_to in page
    assert "root:" not in page
    refused = post("/files/playbooks/edit", {"branch": "main", "path": "link"})
    assert (refused.status_code, "is a link" in refused.text) == (422, True)


def test_markup_in_names_of_files_branches_authors_messages_and_contents_is_text(
    signed_in: FlaskClient, files: Any, post: Post
) -> None:
    kept, author = repository(files), cast.ALICE.__class__('" onmouseover="alert(1)', "x@example.org")
    kept.create_branch(SCRIPT, kept.branch("main").tip)
    path = f"{SCRIPT}.yml"
    cast.change(kept, Write(path, f"a: {SCRIPT}\n".encode()), branch=SCRIPT, message=f"{SCRIPT}\n", by=author)
    started = post("/files/playbooks/edit", {"branch": SCRIPT, "path": path}).location
    edit = started.partition("/file?")[0]
    post(f"{edit}/file", {"path": path, "content": f"b: {SCRIPT}\n", "version": "1"})
    post(f"{edit}/commit", {"message": SCRIPT})
    cast.change(kept, Write(path, f"c: {SCRIPT}\n".encode()), branch=SCRIPT, by=author)
    at = {"branch": SCRIPT, "path": path}
    pages = [
        signed_in.get("/files/playbooks", query_string=at),
        signed_in.get("/files/playbooks/view", query_string=at),
        signed_in.get("/files/playbooks/history", query_string=at),
        signed_in.get("/files"),
        signed_in.get(started),
        signed_in.get(edit),
        signed_in.get(f"{edit}/sides"),
    ]
    assert [page.status_code for page in pages] == [200] * len(pages)
    for page in pages:
        assert SCRIPT not in page.text
        assert '" onmouseover' not in page.text
        assert html.escape(SCRIPT, quote=False) in page.text


@pytest.mark.parametrize("name", ["feature/a/b", "release-1.0", "ünï/code", "a&b=c#d?e%2f".replace("?", "")])
def test_a_branch_with_slashes_and_signs_is_looked_at_edited_and_merged_into(
    signed_in: FlaskClient, files: Any, post: Post, name: str
) -> None:
    kept = repository(files)
    kept.create_branch(name, kept.branch("main").tip)
    assert "site.yml" in signed_in.get("/files/playbooks", query_string={"branch": name}).text
    edit = post("/files/playbooks/edit", {"branch": name, "path": "site.yml"}).location.partition("/file")[0]
    post(f"{edit}/file", {"path": "site.yml", "content": "- hosts: all\n", "version": "1"})
    post(f"{edit}/commit", {"message": "On a branch"})
    assert post(f"{edit}/merge").status_code == 303
    assert content(kept, kept.branch(name).tip, "site.yml", 100) == b"- hosts: all\n"


@pytest.mark.parametrize("name", ["a b", "a..b", "-x", "a\\b", "@{1}", "x" * 300])
def test_the_name_of_no_branch_is_refused_with_the_reason(
    signed_in: FlaskClient, files: Any, post: Post, name: str
) -> None:
    answers = [
        signed_in.get("/files/playbooks", query_string={"branch": name}),
        signed_in.get("/files/playbooks/view", query_string={"branch": name, "path": "site.yml"}),
        post("/files/playbooks/edit", {"branch": name, "path": "site.yml"}),
    ]
    assert [answer.status_code for answer in answers] == [422, 422, 422]
    assert "git allows no spaces" in answers[0].text or "at most 200" in answers[0].text


def test_a_tree_of_odd_names_is_listed_and_what_cannot_be_opened_says_why(kept: Kept) -> None:
    tip = cast.change(kept.repository, Write("-rf", b"x"), Write("*", b"y"), Write(":(glob)z", b"z"))
    assert [content(kept.repository, tip, path, 9) for path in ("-rf", "*", ":(glob)z")] == [b"x", b"y", b"z"]
    for path in ("a/../b", "/a", ".git/x", "a\\b", "a\0b", "a" * 300):
        with pytest.raises(PathRefused):
            content(kept.repository, tip, path, 9)
