"""Settings fail loudly at the start, and tell what they mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from selfservice.settings import NodeType, SettingError, environment_of, load, table


def test_defaults_need_nothing() -> None:
    settings = load({})
    assert (settings.node_type, settings.host, settings.port) == (NodeType.MASTER, "127.0.0.1", 5000)
    assert settings.worker_port == 5001
    assert (settings.master_bearer_token, settings.admin_password) == ("", "")


def test_a_worker_listens_on_5001_unless_told_otherwise() -> None:
    assert load({"SELFSERVICE_TYPE": "WORKER"}).port == 5001
    assert load({"SELFSERVICE_TYPE": "WORKER", "SELFSERVICE_PORT": "6000"}).port == 6000


@pytest.mark.parametrize(
    "name, value, sentence",
    [
        ("SELFSERVICE_TYPE", "SLAVE", "MASTER or WORKER"),
        ("SELFSERVICE_TYPE", "", "MASTER or WORKER"),
        ("SELFSERVICE_PORT", "http", "whole number"),
        ("SELFSERVICE_PORT", "70000", "from 1 to 65535"),
        ("SELFSERVICE_PARALLEL_RUNS", "0", "at least 1"),
        ("DEBUG", "maybe", "True or False"),
        ("SELFSERVICE_LOG_FORMAT", "xml", "text or json"),
        ("SELFSERVICE_PARALEL_RUNS", "3", "not a setting"),
        ("MASTER_BEARER_TOKEN_FILE", "/nowhere", "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(name: str, value: str, sentence: str) -> None:
    with pytest.raises(SettingError) as caught:
        load({name: value})
    assert name in caught.value.sentence
    assert sentence in caught.value.sentence


def test_a_secret_may_come_from_a_file_and_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("canary\n")
    settings = load({"MASTER_BEARER_TOKEN_FILE": str(tmp_path / "token")})
    assert settings.master_bearer_token == "canary"
    assert "canary" not in str([row.value for row in table(settings)])
    assert "canary" not in str(environment_of(settings))


def test_processes_that_a_node_starts_read_the_same_settings() -> None:
    settings = load({"SELFSERVICE_PORT": "6000", "DEBUG": "True", "SELFSERVICE_HOME": "/tmp/x"})
    assert load(environment_of(settings)) == settings
