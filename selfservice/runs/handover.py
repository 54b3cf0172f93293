"""Secret variables on their way from the form to the run's process: sealed, read once, then gone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selfservice.runs.errors import SecretsGone
from selfservice.settings import Settings
from selfservice.store import files
from selfservice.store.sealing import Seal, SealBroken

_FOLDER = "handover"


def leave(settings: Settings, run_id: str, secrets: Mapping[str, Any]) -> None:
    """Seal `secrets` for the process of the run `run_id`. Raises OSError."""
    path = _path(settings, run_id)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.write_bytes(path, _seal(settings).seal(json.dumps(secrets)).encode())


def take(settings: Settings, run_id: str) -> dict[str, Any]:
    """What was left for the run `run_id`; it can be taken once. Raises SecretsGone."""
    path = _path(settings, run_id)
    try:
        sealed = path.read_text(encoding="utf-8")
        path.unlink()
        secrets: dict[str, Any] = json.loads(_seal(settings).unseal(sealed))
    except (FileNotFoundError, SealBroken) as error:
        raise SecretsGone("The secret values of this run are gone; start it again from its form.") from error
    return secrets


def forget(settings: Settings, run_id: str) -> None:
    """Remove what was left for a run that will never take it."""
    _path(settings, run_id).unlink(missing_ok=True)


def left(settings: Settings) -> list[str]:
    """The ids of the runs for which something still lies there."""
    return [path.name for path in (settings.instance / _FOLDER).glob("[0-9]*")]


def _path(settings: Settings, run_id: str) -> Path:
    return settings.instance / _FOLDER / run_id


def _seal(settings: Settings) -> Seal:
    return Seal(settings.instance / "handover_key")
