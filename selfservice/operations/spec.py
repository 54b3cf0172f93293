"""What a role says of its variables: Ansible's `meta/argument_specs.yml`, as the form reads it.

The format: https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_reuse_roles.html#role-argument-validation
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from selfservice.operations.yaml_file import Place, Problem, YamlFile

TYPES = ("str", "int", "float", "bool", "path", "list", "dict", "raw")
_KNOWN_KEYS = frozenset(
    {"type", "elements", "options", "choices", "required", "default", "description", "no_log", "version_added"}
)


@dataclass(frozen=True)
class Option:
    """One variable of a role."""

    name: str
    type: str
    description: str = ""
    elements: str | None = None
    required: bool = False
    default: Any = None
    choices: tuple[Any, ...] = ()
    no_log: bool = False
    options: tuple[Option, ...] = ()
    #: The same as Ansible's own validator takes it.
    raw: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def secret(self) -> bool:
        """Whether a part of its value must be kept and shown nowhere."""
        return self.no_log or any(option.secret for option in self.options)

    @property
    def usable_default(self) -> Any:
        """The default as a value; None where there is none or where only Ansible can work it out."""
        return None if "{{" in str(self.default) else self.default


def has_entry(file: YamlFile, entry_point: str, place: Place) -> bool:
    """Whether there is a spec of this entry point among those at `place`, if only to say that it has no options."""
    return _at(file.value, (*place, entry_point)) is not None


def options_of(file: YamlFile, entry_point: str, place: Place) -> tuple[tuple[Option, ...], list[Problem]]:
    """The options of one entry point, whose specs stand at `place`, and what is wrong with them."""
    entry = _at(file.value, (*place, entry_point))
    if entry is None:
        return (), []
    if not isinstance(entry, dict):
        return (), [file.problem(f"“{entry_point}” must be a mapping.", (*place, entry_point))]
    problems: list[Problem] = []
    where = (*place, entry_point, "options")
    return _options(entry.get("options") or {}, where, file, problems), problems


def _options(raw: Any, place: Place, file: YamlFile, problems: list[Problem]) -> tuple[Option, ...]:
    if not isinstance(raw, dict):
        problems.append(file.problem("“options” must be a mapping of names.", place))
        return ()
    return tuple(_option(str(name), each, (*place, name), file, problems) for name, each in raw.items())


def _option(name: str, raw: Any, place: Place, file: YamlFile, problems: list[Problem]) -> Option:
    raw = {} if raw is None else raw
    if not isinstance(raw, dict):
        problems.append(file.problem(f"The option “{name}” must be a mapping.", place))
        return Option(name, "str")
    for sentence, key in _mistakes(name, raw):
        problems.append(file.problem(sentence, (*place, key)))
    inner = _options(raw.get("options") or {}, (*place, "options"), file, problems)
    return Option(
        name=name,
        type=str(raw.get("type", "str")),
        description=_text(raw.get("description")),
        elements=raw.get("elements"),
        required=bool(raw.get("required", False)),
        default=raw.get("default"),
        choices=tuple(raw["choices"]) if isinstance(raw.get("choices"), list) else (),
        no_log=bool(raw.get("no_log", False)),
        options=inner,
        raw=_for_validator(raw),
    )


def _mistakes(name: str, raw: dict[str, Any]) -> list[tuple[str, str]]:
    """Sentences about what is wrong with one option, each with the key it is about."""
    found = []
    for key in ("type", "elements"):
        if raw.get(key) is not None and raw[key] not in TYPES:
            found.append((f"“{raw[key]}” is no type of the option “{name}”; there are {', '.join(TYPES)}.", key))
    if "choices" in raw and not isinstance(raw["choices"], list):
        found.append((f"The choices of “{name}” must be a list.", "choices"))
    if raw.get("options") and raw.get("type") not in ("dict", "list"):
        found.append((f"“{name}” has options of its own, so its type must be dict or list.", "type"))
    if raw.get("required") and raw.get("default") is not None:
        found.append((f"“{name}” is required, so its default has no effect.", "default"))
    unknown = sorted(str(key) for key in raw if key not in _KNOWN_KEYS)
    found += [(f"“{key}” is not known of an option.", key) for key in unknown]
    return found


def _for_validator(raw: dict[str, Any]) -> dict[str, Any]:
    """Only what Ansible's validator looks at."""
    wanted: dict[str, Any] = {
        key: raw[key] for key in ("type", "elements", "choices", "required", "no_log") if key in raw
    }
    if raw.get("default") is not None:
        wanted["default"] = raw["default"]
    if isinstance(raw.get("options"), dict):
        wanted["options"] = {
            str(name): _for_validator(each if isinstance(each, dict) else {}) for name, each in raw["options"].items()
        }
    return wanted


def _text(description: Any) -> str:
    if isinstance(description, list):
        return " ".join(str(part).strip() for part in description)
    return str(description or "").strip()


def _at(value: Any, place: Place) -> Any:
    for key in place:
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value
