"""Rebooting, with a stand-in for the command: the machine that tests is not rebooted."""

from __future__ import annotations

from pathlib import Path

from tests.playbooks.conftest import Operation, Play, program


def test_a_reboot_is_only_foreseen_in_check_mode(play: Play) -> None:
    played = play(Operation("reboot"), switches=("--check",))
    assert (played.rc, played.changed) == (0, [1]), played.output


def test_a_reboot_is_over_when_the_host_answers_with_another_boot_time(play: Play, tmp_path: Path) -> None:
    boots = tmp_path / "boots"
    boots.write_text("boot 1\n")
    command = program(tmp_path, "not-shutdown", f"echo boot 2 > {boots}")
    values = {"reboot_command": str(command), "reboot_boot_time_command": f"cat {boots}", "wait_seconds": 30}
    played = play(Operation("reboot", values))
    assert (played.rc, played.changed) == (0, [1]), played.output
    assert boots.read_text() == "boot 2\n"
    assert "web-1 answers again after " in played.output
