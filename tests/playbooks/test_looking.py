"""Operations that look: what they show, and that they change nothing."""

from __future__ import annotations

from pathlib import Path

from tests.playbooks import cases
from tests.playbooks.conftest import Operation, Play, Played, program, role_with, together

DISKS = """cat <<END
Filesystem Type Size Used Avail Use% Mounted on
overlay overlay 10G 4G 6G 40% /
tmpfs tmpfs 1G 1G 0 100% /run
/dev/loop0 squashfs 1G 1G 0 100% /snap/core
overlay overlay 10G 10G 0 99% /var/lib/docker/overlay2/x/merged
/dev/sdb1 ext4 10G 9G 1G 91% /srv/my data
END"""


def test_operations_that_look_change_nothing_and_end_with_what_they_saw(play: Play) -> None:
    real, foreseen = together(
        lambda: play(*cases.LOOKING), lambda: play(*cases.LOOKING, switches=("--check", "--diff"))
    )
    for played in (real, foreseen):
        assert (played.rc, set(played.changed)) == (0, {0}), played.output
        assert_shown(played)


def assert_shown(played: Played) -> None:
    """Each ends with what it saw, and only with that."""
    shown = {operation.name: part.output for operation, part in zip(cases.LOOKING, played.parts, strict=True)}
    for name, sentence in {
        "count_folders": "folders in /etc",
        "disk_usage": "Filesystem",
        "gather_facts": "Processors: ",
        "health_check": "Healthy.",
        "list_folder": "sshd_config",
        "memory_and_load": "Memory: ",
        "package_updates": "could be updated",
        "ping": "web-1 answers, and Ansible can work on it.",
        "top_processes": "COMMAND",
        "uptime": "Up for ",
    }.items():
        assert sentence in shown[name], name
        assert shown[name].count('"msg": [') == 1, name


def test_folders_are_counted_and_the_largest_come_first(play: Play, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for name, size in (("small", 1), ("large", 300), (".hidden/inside", 0)):
        (data / name).mkdir(parents=True)
        (data / name / "file").write_bytes(b"x" * size * 1024)
    played = play(
        Operation("count_folders", {"folder": str(data)}),
        Operation("count_folders", {"folder": str(data), "recursive": True, "hidden": True}),
        Operation("disk_usage", {"folder": str(data), "largest": 2}),
    )
    plain, every, usage = (part.output for part in played.parts)
    assert '"2 folders in ' in plain
    assert '"4 folders in ' in every
    assert usage.index("data/large") < usage.index("data/small")
    assert "data/.hidden" not in usage


def test_a_health_check_judges_every_disk_that_fills_up_and_reboots_that_are_due(play: Play, tmp_path: Path) -> None:
    full, due = tmp_path / "full", tmp_path / "due"
    full.mkdir()
    due.mkdir()
    program(full, "df", DISKS)
    program(full, "systemctl", "echo 'backup.service loaded failed failed Backup'")
    # As on Red Hat, and without systemd.
    program(due, "needs-restarting", "echo 'Reboot is required to fully utilize these updates.'; exit 1")
    program(due, "systemctl", "exit 1")
    limits = {"memory_percent": 100, "load_per_processor": 1000.0, "reboot_due_fails": True}
    of_full, of_due = together(
        lambda: play(playbook=role_with(full, "health_check", disk_percent=90, **limits)),
        lambda: play(playbook=role_with(due, "health_check", disk_percent=100, **limits)),
    )
    assert (of_full.rc, of_due.rc) == (2, 2)
    assert '"Disks: / 40%, /srv/my data 91%"' in of_full.output
    failed = "The disk at /srv/my data is 91% full, allowed are 90%. The unit backup.service has failed."
    assert f'"msg": "{failed}"' in of_full.output
    assert '"msg": "A reboot is due."' in of_due.output
    assert "Failed units: unknown, there is no systemd" in of_due.output
