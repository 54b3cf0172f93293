"""The bytes of a file stay as they were: encoding, line ends, the last line end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfservice.errors import BadInput
from selfservice.files.text import decoded, encoded


def _as_a_browser_sends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"plain\n",
        b"no end",
        b"dos\r\nlines\r\n",
        b"mixed\r\nlines\nhere\r\n",
        b"old mac\rlines\r",
        "Grüße\n".encode(),
        "Grüße aus Köln, schöne Straße\r\n".encode("latin-1"),
        "\ufeffwith mark\r\n".encode(),
        "sixteen\r\n".encode("utf-16"),
        b"\xff\xfe\xfd not any text\n",
        b"\x81\x8d\x8f\n",
    ],
)
def test_saving_without_a_change_gives_the_same_bytes(content: bytes) -> None:
    found = decoded(content)
    assert found is not None
    assert encoded(_as_a_browser_sends(found.text), content) == content


@given(st.binary(max_size=200).filter(lambda content: b"\0" not in content))
def test_whatever_the_bytes_are_they_come_back(content: bytes) -> None:
    found = decoded(content)
    assert found is not None
    assert encoded(_as_a_browser_sends(found.text), content) == content


def test_what_holds_zero_bytes_is_no_text() -> None:
    assert decoded(b"\x7fELF\0\0") is None


def test_a_changed_line_keeps_the_encoding_and_the_ends() -> None:
    before = "Grüße aus Köln\r\nzweite Zeile\r\n".encode("latin-1")
    found = decoded(before)
    assert found is not None
    typed = found.text.replace("zweite", "größere")
    assert encoded(_as_a_browser_sends(typed), before) == "Grüße aus Köln\r\ngrößere Zeile\r\n".encode("latin-1")


def test_in_a_file_of_mixed_ends_only_new_lines_get_the_usual_one() -> None:
    assert encoded("a\nnew\nb\nc\n", b"a\nb\r\nc\r\n") == b"a\nnew\r\nb\r\nc\r\n"


def test_a_letter_that_the_encoding_does_not_have_is_named() -> None:
    with pytest.raises(BadInput, match="“→”"):
        encoded("Straße → Köln", "Straße in Köln, schöne Grüße".encode("latin-1"))


def test_a_new_file_is_utf_8_with_plain_line_ends() -> None:
    assert encoded("ä\r\n", None) == "ä\n".encode()
