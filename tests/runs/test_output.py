"""Lines of a file of any size."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from selfservice.runs import output
from selfservice.runs.output import LONGEST_LINE, LineIndex


def indexed(path: Path, content: bytes) -> LineIndex:
    path.write_bytes(content)
    index = LineIndex(path)
    index.grow()
    return index


def test_a_file_that_is_not_there_yet_has_no_lines(tmp_path: Path) -> None:
    index = LineIndex(tmp_path / "stdout")
    assert index.grow() is False
    assert (index.total, index.lines(0, 10)) == (0, [])


@pytest.mark.parametrize("content, total", [(b"", 0), (b"a", 1), (b"a\n", 1), (b"a\nb", 2), (b"\n\n", 2)])
def test_a_last_line_without_an_end_counts(tmp_path: Path, content: bytes, total: int) -> None:
    assert indexed(tmp_path / "stdout", content).total == total


def test_any_line_of_a_million_is_found(tmp_path: Path) -> None:
    content = b"".join(b"line %d\r\n" % number for number in range(1_000_000))
    index = indexed(tmp_path / "stdout", content)
    assert index.total == 1_000_000
    for start in (0, 1, 7_281, 65_535, 500_000, 999_998):
        found = [line.content for line in index.lines(start, 3)]
        assert found == [b"line %d" % number for number in range(start, min(start + 3, 1_000_000))]


def test_it_grows_with_the_file_across_block_borders(tmp_path: Path) -> None:
    path = tmp_path / "stdout"
    index = LineIndex(path)
    written: list[bytes] = []
    for step in range(400):
        line = b"%d " % step + b"x" * (step * 7 % 1000)
        written.append(line)
        with path.open("ab") as file:
            file.write(line + b"\n")
        assert index.grow() is True
        assert index.total == len(written)
    assert [line.content for line in index.lines(0, 400)] == written


def test_a_huge_line_is_cut_and_the_one_behind_it_is_found(tmp_path: Path) -> None:
    index = indexed(tmp_path / "stdout", b"first\n" + b"x" * 10_000_000 + b"\nlast\n")
    first, huge, last = index.lines(0, 3)
    assert (first.content, last.content) == (b"first", b"last")
    assert (huge.cut, len(huge.content)) == (True, LONGEST_LINE)


def test_text_is_found_in_both_directions_and_in_any_case(tmp_path: Path) -> None:
    index = indexed(tmp_path / "stdout", b"".join(b"line %d\n" % n for n in range(300_000)))
    assert index.find("LINE 123456", -1, backwards=False) == 123_456
    assert index.find("line 5\n", 5, backwards=False) is None
    assert index.find("line 1000", 299_999, backwards=True) == 100_099
    assert index.find("nowhere", 299_999, backwards=True) is None


def test_text_is_found_across_a_change_of_colour(tmp_path: Path) -> None:
    index = indexed(tmp_path / "stdout", b"first\nnginx: \x1b[1;32mrun\x1b[0mning\n")
    assert index.find("nginx: running", -1, backwards=False) == 1


class Growing(io.BytesIO):
    """A file to which somebody appends between two reads."""

    def __init__(self, content: bytes, appended: bytes) -> None:
        super().__init__(content)
        self._appended = appended

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        place = self.tell()
        self.seek(0, 2)
        self.write(self._appended)
        self.seek(place)
        self._appended = b""
        return content


@pytest.mark.parametrize("before", [b"", b"x" * 65_535 + b"\n"])
def test_what_is_appended_while_it_looks_is_taken_in_at_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bytes
) -> None:
    index = indexed(tmp_path / "stdout", before + b"one\ntwo\n")
    known = index.whole
    growing = Growing(before + b"one\ntwo\nthree\n", b"four\nfive\n")
    monkeypatch.setattr(output, "open_output", lambda _path: growing)
    index.grow()
    assert index.whole == known + 1
    assert index.size == len(before) + len(b"one\ntwo\nthree\n")
    monkeypatch.undo()
    (tmp_path / "stdout").write_bytes(before + b"one\ntwo\nthree\nfour\nfive\n")
    index.grow()
    assert [line.content for line in index.lines(known, 9)] == [b"three", b"four", b"five"]


def test_a_file_of_exactly_one_block_ends_with_a_whole_line(tmp_path: Path) -> None:
    index = indexed(tmp_path / "stdout", b"x" * 65_535 + b"\n")
    assert (index.total, index.whole, index.size) == (1, 1, 65_536)
