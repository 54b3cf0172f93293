"""What a line of output may look like on a page: text and colours, nothing that acts."""

from __future__ import annotations

import re
from functools import lru_cache

from rich.ansi import AnsiDecoder
from rich.color import Color, ColorSystem
from rich.style import Style

#: A run of text and the CSS classes it wears.
Segment = tuple[str, str]

# Strings to the terminal (title, clipboard, links: OSC, DCS, APC, PM, SOS), ended by BEL or ST or not at all,
# and every control sequence; ECMA-48, 5.4 and 5.6. Colours and attributes (SGR, `m`) stay.
_STRINGS = re.compile(r"\x1b[\]PX^_].*?(?:\x07|\x1b\\|\Z)", re.DOTALL)
_SEQUENCES = re.compile(r"\x1b\[(?![0-9;:]*m)[0-?]*[ -/]*(?:[@-~]|\Z)|\x1b(?!\[)[ -/]*[0-~]?|\x1b\Z")
_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")
_NO_COLOURS = re.compile(r"\x1b(?!\[[0-9;:]*m)")
# Characters that would act, hide or reorder if they were shown: C0 and C1 controls, bidirectional overrides.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f]")
_ATTRIBUTES = ("bold", "dim", "italic", "underline", "strike", "reverse")


def segments(content: bytes) -> list[Segment]:
    """One line of output as runs of plain text with their classes; bytes that are no UTF-8 become �."""
    text = content.decode("utf-8", "replace").rstrip("\r\n")
    text = text.rsplit("\r", 1)[-1]  # a progress bar: what a terminal would show in the end
    text = harmless(text)
    if "\x1b" not in text:
        return [(text, "")] if text else []
    line = AnsiDecoder().decode_line(text)
    found: list[Segment] = []
    position = 0
    for span in sorted(line.spans):
        if span.start > position:
            found.append((line.plain[position : span.start], ""))
        style = span.style if isinstance(span.style, Style) else Style.parse(span.style)
        found.append((line.plain[span.start : span.end], classes(style)))
        position = span.end
    if position < len(line.plain):
        found.append((line.plain[position:], ""))
    return found


def harmless(text: str, *, colours: bool = True) -> str:
    """The text with its colours and attributes, or without, and nothing else that acts on a terminal."""
    text = _NO_COLOURS.sub("\u241b", visible(_SEQUENCES.sub("", _STRINGS.sub("", text))))
    return text if colours else _COLOURS.sub("", text)


def visible(text: str) -> str:
    """The text with a picture in place of each character that would act."""
    return _CONTROLS.sub(_picture, text)


def plain(content: bytes) -> str:
    """One line of output without colours."""
    return "".join(text for text, _ in segments(content))


@lru_cache(maxsize=1024)
def classes(style: Style) -> str:
    """CSS classes for a style: a-bold, a-fg-<number of 256 colours>, and so on."""
    names = [f"a-{name}" for name in _ATTRIBUTES if getattr(style, name)]
    for side, color in (("fg", style.color), ("bg", style.bgcolor)):
        number = _number(color)
        if number is not None:
            names.append(f"a-{side}-{number}")
    return " ".join(names)


def _number(color: Color | None) -> int | None:
    if color is None or color.is_default:
        return None
    return color.downgrade(ColorSystem.EIGHT_BIT).number


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
