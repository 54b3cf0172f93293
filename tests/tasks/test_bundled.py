"""The task types that come with the program, against real folders, files, ports and servers."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path
from typing import Any

import pytest
from pytest import MonkeyPatch

from selfservice.tasks.allowed_folders import OutsideAllowedFolders
from selfservice.tasks.task_types import TaskTypes


def run(name: str, **params: Any) -> Any:
    """What a type gives, in this process."""
    found = TaskTypes().get(name)
    return found.function(**found.check(params))


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: MonkeyPatch) -> Path:
    """A folder that tasks may look into, with a way out of it."""
    allowed = tmp_path / "allowed"
    (allowed / "a" / "deep").mkdir(parents=True)
    (allowed / "b").mkdir()
    (allowed / ".hidden").mkdir()
    (allowed / "a" / "large").write_bytes(b"x" * 100_000)
    (allowed / "file.log").write_text("".join(f"line {number}\n" for number in range(500)))
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    (allowed / "way-out").symlink_to(tmp_path / "outside")
    (allowed / "secret.log").symlink_to(tmp_path / "outside" / "secret")
    monkeypatch.setenv("SELFSERVICE_TASK_FOLDERS", str(allowed))
    monkeypatch.setenv("SELFSERVICE_LOG_FOLDERS", str(allowed))
    monkeypatch.setenv("SELFSERVICE_HOME", str(tmp_path / "home"))
    return allowed


def test_folders_are_counted_here_and_below(tree: Path) -> None:
    assert run("count_folders", path=str(tree))["folders"] == 3
    assert run("count_folders", path=str(tree), recursive=True)["folders"] == 4


def test_a_folder_is_listed_by_name(tree: Path) -> None:
    found = run("list_folder", path=str(tree))
    assert [(each["name"], each["kind"]) for each in found["entries"]] == [
        ("a", "folder"), ("b", "folder"), ("file.log", "file"), ("secret.log", "link"), ("way-out", "link"),
    ]  # fmt: skip
    assert run("list_folder", path=str(tree), hidden=True, limit=2) | {"entries": None} == {
        "path": str(tree), "total": 6, "entries": None,
    }  # fmt: skip


def test_the_largest_folder_comes_first(tree: Path) -> None:
    found = run("largest_folders", path=str(tree), count=1)
    assert [each["path"] for each in found["folders"]] == [str(tree / "a")]
    assert found["folders"][0]["size"] >= 100_000


def test_the_last_lines_of_a_log_are_shown(tree: Path) -> None:
    assert run("tail_log", path=str(tree / "file.log"), lines=2)["lines"] == ["line 498", "line 499"]


def test_a_checksum_is_that_of_the_content(tree: Path) -> None:
    found = run("file_checksum", path=str(tree / "file.log"))
    assert found["checksum"] == hashlib.sha256((tree / "file.log").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "name, path",
    [
        ("tail_log", "{tree}/secret.log"),
        ("tail_log", "{tree}/../outside/secret"),
        ("tail_log", "/etc/passwd"),
        ("file_checksum", "{tree}/way-out/secret"),
        ("count_folders", "{tree}/way-out"),
        ("count_folders", "{tree}/a/../.."),
        ("list_folder", "{tree}/nothing/../../outside"),
        ("largest_folders", "/"),
    ],
)
def test_no_way_leads_out_of_the_allowed_folders(tree: Path, name: str, path: str) -> None:
    with pytest.raises(OutsideAllowedFolders):
        run(name, path=path.format(tree=tree))


def test_the_secrets_of_the_node_are_never_allowed(tree: Path, monkeypatch: MonkeyPatch) -> None:
    instance = tree / "home" / "instance"
    instance.mkdir(parents=True)
    (instance / "node_token").write_text("token")
    monkeypatch.setenv("SELFSERVICE_HOME", str(tree / "home"))
    with pytest.raises(OutsideAllowedFolders):
        run("file_checksum", path=str(instance / "node_token"))


def test_what_is_no_ordinary_file_is_not_read(tree: Path) -> None:
    with pytest.raises(IsADirectoryError, match="not an ordinary file"):
        run("tail_log", path=str(tree / "a"))


def test_a_port_is_open_where_something_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert run("port_check", port=port)["open"] is True
    closed = run("port_check", port=port)
    assert (closed["open"], closed["why"]) == (False, "Connection refused")


def test_an_address_that_does_not_answer_is_said_not_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = run("http_check", url=f"http://127.0.0.1:{port}/", timeout=1)
    assert (found["healthy"], found["status"], found["why"]) == (False, None, "No connection.")


def test_the_machine_is_described() -> None:
    assert run("memory_and_load")["cpus"] >= 1
    assert any(disk["total"] > 0 for disk in run("disk_usage")["disks"])
    rows = run("process_list", by="memory", count=3)["processes"]
    assert [row["memory"] for row in rows] == sorted((row["memory"] for row in rows), reverse=True)


def test_every_type_has_a_schema_and_words_for_people() -> None:
    types = TaskTypes().all()
    assert len(types) == 11
    for each in types:
        assert each.schema()["additionalProperties"] is False
        assert each.description.endswith(".")
        assert all("description" in option for option in each.schema()["properties"].values())
