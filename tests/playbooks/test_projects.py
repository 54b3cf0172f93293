"""Deploying and backing up with the scripts of a project."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from tests.playbooks.conftest import Operation, Play, program, together


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    program(folder, "deploy.sh", 'echo "$# $1 in $STAGE at $PWD" | tee deployed')
    program(folder, "backup.sh", "echo saved >> backup.tar")
    return folder


def test_deploying_and_backing_up_a_project(play: Play, project: Path) -> None:
    values = {"folder": str(project), "version": "1.2; $HOME", "variables_of_script": {"STAGE": "test"}}
    operations = (
        Operation("deploy", values),
        Operation("backup", {"folder": str(project), "backup_file": "backup.tar"}),
    )
    foreseen = play(*operations, switches=("--check", "--diff"))
    assert (foreseen.rc, foreseen.changed) == (0, [1, 1]), foreseen.output
    assert sorted(path.name for path in project.iterdir()) == ["backup.sh", "deploy.sh"]
    played = play(*operations)
    assert (played.rc, played.changed) == (0, [1, 1]), played.output
    assert (project / "deployed").read_text() == f"1 1.2; $HOME in test at {project}\n"
    assert "The backup backup.tar is there and fresh." in played.output


def test_a_backup_is_fresh_or_not_whatever_the_time_zone_of_the_master(play: Play, project: Path) -> None:
    program(project, "late.sh", "echo x > old.tar; touch -d '-90 minutes' old.tar")
    fresh = Operation("backup", {"folder": str(project), "backup_file": "backup.tar"})
    stale = Operation("backup", {"folder": str(project), "backup_file": "old.tar", "backup_script": "./late.sh"})
    zones = ("Europe/Berlin", "America/New_York")
    for played in together(*(partial(play, fresh, stale, TZ=zone) for zone in zones)):
        assert "backup.tar is there and fresh." in played.parts[0].output, played.output
        assert "old.tar is missing, empty or older than 60 minutes." in played.parts[1].output, played.output


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_script_runs_as_the_user_of_the_project(play: Play) -> None:
    deploy = {"folder": "/", "deploy_script": "/usr/bin/id", "version": "-un", "run_as": "nobody"}
    # nobody has no shell and may not read the Python of the tests, and there may be no sudo.
    by_su = {"ansible_become_method": "su", "ansible_become_flags": "-s /bin/sh"}
    python = {"ansible_python_interpreter": "/usr/bin/python3"}
    played = play(Operation("deploy", {**deploy, **by_su, **python}))
    assert '"nobody"' in played.output, played.output
