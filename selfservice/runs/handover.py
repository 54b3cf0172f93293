"""Secret variables on their way from the form to the run's process: sealed, read once, then gone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from selfservice.runs.errors import SecretsGone
from selfservice.settings import Settings
from selfservice.store import files
from selfservice.store.keys import kept_key

_FOLDER = "handover"
_GONE = "The secret values of this run are gone; start it again from its form."


def leave(settings: Settings, run_id: str, secrets: Mapping[str, Any]) -> None:
    """Seal `secrets` for the process of the run `run_id`. Raises OSError."""
    path = _path(settings, run_id)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.write_bytes(path, seal(settings, secrets).encode())


def take(settings: Settings, run_id: str) -> dict[str, Any]:
    """What was left for the run `run_id`; it can be taken once. Raises SecretsGone."""
    path = _path(settings, run_id)
    try:
        sealed = path.read_bytes()
        path.unlink()
    except FileNotFoundError as error:
        raise SecretsGone(_GONE) from error
    return unseal(settings, sealed.decode())


def seal(settings: Settings, secrets: Mapping[str, Any]) -> str:
    """`secrets` as only this node can read them."""
    return _fernet(settings).encrypt(json.dumps(secrets).encode()).decode()


def unseal(settings: Settings, sealed: str) -> dict[str, Any]:
    """What `seal` was given. Raises SecretsGone where it was sealed by another key."""
    try:
        secrets: dict[str, Any] = json.loads(_fernet(settings).decrypt(sealed))
    except InvalidToken as error:
        raise SecretsGone(_GONE) from error
    return secrets


def forget(settings: Settings, run_id: str) -> None:
    """Remove what was left for a run that will never take it."""
    _path(settings, run_id).unlink(missing_ok=True)


def left(settings: Settings) -> list[str]:
    """The ids of the runs for which something still lies there."""
    return [path.name for path in (settings.instance / _FOLDER).glob("[0-9]*")]


def _path(settings: Settings, run_id: str) -> Path:
    return settings.instance / _FOLDER / run_id


def _fernet(settings: Settings) -> Fernet:
    return Fernet(kept_key(settings.instance / "handover_key", Fernet.generate_key))
