"""Secrets are hidden in what is kept, however they are written and wherever they are cut."""

from __future__ import annotations

import base64
import json
from itertools import pairwise
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfservice.runs.redaction import Veil, VeiledStream

SECRET = 'Tr0ub4dor & "3"/ü?'
VEIL = Veil({"password": SECRET})


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        quote(SECRET),
        quote(SECRET, safe="").lower().replace("tr0ub", "Tr0ub"),
        quote_plus(SECRET),
        json.dumps(SECRET),
        json.dumps(json.dumps(SECRET)),
        json.dumps(SECRET, ensure_ascii=False),
        SECRET.encode().hex(),
    ],
)
def test_a_secret_is_hidden_in_every_usual_form(written: str) -> None:
    hidden = VEIL.text(f"before {written} behind")
    assert hidden.startswith("before ")
    assert hidden.endswith(" behind")
    assert written not in hidden
    assert "Tr0ub4dor" not in hidden


@given(before=st.binary(max_size=9), behind=st.binary(max_size=9))
def test_what_is_base64_encoded_with_its_surroundings_cannot_be_read_back(before: bytes, behind: bytes) -> None:
    for encode, decode in (
        (base64.b64encode, base64.b64decode),
        (base64.urlsafe_b64encode, base64.urlsafe_b64decode),
    ):
        hidden = VEIL.text(encode(before + SECRET.encode() + behind).decode())
        kept = [part for part in hidden.split("********") if part]
        for part in kept:
            assert SECRET.encode()[3:-3] not in decode(part[: len(part) // 4 * 4].encode())
        assert "********" in hidden


@given(
    cuts=st.lists(st.integers(0, 200), max_size=8),
    text=st.lists(st.sampled_from([SECRET, "Tr0ub", "4dor", " and ", "\n", "abcdef", "abcd", "cdxy", "é"]), max_size=8),
)
def test_cutting_a_text_anywhere_hides_the_same(cuts: list[int], text: list[str]) -> None:
    veil, whole, passed = Veil({"a": SECRET, "b": "abcdef", "c": "cdxy"}), "".join(text), []
    stream = VeiledStream(veil, passed.append)
    places = sorted({0, len(whole), *(each for each in cuts if each < len(whole))})
    for start, end in pairwise(places):
        stream.add(whole[start:end])
    stream.end()
    assert "".join(passed) == veil.text(whole)


def test_what_cannot_be_a_secret_does_not_wait() -> None:
    passed: list[str] = []
    stream = VeiledStream(VEIL, passed.append)
    stream.add("TASK [Say hello] ***\n")
    assert passed == ["TASK [Say hello] ***\n"]


def test_each_line_of_a_long_secret_is_hidden() -> None:
    key = "-----BEGIN KEY-----\nAAAAB3NzaC1yc2E\nQQQQQQQQQQ\n-----END KEY-----\n"
    assert "AAAAB3NzaC1yc2E" not in Veil({"key": key}).text("found AAAAB3NzaC1yc2E there")
    wrapped = base64.encodebytes(key.encode()).decode()
    hidden = Veil({"key": key}).text(wrapped)
    assert not any(line in hidden for line in wrapped.splitlines() if len(line) > 8)


def test_without_secrets_nothing_changes() -> None:
    assert Veil({}).text("as it is") == "as it is"
    assert Veil({"pin": "123"}).value({"n": 123}) == {"n": 123}
