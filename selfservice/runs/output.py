"""A run's output by lines, at any size: only what is asked for is read."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from selfservice.runs.stored_output import open_output

_BLOCK = 64 * 1024
#: A line is shown up to so many bytes; the download has it whole.
LONGEST_LINE = 8 * 1024


@dataclass(frozen=True)
class Line:
    """One line as bytes, without its end; `cut` where it goes on beyond `LONGEST_LINE`."""

    content: bytes
    cut: bool


class LineIndex:
    """Where the lines of a growing file are: how many line ends each 64 KiB of it hold."""

    def __init__(self, path: Path) -> None:
        """Start empty; `grow` takes in what the file holds."""
        self._path = path
        self._ends: list[int] = []  # line ends before the end of each whole block
        self._tail_ends = 0
        self._size = 0
        self._ends_with_newline = True

    @property
    def size(self) -> int:
        """Bytes taken in."""
        return self._size

    @property
    def total(self) -> int:
        """Lines taken in; a last one without an end counts."""
        return self.whole + (0 if self._ends_with_newline else 1)

    @property
    def whole(self) -> int:
        """Lines taken in that have an end."""
        return (self._ends[-1] if self._ends else 0) + self._tail_ends

    def grow(self) -> bool:
        """Take in what was appended; whether anything was."""
        try:
            file = open_output(self._path)
        except FileNotFoundError:
            return False
        with file:
            size = file.seek(0, 2)
            if size == self._size:
                return False
            file.seek(len(self._ends) * _BLOCK)
            # A short block is where the file ended at that look; what came behind it since is for the next one.
            while len(block := file.read(_BLOCK)) == _BLOCK:
                self._take_in(block)
                self._ends_with_newline = block.endswith(b"\n")
            self._take_in(block)
            self._size = len(self._ends) * _BLOCK + len(block)
            if block:
                self._ends_with_newline = block.endswith(b"\n")
        return True

    def _take_in(self, block: bytes) -> None:
        ends = block.count(b"\n")
        if len(block) == _BLOCK:
            self._ends.append((self._ends[-1] if self._ends else 0) + ends)
            self._tail_ends = 0
        else:
            self._tail_ends = ends

    def offset_of(self, line: int) -> int:
        """The byte at which line `line` begins (from 0); the size for lines behind the last."""
        if line <= 0:
            return 0
        if line > self.whole:
            return self._size
        block = bisect_left(self._ends, line)
        before = self._ends[block - 1] if block else 0
        with open_output(self._path) as file:
            file.seek(block * _BLOCK)
            content = file.read(_BLOCK)
        position = -1
        for _ in range(line - before):
            position = content.index(b"\n", position + 1)
        return block * _BLOCK + position + 1

    def line_at(self, offset: int) -> int:
        """The line that byte `offset` belongs to."""
        block = offset // _BLOCK
        before = self._ends[block - 1] if block else 0
        with open_output(self._path) as file:
            file.seek(block * _BLOCK)
            return before + file.read(offset - block * _BLOCK).count(b"\n")

    def lines(self, start: int, count: int) -> list[Line]:
        """`count` lines from line `start` on (from 0), fewer at the end of the file."""
        count = max(0, min(count, self.total - start))
        if not count:
            return []
        found: list[Line] = []
        with open_output(self._path) as file:
            file.seek(self.offset_of(start))
            while len(found) < count:
                content = file.readline(LONGEST_LINE)
                if not content.endswith(b"\n") and len(content) == LONGEST_LINE:
                    found.append(Line(content, cut=True))
                    file.seek(self.offset_of(start + len(found)))
                else:
                    found.append(Line(content.rstrip(b"\r\n"), cut=False))
        return found

    def find(self, text: str, start: int, *, backwards: bool) -> int | None:
        """The nearest line with `text` (any case) behind line `start`, or before it; None without one."""
        if not text or not self._size:
            return None
        letters = (re.escape(letter.encode()) for letter in text)
        pattern = re.compile(_COLOURS.join(letters), re.IGNORECASE)
        with open_output(self._path) as file:
            if backwards:
                offset = _last_match(pattern, file, self.offset_of(start))
            else:
                offset = _first_match(pattern, file, self.offset_of(start + 1))
        return None if offset is None else self.line_at(offset)


#: Colour changes in the middle of a word hide it from nobody who looks at the page (ECMA-48, 8.3.117).
_COLOURS = rb"(?:\x1b\[[0-9;:]*m)*"


#: Output is searched in pieces of this size, which overlap so that nothing hides at a border.
_PIECE = 1024 * 1024
_OVERLAP = 4096


def _first_match(pattern: re.Pattern[bytes], file: BinaryIO, begin: int) -> int | None:
    while True:
        file.seek(begin)
        content = file.read(_PIECE)
        if match := pattern.search(content):
            return begin + match.start()
        if len(content) < _PIECE:
            return None
        begin += _PIECE - _OVERLAP


def _last_match(pattern: re.Pattern[bytes], file: BinaryIO, end: int) -> int | None:
    while end > 0:
        begin = max(0, end - _PIECE)
        file.seek(begin)
        last = None
        for match in pattern.finditer(file.read(end - begin)):
            last = match.start()
        if last is not None:
            return begin + last
        if begin == 0:
            return None
        end = begin + _OVERLAP
    return None
