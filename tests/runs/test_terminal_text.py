"""Output is shown, never obeyed."""

from __future__ import annotations

import pytest

from selfservice.runs.terminal_text import plain, segments


def test_colours_become_classes() -> None:
    assert segments(b"\x1b[0;33mchanged\x1b[0m: plain") == [("changed", "a-fg-3"), (": plain", "")]
    assert segments(b"\x1b[1;31mred") == [("red", "a-bold a-fg-1")]
    assert segments(b"\x1b[38;5;208;44mx\x1b[0m") == [("x", "a-fg-208 a-bg-4")]


def test_true_colours_are_brought_to_the_nearest_of_256() -> None:
    assert segments(b"\x1b[38;2;255;0;0mred\x1b[0m") == [("red", "a-fg-196")]


def test_html_stays_text() -> None:
    assert segments(b"<script>alert(1)</script>") == [("<script>alert(1)</script>", "")]


@pytest.mark.parametrize(
    "content",
    [
        b"a\x1b]0;owned\x07b",
        b"a\x1b]0;owned\x1b\\b",
        b"a\x1b]8;;http://evil/\x1b\\b",
        b"a\x1b[2J\x1b[Hb",
        b"a\x1b[?1049hb",
        b"a\x1bPq#0\x1b\\b",
        b"a\x1bcb",
        b"a\x1b(0b",
        b"ab\x1b",
        b"ab\x1b[",
        b"ab\x1b]52;c;AAAA",
    ],
)
def test_sequences_that_act_on_a_terminal_are_dropped(content: bytes) -> None:
    assert plain(content) == "ab"


def test_control_characters_and_direction_overrides_are_made_visible() -> None:
    assert plain(b"a\x00b\x7f") == "a\u2400b\u2421"
    assert plain("a\u202eb".encode()) == "a\ufffdb"
    assert plain(b"\x9b2Jx") == "\ufffd2Jx"


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    assert plain(b"caf\xe9") == "caf\ufffd"


def test_a_progress_bar_shows_its_last_state() -> None:
    assert plain(b"10%\r50%\r100%\r\n") == "100%"


def test_overlapping_escapes_never_lose_text() -> None:
    assert plain(b"\x1b[31mone \x1b[1mtwo\x1b[22m three\x1b[0m four") == "one two three four"
