"""Every test has an app and playbooks of its own; what each would compile or check anew is done once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from types import CodeType
from typing import Any

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule

from selfservice.operations.yaml_file import Problem

Check = Callable[[Path, Iterable[str]], dict[str, Problem] | None]


class _Templates(BytecodeCache):
    """Compiled templates, for as long as the tests go on."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._kept[bucket.key, bucket.checksum] = bucket.code


_templates = _Templates()


def share_templates(app: Flask) -> None:
    """Let `app` use the templates that apps before it have compiled."""
    app.jinja_env.bytecode_cache = _templates


def once_for_each_rule(compile_builder: Callable[..., Any]) -> Callable[..., Any]:
    """Werkzeug's compiler of what builds the URLs of a rule, for which the same rule is the same in any app."""
    kept: dict[tuple[object, ...], Any] = {}

    @wraps(compile_builder)
    def compiled(rule: Rule, append_unknown: bool = True) -> Any:
        key = (rule.rule, rule.subdomain, rule.host, repr(rule.defaults), rule.merge_slashes, append_unknown)
        if key not in kept:
            kept[key] = compile_builder(rule, append_unknown)
        return kept[key]

    return compiled


def once_for_each_content(check: Check) -> Check:
    """Ansible's opinion of playbooks, a second each time, of which the same files are the same in any folder."""
    kept: dict[tuple[object, ...], dict[str, Problem]] = {}

    @wraps(check)
    def checked(playbooks: Path, names: Iterable[str]) -> dict[str, Problem] | None:
        names = sorted(names)
        files = sorted(path for path in playbooks.rglob("*") if path.is_file())
        key = (*names, *((path.relative_to(playbooks), path.read_bytes()) for path in files))
        if key in kept:
            return kept[key]
        problems = check(playbooks, names)
        if problems is not None and str(playbooks) not in str(problems):
            kept[key] = problems
        return problems

    return checked
