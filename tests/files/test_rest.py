"""Where calls to a repository's server go: to that server alone, and only where its certificate is believed."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
import requests
import trustme

from selfservice.bearer_token import BearerToken
from selfservice.errors import ApplicationError
from selfservice.files.errors import AnswerLost, CertificateUnknown, ServerUnreachable
from selfservice.files.rest import Manners, Rest
from tests.nodes.test_http import OK, says, secured, server


def rest(base: str, trusted: str | bool = True) -> Rest:
    return Rest(base, BearerToken("secret"), lambda answer: ApplicationError(answer.text), Manners(trusted=trusted))


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example.com/next", "https://api.bitbucket.org.evil.example.com/", "http://api.bitbucket.org/",
        "https://api.bitbucket.org:8443/", "https://evilbitbucket.org/", "https://org/", "https://x@evil.example.com/",
    ],
)  # fmt: skip
def test_no_token_goes_to_another_server_that_an_answer_names(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests.Session, "send", lambda *_, **__: pytest.fail("something was sent"))
    with pytest.raises(ServerUnreachable, match="names another server"):
        rest("https://api.bitbucket.org/2.0/repositories/a/b").get(address)


def test_the_domain_of_the_server_is_its_own_too(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    answer = requests.Response()
    answer.status_code = 200
    answer.raw = io.BytesIO()
    monkeypatch.setattr(requests.Session, "request", lambda _, method, address, **__: sent.append(address) or answer)
    rest("https://api.bitbucket.org/2.0").get("https://bitbucket.org/a/b/get/main.zip")
    assert sent == ["https://bitbucket.org/a/b/get/main.zip"]


def test_a_private_ca_is_believed_where_it_is_named(tmp_path: Path) -> None:
    authority, path = trustme.CA(), str(tmp_path / "ca.pem")
    authority.cert_pem.write_to_path(path)
    with server(says(OK), secured(authority, "127.0.0.1")) as port:
        assert rest(f"https://127.0.0.1:{port}", path).get("/x").json() == {}
        with pytest.raises(CertificateUnknown, match="SELFSERVICE_CA_FILE"):
            rest(f"https://127.0.0.1:{port}").get("/x")


def test_an_answer_that_unpacks_to_far_more_is_not_read_to_its_end() -> None:
    packed = gzip.compress(b" " * 64 * 1024 * 1024)
    assert len(packed) < 100_000
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    with server(says(head + packed)) as port:
        office = rest(f"http://127.0.0.1:{port}")
        with pytest.raises(ServerUnreachable, match="The answer has more than 32768 KiB"):
            office.get("/x")
        with pytest.raises(AnswerLost):
            office.send("POST", "/x")
