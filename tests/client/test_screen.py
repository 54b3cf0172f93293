"""What of a run's output reaches a terminal or a file."""

from __future__ import annotations

import io

import pytest

from selfservice.client.screen import Screen


class Terminal(io.StringIO):
    """A terminal, as far as a screen can tell."""

    def isatty(self) -> bool:
        return True


def test_colours_reach_a_terminal_and_are_closed() -> None:
    out = Terminal()
    Screen(out).write(b"\x1b[0;32mok\n")
    assert out.getvalue() == "\x1b[0;32mok\n\x1b[0m"


def test_a_file_gets_plain_text() -> None:
    out = io.StringIO()
    Screen(out).write(b"\x1b[0;32mok\x1b[0m\n")
    assert out.getvalue() == "ok\n"


@pytest.mark.parametrize(
    "content",
    [b"\x1b[2J", b"\x1b]0;title\x07", b"\x1b]52;c;aGk=\x1b\\", b"\x07", b"\x1bc", b"\x1b[\x012J", b"\xc2\x9b2J"],
)
def test_nothing_else_acts_on_the_terminal(content: bytes) -> None:
    out = Terminal()
    Screen(out).write(b"a" + content + b"b\n")
    assert "\x1b" not in out.getvalue().replace("\x1b[0m", "")
    assert out.getvalue().isprintable() or out.getvalue().rstrip("\n").isprintable()


def test_a_line_is_shown_when_it_is_whole_even_where_a_character_came_in_two_parts() -> None:
    out = io.StringIO()
    screen = Screen(out)
    screen.write("ü".encode()[:1])
    assert out.getvalue() == ""
    screen.write("ü".encode()[1:] + b"ber\nrest")
    assert out.getvalue() == "über\n"
    screen.finish()
    assert out.getvalue() == "über\nrest"


def test_a_progress_bar_shows_its_last_state() -> None:
    out = io.StringIO()
    Screen(out).write(b"10%\r100%\r\n")
    assert out.getvalue() == "100%\n"


def test_a_line_without_end_is_not_kept_back_for_ever() -> None:
    out = io.StringIO()
    Screen(out).write(b"x" * 100_000)
    assert len(out.getvalue()) == 100_000
