"""Which extra variables of a command line may be kept, and which are secret."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

#: Names of what is mostly secret; "key", "pass" and the like only as words of their own, as in api_key.
_SECRET_NAME = re.compile(
    r"passw|passphrase|secret|token|credential|(?<![a-z])((api)?keys?|pass|pwd|vaultpass)(?![a-z])", re.IGNORECASE
)
_SPEC_FILES = ("argument_specs.yml", "argument_specs.yaml", "main.yml", "main.yaml")


@dataclass(frozen=True)
class Sorted:
    """Extra variables, the secret ones told from the others."""

    variables: dict[str, Any]
    secrets: dict[str, Any]


def sort(extra: Mapping[str, Any], no_log: frozenset[str], encrypted: frozenset[str] = frozenset()) -> Sorted:
    """Tell secret variables from others: by name, by `no_log` of a role, by encryption."""
    variables: dict[str, Any] = {}
    secrets: dict[str, Any] = {}
    for name, value in extra.items():
        secret = name in no_log or name in encrypted or _looks_secret(name, value) or _has_encrypted(value)
        (secrets if secret else variables)[str(name)] = value
    plain: dict[str, Any] = json.loads(json.dumps(variables, default=str))
    return Sorted(plain, secrets)


def no_log_names(role_folders: Iterable[Path]) -> frozenset[str]:
    """The variables that a spec of any role in these folders marks as no_log."""
    found: set[str] = set()
    for folder in role_folders:
        for name in _SPEC_FILES:
            for path in folder.glob(f"*/meta/{name}"):
                found.update(_no_log_in(path))
    return frozenset(found)


def _looks_secret(name: object, value: Any) -> bool:
    if _SECRET_NAME.search(str(name)):
        return True
    if isinstance(value, Mapping):
        return any(_looks_secret(key, each) for key, each in value.items())
    return isinstance(value, (list, tuple)) and any(_looks_secret("", each) for each in value)


def _has_encrypted(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_encrypted, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_has_encrypted, value))
    return hasattr(value, "_ciphertext")  # what Ansible makes of !vault, in every version


def _no_log_in(path: Path) -> Iterator[str]:
    try:
        text = path.read_text(encoding="utf-8")
        specs = yaml.safe_load(text).get("argument_specs") if "no_log" in text else None
    except (OSError, ValueError, AttributeError, yaml.YAMLError):  # Ansible itself says what is wrong with it
        return
    for entry in specs.values() if isinstance(specs, dict) else ():
        options = entry.get("options") if isinstance(entry, dict) else None
        for name, option in options.items() if isinstance(options, dict) else ():
            if _is_no_log(option):
                yield str(name)


def _is_no_log(option: Any) -> bool:
    if not isinstance(option, dict):
        return False
    inner = option.get("options")
    return bool(option.get("no_log")) or (isinstance(inner, dict) and any(map(_is_no_log, inner.values())))
