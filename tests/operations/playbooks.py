"""Folders of playbooks, written by tests."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent


class Playbooks:
    """A folder of playbooks that a test fills."""

    def __init__(self, folder: Path) -> None:
        """Make the folder."""
        self.folder = folder
        (folder / "roles").mkdir(parents=True, exist_ok=True)
        (folder / "operations").mkdir(exist_ok=True)

    def write(self, name: str, text: str) -> Path:
        """A file below the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"))
        return path

    def operation(self, name: str, options: str = "", sidecar: str = "", tasks: str = "") -> None:
        """A playbook with a role of the same name, its spec (`options`, YAML) and its sidecar."""
        self.write(f"{name}.yml", f"- hosts: all\n  gather_facts: false\n  roles: [{name}]\n")
        shown = dedent(tasks).strip() or f"- ansible.builtin.debug: {{msg: {name}}}"
        self.write(f"roles/{name}/tasks/main.yml", shown + "\n")
        if options:
            spec = "argument_specs:\n  main:\n    options:\n" + _indented(options, 6)
            self.write(f"roles/{name}/meta/argument_specs.yml", spec)
        if sidecar:
            self.write(f"operations/{name}.yml", sidecar)


def _indented(text: str, spaces: int) -> str:
    return "".join(f"{' ' * spaces}{line}\n" if line else "\n" for line in dedent(text).strip().splitlines())
