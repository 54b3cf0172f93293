"""Which folders tasks may look into; no link and no `..` leads out of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from selfservice.errors import ApplicationError


class OutsideAllowedFolders(ApplicationError):
    """A path leads to where tasks may not look."""

    status = 403
    problem_type = "outside-allowed-folders"
    title = "Not an allowed folder"


def real_path(path: str, allowed: Sequence[Path], never: Path) -> Path:
    """Where `path` really leads, below one of `allowed` and not into `never`.

    Raises OutsideAllowedFolders, also where there is nothing: whether something is outside is not told.
    """
    real = Path(os.path.realpath(path))
    inside = any(real.is_relative_to(os.path.realpath(folder)) for folder in allowed)
    if not inside or real.is_relative_to(os.path.realpath(never)):
        names = ", ".join(map(str, allowed))
        raise OutsideAllowedFolders(f"{path} is not below the folders that tasks may look into here: {names}.")
    return real
