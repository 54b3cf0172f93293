"""Each operation that comes with the program does what it says on a real SSH host, and in check mode nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from selfservice.operations.catalogue import Catalogue
from selfservice.settings import CHECKOUT
from tests.playbooks.conftest import Played

PLAYBOOKS = CHECKOUT / "playbooks"
NAMES = sorted(path.stem for path in PLAYBOOKS.glob("*.yml"))
#: Operations that only look, with the values they are tried with.
LOOKING: dict[str, dict[str, object]] = {
    "count_folders": {"folder": "/etc", "recursive": True},
    "disk_usage": {"folder": "/", "largest": 0},
    "gather_facts": {"subsets": ["min", "hardware"]},
    "health_check": {"disk_percent": 100, "memory_percent": 100, "load_per_processor": 1000.0},
    "list_folder": {"folder": "/etc/ssh"},
    "memory_and_load": {},
    "package_updates": {"refresh": False},
    "ping": {},
    "service_status": {"service": "ssh"},
    "top_processes": {"count": 3},
    "uptime": {},
}
Play = Callable[..., Played]


def all_of_them(folder: Path) -> Path:
    """A playbook that does all the looking."""
    plays = [
        {"import_playbook": str(PLAYBOOKS / f"{name}.yml"), "vars": values} for name, values in sorted(LOOKING.items())
    ]
    path = folder / "looking.yml"
    path.write_text(yaml.safe_dump(plays))
    return path


def test_every_playbook_is_a_sound_operation() -> None:
    operations = Catalogue(PLAYBOOKS).all()
    assert [str(problem) for operation in operations for problem in operation.problems] == []
    assert sorted(operation.name for operation in operations) == NAMES
    for operation in operations:
        assert operation.has_spec, operation.name
        assert operation.sidecar.description, operation.name
        for option in operation.options:
            assert option.description.endswith("."), f"{operation.name}: {option.name}"


def test_defaults_of_roles_are_those_of_their_specs() -> None:
    for path in sorted(PLAYBOOKS.glob("roles/*/meta/argument_specs.yml")):
        role = path.parent.parent
        specs = yaml.safe_load(path.read_text())["argument_specs"].values()
        options = {name: option for spec in specs for name, option in (spec.get("options") or {}).items()}
        expected = {name: option["default"] for name, option in options.items() if "default" in option}
        defaults = role / "defaults/main.yml"
        assert (yaml.safe_load(defaults.read_text()) if defaults.exists() else {}) == expected, role.name


@pytest.mark.parametrize("switches", [(), ("--check", "--diff")], ids=["for-real", "in-check-mode"])
def test_operations_that_look_change_nothing(play: Play, tmp_path: Path, switches: tuple[str, ...]) -> None:
    played = play(all_of_them(tmp_path), *switches)
    assert (played.rc, played.changed) == (0, 0), played.output
    assert "Healthy." in played.output
    assert "Filesystem" in played.output
    assert "Mem:" in played.output


def test_the_largest_folders_come_first(play: Play, tmp_path: Path) -> None:
    for name, size in (("small", 1), ("large", 300)):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "file").write_bytes(b"x" * size * 1024)
    played = play("disk_usage", folder=str(tmp_path / "data"), largest=5)
    assert played.output.index("data/large") < played.output.index("data/small")


def test_a_folder_that_is_not_there_is_told(play: Play) -> None:
    played = play("count_folders", folder="/no/such/folder")
    assert played.rc == 2
    assert "There is no folder /no/such/folder on web-1." in played.output


def test_a_missing_value_is_refused_by_ansible_itself(play: Play) -> None:
    played = play("count_folders")
    assert played.rc == 2
    assert "missing required arguments: folder" in played.output


def test_a_health_check_fails_with_what_is_wrong(play: Play) -> None:
    played = play("health_check", disk_percent=0, memory_percent=100, load_per_processor=1000.0)
    assert played.rc == 2
    assert "full, allowed are 0%." in played.output


def test_copying_a_file(play: Play, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("new\n")
    values = {"source_file": str(source), "target": str(target), "file_mode": "0600"}
    assert play("copy_file", "--check", "--diff", **values).changed == 1
    assert not target.exists()
    assert play("copy_file", **values).changed == 1
    assert (target.read_text(), target.stat().st_mode & 0o777) == ("new\n", 0o600)
    assert play("copy_file", **values).changed == 0


def test_running_a_script(play: Play, tmp_path: Path) -> None:
    values = {"script_text": f"echo hello $1 > {tmp_path}/made; echo done", "arguments": ["{{ 1 }} world"]}
    preview = play("run_script", "--check", **values)
    assert (preview.rc, (tmp_path / "made").exists()) == (0, False), preview.output
    values["arguments"] = ["world"]
    played = play("run_script", **values)
    assert (played.rc, played.changed) == (0, 1), played.output
    assert (tmp_path / "made").read_text() == "hello world\n"
    assert "done" in played.output


def test_running_a_script_of_the_master(play: Play, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("echo from a file\n")
    assert "from a file" in play("run_script", source="file", script_file=str(script)).output
    assert "Name the path of the script" in play("run_script", source="file").output


@pytest.fixture
def service() -> Iterator[str]:
    """A service of the old kind, which runs where there is no systemd."""
    name = "selfservice-test"
    script, state = Path("/etc/init.d") / name, Path("/run") / name
    script.write_text(
        f"#!/bin/sh\n### BEGIN INIT INFO\n# Provides: {name}\n# Default-Start: 2\n"
        "# Default-Stop: 0\n### END INIT INFO\n"
        f'case "$1" in\n  start) echo x >> {state};;\n  stop) rm -f {state};;\n  restart) echo x >> {state};;\n'
        f'  status) test -e {state} && echo "{name} is running" || {{ echo "{name} is stopped"; exit 3; }};;\nesac\n'
    )
    script.chmod(0o755)
    yield name
    script.unlink()
    state.unlink(missing_ok=True)


def test_starting_restarting_and_stopping_a_service(play: Play, service: str) -> None:
    state = Path("/run") / service
    assert play("service_start", "--check", service=service).changed == 1
    assert not state.exists()
    assert play("service_start", service=service).changed == 1
    assert state.read_text() == "x\n"
    assert play("service_start", service=service).changed == 0
    assert "running" in play("service_status", service=service).output
    assert play("service_restart", service=service).changed == 1
    assert play("service_stop", service=service).changed == 1
    assert not state.exists()
    assert play("service_stop", service=service).changed == 0


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    for name, text in (
        ("deploy.sh", 'echo "version $1 in $STAGE" | tee deployed'),
        ("backup.sh", "echo data > backup.tar; echo saved"),
    ):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return folder


def test_deploying_a_project(play: Play, project: Path) -> None:
    values = {"folder": str(project), "version": "1.2", "variables_of_script": {"STAGE": "test"}}
    assert play("deploy", "--check", **values).rc == 0
    assert not (project / "deployed").exists()
    played = play("deploy", **values)
    assert (played.rc, (project / "deployed").read_text()) == (0, "version 1.2 in test\n"), played.output
    other = play("deploy", folder=str(project), deploy_script="./other.sh")
    assert "There is no executable ./other.sh" in other.output


def test_backing_up_a_project(play: Play, project: Path) -> None:
    fresh = play("backup", folder=str(project), backup_file=str(project / "backup.tar"))
    assert (fresh.rc, "is there and fresh" in fresh.output) == (0, True), fresh.output
    missing = play("backup", folder=str(project), backup_file=str(project / "other.tar"))
    assert (missing.rc, "is missing, empty or older" in missing.output) == (2, True)


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="needs apt")
@pytest.mark.parametrize("name", ["install_nginx", "install_docker", "system_update", "package_upgrade"])
def test_packages_are_only_foreseen_in_check_mode(play: Play, name: str) -> None:
    before = _packages()
    played = play(name, "--check")
    assert played.rc == 0, played.output
    assert _packages() == before


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="needs apt")
def test_chosen_packages_are_upgraded_or_there(play: Play) -> None:
    assert play("package_upgrade", scope="chosen", packages=["tar"]).rc == 0
    assert play("package_upgrade", scope="chosen", packages=["tar"]).changed == 0
    assert "Name at least one package" in play("package_upgrade", scope="chosen").output


def test_a_reboot_is_only_foreseen_in_check_mode(play: Play) -> None:
    played = play("reboot", "--check")
    assert (played.rc, played.changed) == (0, 1), played.output


def _packages() -> str:
    return subprocess.run(["dpkg-query", "--show"], capture_output=True, text=True, check=True).stdout


def test_the_documentation_names_them_all() -> None:
    table = (CHECKOUT / "docs/operations.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == NAMES
