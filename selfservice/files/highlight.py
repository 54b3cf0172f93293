"""Files with their words coloured, as HTML that holds nothing but escaped text and class names."""

from __future__ import annotations

from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_for_filename
from pygments.util import ClassNotFound

#: Colouring more would keep other pages waiting.
_MOST = 64 * 1024


def lines(path: str, text: str) -> list[Markup]:
    """The lines of a file, coloured by what its name says it is."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    if len(plain) <= _MOST:
        try:
            lexer = get_lexer_for_filename(path, stripnl=False, ensurenl=False)
        except ClassNotFound:
            pass
        else:
            coloured = highlight(plain, lexer, HtmlFormatter(nowrap=True, classprefix="hl-"))
            return [Markup(line) for line in _split(coloured)]  # noqa: S704  # Pygments escapes what it is given
    return [escape(line) for line in _split(plain)]


def _split(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n")
