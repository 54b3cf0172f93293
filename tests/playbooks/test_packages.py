"""Packages: really upgraded from a small repository of the test, and only foreseen in check mode."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.playbooks.conftest import Operation, Play, together

NAME = "selfservice-test"
SOURCES = Path(f"/etc/apt/sources.list.d/{NAME}.list")

pytestmark = pytest.mark.skipif(shutil.which("apt-get") is None or os.geteuid() != 0, reason="needs apt and root")


def build(folder: Path, version: str) -> Path:
    """An empty package."""
    control = folder / version / "DEBIAN" / "control"
    control.parent.mkdir(parents=True)
    control.write_text(
        f"Package: {NAME}\nVersion: {version}\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\n"
        "Description: empty\n"
    )
    made = folder / f"{NAME}_{version}_all.deb"
    subprocess.run(["dpkg-deb", "--build", folder / version, made], check=True, capture_output=True)
    return made


@pytest.fixture
def old_package() -> Iterator[str]:
    """An installed package of which a repository has a newer version."""
    # Not in the folder of the test: apt reads repositories as a user who may not look into that.
    folder = Path(tempfile.mkdtemp(prefix=f"{NAME}-"))
    folder.chmod(0o755)
    old, new = build(folder, "1.0"), build(folder, "2.0")
    control = (folder / "2.0/DEBIAN/control").read_text()
    digest = hashlib.sha256(new.read_bytes()).hexdigest()
    (folder / "Packages").write_text(f"{control}Filename: ./{new.name}\nSize: {new.stat().st_size}\nSHA256: {digest}\n")
    subprocess.run(["dpkg", "--install", old], check=True, capture_output=True)
    SOURCES.write_text(f"deb [trusted=yes] file:{folder} ./\n")
    only = ["-o", f"Dir::Etc::sourcelist={SOURCES}", "-o", "Dir::Etc::sourceparts=-", "-o", "APT::Get::List-Cleanup=0"]
    subprocess.run(["apt-get", "update", *only], check=True, capture_output=True)
    yield NAME
    SOURCES.unlink()
    subprocess.run(["dpkg", "--purge", NAME], check=True, capture_output=True)
    for path in Path("/var/lib/apt/lists").glob(f"*{folder.name}*"):
        path.unlink()
    shutil.rmtree(folder)


def installed(pattern: str = "*") -> str:
    shown = ["dpkg-query", "--show", "--showformat=${Package} ${Version} ${db:Status-Status}\n", pattern]
    return subprocess.run(shown, capture_output=True, text=True, check=False).stdout


def test_a_chosen_package_is_upgraded_once(play: Play, old_package: str) -> None:
    look = Operation("package_updates", {"refresh": False})
    upgrade = Operation("package_upgrade", {"scope": "chosen", "packages": [old_package]})
    listed, foreseen = together(lambda: play(look), lambda: play(upgrade, switches=("--check", "--diff")))
    assert (listed.rc, listed.changed) == (0, [0]), listed.output
    assert f"{old_package} 1.0 → 2.0" in listed.output
    assert (foreseen.rc, foreseen.changed) == (0, [1]), foreseen.output
    assert installed(old_package) == f"{old_package} 1.0 installed\n"
    played = play(upgrade, upgrade)
    assert (played.rc, played.changed) == (0, [1, 0]), played.output
    assert installed(old_package) == f"{old_package} 2.0 installed\n"


def test_packages_are_only_foreseen_in_check_mode(play: Play) -> None:
    before = installed()
    installing, updating = together(
        lambda: play(Operation("install_nginx"), Operation("install_docker"), switches=("--check",)),
        lambda: play(Operation("system_update"), Operation("package_upgrade"), switches=("--check",)),
    )
    assert (installing.rc, updating.rc) == (0, 0), installing.output + updating.output
    for package, changed in zip(("nginx", "docker.io"), installing.changed, strict=True):
        assert bool(changed) == (f"{package} " not in installed(package) or "not-installed" in installed(package))
    assert installed() == before
