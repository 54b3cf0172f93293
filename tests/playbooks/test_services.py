"""Services: a real one of the old kind, as there is no systemd where tests run, and a systemd that is played."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.playbooks.conftest import Operation, Play, program, role_with, together

SYSTEMCTL = """echo LoadState=loaded
echo ActiveState=active
echo SubState=running
echo UnitFileState=enabled
echo StateChangeTimestamp=Sat 2026-11-21 05:00:00 UTC"""


@pytest.fixture
def service() -> Iterator[str]:
    """A service with an init script."""
    name = "selfservice-test"
    script, calls = Path("/etc/init.d") / name, Path("/run") / name
    script.write_text(
        f"#!/bin/sh\n### BEGIN INIT INFO\n# Provides: {name}\n"
        "# Default-Start: 2\n# Default-Stop: 0\n### END INIT INFO\n"
        f'if test "$1" != status; then echo "$1" >> {calls}; exit; fi\n'
        f'if tail -n 1 {calls} | grep -q start; then echo "{name} is running"; exit; fi\n'
        f'echo "{name} is stopped"; exit 3\n'
    )
    script.chmod(0o755)
    calls.write_text("")
    yield name
    script.unlink()
    calls.unlink()


@pytest.mark.skipif(os.geteuid() != 0 or not Path("/etc/init.d").is_dir(), reason="needs root and init scripts")
def test_starting_restarting_and_stopping_a_service(play: Play, service: str) -> None:
    calls = Path("/run") / service
    start, stop, restart, status = (
        Operation(f"service_{what}", {"service": service}) for what in ("start", "stop", "restart", "status")
    )
    foreseen = play(status, start, restart, switches=("--check", "--diff"))
    assert (foreseen.rc, foreseen.changed, calls.read_text()) == (0, [0, 1, 1], ""), foreseen.output
    assert f"{service} does not run" in foreseen.parts[0].output

    played = play(start, start, restart, status, stop, stop)
    assert (played.rc, played.changed) == (0, [1, 0, 1, 0, 1, 0]), played.output
    assert f"{service} runs" in played.parts[3].output
    assert calls.read_text().split() == ["start", "stop", "start", "stop"]


def test_the_status_by_systemd_is_told_in_words(play: Play, tmp_path: Path) -> None:
    known, unknown = tmp_path / "known", tmp_path / "unknown"
    known.mkdir()
    unknown.mkdir()
    program(known, "systemctl", SYSTEMCTL)
    program(unknown, "systemctl", "echo LoadState=not-found; echo ActiveState=inactive")
    told, refused = together(
        lambda: play(playbook=role_with(known, "service", entry="status", service="nginx")),
        lambda: play(playbook=role_with(unknown, "service", entry="status", service="nginx")),
    )
    for line in ("nginx runs (active, running)", "Since: Sat 2026-11-21 05:00:00 UTC", "At boot: enabled"):
        assert f'"{line}"' in told.output
    assert "There is no service nginx on web-1." in refused.output
