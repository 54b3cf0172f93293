"""The version of this program."""

from __future__ import annotations

import tomllib
from functools import lru_cache

from selfservice.settings import CHECKOUT


@lru_cache(maxsize=1)
def version() -> str:
    """The version of this program."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])
