"""A launch is one run, whoever asks how often, and whatever died in between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from selfservice.audit.actions import Actor
from selfservice.audit.journal import Journal
from selfservice.errors import BadInput
from selfservice.runs import handover
from selfservice.runs.errors import KeyReused, SameRunning, SecretsGone
from selfservice.runs.launching import Launch, WhenSameRuns
from selfservice.runs.run import RunKind, RunRequest, State, Status
from selfservice.runs.runs import Runs
from selfservice.settings import Settings

ALICE = Actor("alice", "session", "192.0.2.7")
BOB = Actor("bob", "token", "192.0.2.8")
DISK_SPACE = RunRequest(RunKind.COMMAND, hosts="web-1", host_names=("web-1",), command="df -h /")


@pytest.fixture
def runs(settings: Settings) -> Runs:
    for folder in (settings.artifacts, settings.audit, settings.instance):
        folder.mkdir(parents=True, exist_ok=True)
    return Runs(settings, Journal(settings.audit, settings.node_name))


def test_a_key_launches_once_however_many_ask_at_once(runs: Runs) -> None:
    launch = Launch(DISK_SPACE, ALICE, key="click-1")
    with ThreadPoolExecutor(8) as pool:
        ids = {run.id for run in pool.map(lambda _: runs.launch(launch), range(24))}
    assert len(ids) == 1
    assert runs.counts()["queued"] == 1


def test_a_key_belongs_to_whoever_used_it(runs: Runs) -> None:
    first = runs.launch(Launch(DISK_SPACE, ALICE, key="k"))
    assert runs.launch(Launch(DISK_SPACE, BOB, key="k")).id != first.id


def test_a_key_stands_for_one_request(runs: Runs) -> None:
    runs.launch(Launch(DISK_SPACE, ALICE, key="k"))
    with pytest.raises(KeyReused):
        runs.launch(Launch(replace(DISK_SPACE, command="reboot"), ALICE, key="k"))


def test_a_launch_that_died_after_claiming_its_key_is_made_up_for(
    runs: Runs, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    launch = Launch(DISK_SPACE, ALICE, key="k")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Journal, "append", die)
        runs.launch(launch)
    assert runs.counts()["queued"] == 0
    fresh = Runs(settings, Journal(settings.audit, settings.node_name))
    first = fresh.launch(launch)
    assert fresh.launch(launch).id == first.id
    assert fresh.counts()["queued"] == 1


def test_the_same_that_is_going_on_is_told_and_may_be_forced(runs: Runs) -> None:
    first = runs.launch(Launch(DISK_SPACE, BOB))
    warned = Launch(DISK_SPACE, ALICE, when_same_runs=WhenSameRuns.WARN)
    with pytest.raises(SameRunning, match="started by bob") as caught:
        runs.launch(warned)
    assert (caught.value.same.id, caught.value.may_force) == (first.id, True)
    assert runs.launch(replace(warned, force=True)).id != first.id


def test_a_refusal_cannot_be_forced(runs: Runs) -> None:
    runs.launch(Launch(DISK_SPACE, BOB))
    with pytest.raises(SameRunning) as caught:
        runs.launch(Launch(DISK_SPACE, ALICE, when_same_runs=WhenSameRuns.REFUSE, force=True))
    assert not caught.value.may_force


@pytest.mark.parametrize(
    "other",
    [
        replace(DISK_SPACE, hosts="web-2", host_names=("web-2",)),
        replace(DISK_SPACE, command="df -i"),
        replace(DISK_SPACE, check=True),
    ],
)
def test_other_hosts_values_or_a_preview_are_not_the_same(runs: Runs, other: RunRequest) -> None:
    runs.launch(Launch(DISK_SPACE, BOB))
    runs.launch(Launch(other, ALICE, when_same_runs=WhenSameRuns.REFUSE))
    assert runs.counts()["queued"] == 2


def test_what_has_ended_stands_in_nobodys_way(runs: Runs) -> None:
    first = runs.launch(Launch(DISK_SPACE, BOB))
    runs.folder(first.id).write_status(Status(State.SUCCESSFUL))
    runs.launch(Launch(DISK_SPACE, ALICE, when_same_runs=WhenSameRuns.REFUSE))
    assert runs.counts()["queued"] == 1


def test_secret_values_are_sealed_taken_once_and_in_no_other_file(runs: Runs, settings: Settings) -> None:
    request = replace(DISK_SPACE, secret_names=("password",))
    run = runs.launch(Launch(request, ALICE, secrets={"password": "correct horse"}))
    everything = b"".join(path.read_bytes() for path in settings.home.rglob("*") if path.is_file())
    assert b"correct horse" not in everything
    assert handover.take(settings, run.id) == {"password": "correct horse"}
    with pytest.raises(SecretsGone):
        handover.take(settings, run.id)


def test_a_run_with_secrets_is_not_repeated_without_them(runs: Runs) -> None:
    request = replace(DISK_SPACE, secret_names=("password",))
    run = runs.launch(Launch(request, ALICE, secrets={"password": "correct horse"}))
    with pytest.raises(BadInput, match="kept nowhere"):
        runs.to_repeat(run.id, only_failed=False)
