"""Documentation that cannot rot: it names what the code has, and nothing else."""

from __future__ import annotations

import re
from dataclasses import fields

from selfservice.settings import CHECKOUT, Settings

README = (CHECKOUT / "README.md").read_text(encoding="utf-8")


def test_the_readme_lists_every_setting_with_its_meaning() -> None:
    listed = re.findall(r"^\| `([A-Z_]+)` \| .+ \| (.+) \|$", README, re.MULTILINE)
    assert listed == [(each.metadata["name"], each.metadata["meaning"]) for each in fields(Settings)]


def test_every_make_target_the_readme_names_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)$", README, re.MULTILINE)) <= targets


def test_links_of_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\(((?!http)[^)]+)\)", README):
        assert (CHECKOUT / target).exists(), target
