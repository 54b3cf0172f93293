"""The dashboards somebody logged in to: kept for them alone, and chosen by name or environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from selfservice.client.dashboards import Dashboard, Dashboards, NotLoggedIn, checked_token, checked_url
from selfservice.errors import BadInput
from selfservice.settings import ClientSettings, load_client

HERE = Dashboard("here", "http://127.0.0.1:5000", "secret")
THERE = Dashboard("there", "https://there.example.org", "secret too", "/etc/ca.pem")


def test_what_is_kept_is_for_its_owner_alone_and_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "selfservice"
    Dashboards(folder).keep(HERE)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "dashboards.json").stat().st_mode & 0o777 == 0o600
    assert Dashboards(folder).all() == [HERE]


def test_the_one_logged_in_to_last_is_used_unless_one_is_named(tmp_path: Path) -> None:
    dashboards = Dashboards(tmp_path)
    dashboards.keep(HERE)
    dashboards.keep(THERE)
    assert dashboards.chosen(ClientSettings()) == THERE
    assert dashboards.chosen(ClientSettings(), "here") == HERE
    assert dashboards.chosen(ClientSettings(dashboard="here")) == HERE


def test_the_environment_needs_no_login(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc\n")
    environment = {"SELFSERVICE_URL": "https://ci.example.org/", "SELFSERVICE_TOKEN_FILE": str(tmp_path / "token")}
    chosen = Dashboards(tmp_path).chosen(load_client(environment))
    assert (chosen.url, chosen.token) == ("https://ci.example.org", "abc")


def test_half_an_environment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotLoggedIn, match="go together"):
        Dashboards(tmp_path).chosen(ClientSettings(url="https://ci.example.org"))


def test_a_forgotten_one_gives_way_to_another(tmp_path: Path) -> None:
    dashboards = Dashboards(tmp_path)
    dashboards.keep(HERE)
    dashboards.keep(THERE)
    dashboards.forget("there")
    assert Dashboards(tmp_path).current == "here"
    with pytest.raises(NotLoggedIn, match="No dashboard is called “there” here \\(known: here\\)"):
        dashboards.get("there")


def test_without_a_login_the_sentence_says_how(tmp_path: Path) -> None:
    with pytest.raises(NotLoggedIn, match="selfservice login"):
        Dashboards(tmp_path).chosen(ClientSettings())


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"current": "x", "dashboards": {"x": {}}}', "\0\xff"])
def test_a_broken_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "dashboards.json").write_text(content)
    with pytest.raises(NotLoggedIn, match="cannot be read"):
        Dashboards(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "example.org", "ftp://example.org", "https://", "https://a@b", "https://x:port", "https://x?y=z"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="no address"):
        checked_url(text)


def test_a_token_never_crosses_a_network_unencrypted() -> None:
    with pytest.raises(BadInput, match="unencrypted"):
        checked_url("http://selfservice.example.org")
    assert checked_url("http://localhost:5000/") == "http://localhost:5000"


@pytest.mark.parametrize("text", ["", " ", "two words", "tab\there", "ümlaut"])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="no token"):
        checked_token(text)
