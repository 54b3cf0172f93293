"""The text of a file and its bytes: encoding, line ends and the last line end stay as they were."""

from __future__ import annotations

import codecs
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher

from charset_normalizer import from_bytes

from selfservice.errors import BadInput

#: What text files of administrators are written in; the rest of the world's are told apart badly.
_CANDIDATES = ["cp1252", "latin_1", "cp1250", "cp1251", "koi8_r", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr"]
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Text:
    """A file as text."""

    text: str
    encoding: str

    @property
    def line_end(self) -> str:
        """What most of its lines end with."""
        counts = Counter(_end(line) for line in _lines(self.text))
        counts.pop("", None)
        return max(counts, key=lambda end: counts[end]) if counts else "\n"


def decoded(content: bytes) -> Text | None:
    """The text in `content`, or None where it is no text. Writing it back gives the same bytes."""
    for mark, encoding in _MARKS:
        if content.startswith(mark) and (found := _exact(content, encoding)):
            return found
    if b"\0" in content:
        return None
    return _exact(content, "utf-8") or _guessed(content)


def encoded(typed: str, before: bytes | None) -> bytes:
    """The bytes of what was typed: encoding and line ends as in `before`, where there was something.

    Browsers send every line end as CRLF, so what a line ended with is taken from `before`.
    Raises BadInput for a letter that the file's encoding does not have.
    """
    typed = typed.replace("\r\n", "\n").replace("\r", "\n")
    old = decoded(before) if before is not None else None
    if old is None:
        return _bytes(typed, "utf-8")
    return _bytes(_with_ends_of(typed, old), old.encoding)


def _guessed(content: bytes) -> Text:
    found = from_bytes(content, cp_isolation=_CANDIDATES).best()
    exact = _exact(content, found.encoding) if found else None
    return exact or Text(content.decode("latin_1"), "latin_1")


def _exact(content: bytes, encoding: str) -> Text | None:
    try:
        text = content.decode(encoding)
        return Text(text, encoding) if text.encode(encoding) == content else None
    except UnicodeError:
        return None


def _bytes(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        letter = text[error.start]
        raise BadInput(
            f"This file is kept as {encoding}, which has no “{letter}”. Write it another way.", "content"
        ) from error


def _with_ends_of(typed: str, old: Text) -> str:
    """Lines that stayed keep the end they had; new ones get the usual one."""
    usual = old.line_end
    before, after = _lines(old.text), _lines(typed)
    kept: dict[int, str] = {}
    if len({_end(line) for line in before} - {""}) > 1:
        was, now = ([line.rstrip("\r\n") for line in lines] for lines in (before, after))
        for block in SequenceMatcher(None, was, now, autojunk=False).get_matching_blocks():
            kept |= {block.b + step: _end(before[block.a + step]) for step in range(block.size)}
    ends = [(kept.get(number) or usual) if line.endswith("\n") else "" for number, line in enumerate(after)]
    return "".join(line.rstrip("\n") + end for line, end in zip(after, ends, strict=True))


def _lines(text: str) -> list[str]:
    """The lines with their ends; only CR, LF and CRLF end one."""
    lines, start, position = [], 0, 0
    while position < len(text):
        if text[position] in "\r\n":
            position += 2 if text.startswith("\r\n", position) else 1
            lines.append(text[start:position])
            start = position
        else:
            position += 1
    return [*lines, text[start:]] if start < len(text) else lines


def _end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]
