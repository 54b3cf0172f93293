"""Operations with every kind of field, a broken one, and one without a spec."""

from __future__ import annotations

from tests.operations.playbooks import Playbooks

EVERY_KIND = """
region: {type: str, default: eu, choices: [eu, us], description: Where the machines stand.}
city: {type: str, description: One of the region's cities.}
source: {type: str, default: text, choices: [text, path], description: Where the script comes from.}
script: {type: str, description: The script itself.}
path: {type: path, description: Its path on the master.}
count: {type: int, default: 3, description: How many times.}
ratio: {type: float}
careful: {type: bool, default: true, description: Stop at the first mistake.}
sure: {type: bool, required: true, description: Somebody has to say so.}
password: {type: str, no_log: true, description: Kept nowhere.}
names: {type: list, elements: str, description: Whom to greet.}
days: {type: list, elements: str, choices: [mon, tue, wed], description: On which days.}
limits:
  type: dict
  description: What is too much.
  options:
    disk: {type: int, default: 90, description: Per cent.}
    memory: {type: int, description: Per cent.}
rules:
  type: list
  elements: dict
  description: What to open.
  options:
    port: {type: int, required: true}
    protocol: {type: str, choices: [tcp, udp], default: tcp}
extra: {type: dict, description: Anything else.}
"""
EVERY_KIND_SIDECAR = """
title: Every kind of field
category: Samples
icon: ui-checks
description: Shows what a form can ask for.
help: It changes nothing at all.
fields:
  city: {choices_from: {field: region, map: {eu: [Bern, Wien], us: [Boston]}}}
  script: {multiline: true, shown_when: {field: source, equals: text}}
  path: {shown_when: {field: source, equals: path}}
"""
SHOWN = "- ansible.builtin.debug: {msg: \"{{ {'count': count, 'city': city | default('none')} }}\"}"


def write_samples(playbooks: Playbooks) -> None:
    """Write them all."""
    playbooks.operation("every_kind", EVERY_KIND, EVERY_KIND_SIDECAR, SHOWN)
    playbooks.operation(
        "say_hello",
        "greeting: {type: str, default: Hello, description: How to greet.}",
        "title: Say hello\ncategory: Samples\nicon: chat\ndescription: Prints a greeting on each host.\n",
        '- ansible.builtin.debug: {msg: "{{ greeting }}"}',
    )
    playbooks.operation(
        "write_note",
        "path: {type: path, required: true, description: The file.}\ntext: {type: str, default: Hello.}",
        """
        title: Write a note
        category: Samples
        icon: pencil
        description: Writes a file on each host.
        danger: dangerous
        confirmation: The file is overwritten on every chosen host.
        same_running: refuse
        """,
        '- ansible.builtin.copy: {content: "{{ text }}\\n", dest: "{{ path }}", mode: "0600"}',
    )
    playbooks.operation(
        "wait_for_file",
        "path: {type: path, required: true, description: The file to wait for.}",
        "title: Wait for a file\ncategory: Samples\nicon: hourglass\ndescription: Ends when the file is there.\n",
        '- ansible.builtin.wait_for: {path: "{{ path }}", timeout: 60}',
    )
    playbooks.write("no_spec.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: {var: anything}\n")
    playbooks.write("broken.yml", "- hosts: all\n  tasks:\n    - debug: {msg: 'never closed\n")
    playbooks.operation("misspelt", "x: {type: str}", "titel: Misspelt\n")
