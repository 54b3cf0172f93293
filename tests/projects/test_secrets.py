"""Secrets are sealed as ansible-vault seals, by keys that lie elsewhere and can be changed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from selfservice.errors import BadInput
from selfservice.projects.errors import SecretNotFound, SecretsUnreadable
from selfservice.projects.models import Project
from selfservice.projects.projects import Plan
from selfservice.settings import Settings
from selfservice.web.services import Services
from tests.projects.conftest import ROOT

VALUE = "s3cret välue"


@pytest.fixture
def project(services: Services) -> Project:
    return services.projects.create("zebra", Plan("Zebra"), ROOT)


def test_a_secret_can_be_opened_with_ansible_vault_and_the_key(
    services: Services, settings: Settings, project: Project, tmp_path: Path
) -> None:
    secret = services.secrets.set(project, "api_token", VALUE, "For the shop", ROOT)
    assert secret.sealed.startswith("$ANSIBLE_VAULT;1.2;AES256;key-")
    name, key = settings.vault_keys_file.read_text().split()
    (tmp_path / "key").write_text(key)
    (tmp_path / "sealed").write_text(secret.sealed)
    program = Path(sys.executable).with_name("ansible-vault")
    opened = subprocess.run(
        [program, "view", "--vault-id", f"{name}@{tmp_path / 'key'}", tmp_path / "sealed"],
        capture_output=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PAGER": "cat"},
    )
    assert opened.stdout.decode().strip() == VALUE
    assert services.secrets.values(project) == {"api_token": VALUE}


def test_the_keys_are_by_default_in_no_folder_that_holds_the_secrets(settings: Settings) -> None:
    usual = replace(settings, vault_keys="").vault_keys_file
    assert not usual.is_relative_to(settings.home)
    assert replace(settings, vault_keys="", home=Path("/elsewhere")).vault_keys_file != usual


def test_only_this_user_reads_the_keys(services: Services, settings: Settings, project: Project) -> None:
    services.secrets.set(project, "api_token", VALUE, "", ROOT)
    assert settings.vault_keys_file.stat().st_mode & 0o077 == 0


def test_another_key_seals_everything_anew_and_the_old_one_is_forgotten(
    services: Services, settings: Settings, project: Project
) -> None:
    before = services.secrets.set(project, "api_token", VALUE, "", ROOT).sealed
    old = settings.vault_keys_file.read_text()
    assert services.secrets.rotate(ROOT) == 1
    assert services.secrets.values(project) == {"api_token": VALUE}
    assert services.secrets.all(project)[0].sealed != before
    assert old.split()[1] not in settings.vault_keys_file.read_text()


def test_whoever_dies_between_two_keys_leaves_both(services: Services, settings: Settings, project: Project) -> None:
    services.secrets.set(project, "api_token", VALUE, "", ROOT)
    services.secrets._vault.add_key()
    assert services.secrets.values(project) == {"api_token": VALUE}
    services.secrets.rotate(ROOT)
    assert len(settings.vault_keys_file.read_text().splitlines()) == 1
    assert services.secrets.values(project) == {"api_token": VALUE}


def test_without_the_key_nothing_is_opened(services: Services, settings: Settings, project: Project) -> None:
    services.secrets.set(project, "api_token", VALUE, "", ROOT)
    settings.vault_keys_file.write_text("key-00000000 another\n")
    with pytest.raises(SecretsUnreadable, match="cannot be opened by the keys in"):
        services.secrets.values(project)


def test_no_value_stands_in_the_history(services: Services, settings: Settings, project: Project) -> None:
    services.secrets.set(project, "api_token", VALUE, "", ROOT)
    services.secrets.remove(project, "api_token", ROOT)
    with pytest.raises(SecretNotFound):
        services.secrets.remove(project, "api_token", ROOT)
    lines = "".join(path.read_text() for path in settings.audit.glob("*.jsonl"))
    assert "secret:set" in lines
    assert VALUE not in lines


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("Api-Token", VALUE, "name"),
        ("ansible_ssh_common_args", VALUE, "name"),
        ("ansible_connection", VALUE, "name"),
        ("hostvars", VALUE, "name"),
        ("pin", "123", "value"),
        ("huge", "x" * 70_000, "value"),
    ],
)
def test_what_cannot_be_a_secret_says_why(
    services: Services, project: Project, name: str, value: str, field: str
) -> None:
    with pytest.raises(BadInput) as refused:
        services.secrets.set(project, name, value, "", ROOT)
    assert refused.value.field == field
