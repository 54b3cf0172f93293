"""Bootstrap's icons, drawn into the page itself: no request for the whole sprite of a megabyte."""

from __future__ import annotations

from functools import lru_cache
from mmap import ACCESS_READ, mmap
from pathlib import Path

import flask_bootstrap
from markupsafe import Markup, escape

_SPRITE = Path(flask_bootstrap.__file__).parent / "static/bootstrap5/icons/bootstrap-icons.svg"


@lru_cache(maxsize=512)
def icon(name: str, label: str = "", classes: str = "", fallback: str = "") -> Markup:
    """The icon `name` as inline SVG; hidden from screen readers unless a `label` says what it means.

    A name that Bootstrap Icons does not have gives `fallback`, or raises KeyError without one.
    """
    meaning = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="icon {}" viewBox="0 0 16 16" fill="currentColor" focusable="false" {}>{}</svg>').format(
        escape(classes), meaning, _drawn(name, fallback)
    )


def _drawn(name: str, fallback: str) -> Markup:
    try:
        return _paths(name)
    except KeyError:
        if not fallback:
            raise
        return _paths(fallback)


@lru_cache(maxsize=512)
def _paths(name: str) -> Markup:
    with _SPRITE.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as sprite:
        begin = sprite.find(f' id="{name}"'.encode())
        if begin < 0:
            raise KeyError(f"Bootstrap Icons has no icon named {name!r}.")
        begin = sprite.find(b">", begin) + 1
        paths = sprite[begin : sprite.find(b"</symbol>", begin)].decode()
    return Markup(paths.strip())  # noqa: S704  # a file of a pinned library, not of a person
