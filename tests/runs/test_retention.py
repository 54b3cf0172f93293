"""Runs go by age and size, those that are kept stay, and compressed output reads as before."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from selfservice.audit.actions import Actor
from selfservice.audit.journal import Journal
from selfservice.runs.launching import Launch
from selfservice.runs.output import LineIndex
from selfservice.runs.retention import Limits, Retention
from selfservice.runs.run import RunKind, RunRequest, State, Status
from selfservice.runs.runs import Runs
from selfservice.runs.stored_output import compress, open_output
from selfservice.settings import Settings

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
ALICE = Actor("alice", "session", "192.0.2.7")


@pytest.fixture
def runs(settings: Settings) -> Runs:
    return Runs(settings, Journal(settings.audit, "master"))


@pytest.fixture
def ended(runs: Runs) -> Callable[..., str]:
    """Makes a run that ended some days ago, with output of some size."""

    def make(days: float, size: int = 10, operation: str = "", state: State = State.SUCCESSFUL) -> str:
        request = RunRequest(RunKind.PLAYBOOK, "all", ("master",), playbook="x.yml", operation=operation)
        run = runs.launch(Launch(request, ALICE))
        ended_at = (NOW - timedelta(days=days)).isoformat() if state.ended else None
        folder = runs.folder(run.id)
        folder.stdout.write_bytes((b"a line of output\n" * (size // 17 + 1))[:size])
        folder.write_status(Status(state, ended_at=ended_at))
        return run.id

    return make


def sweep(settings: Settings, days: int = 0, megabytes: int = 0, **own: Limits) -> list[str]:
    journal = Journal(settings.audit, "master")
    retention = Retention(settings, journal, lambda name: own.get(name, Limits(days, megabytes)))
    return retention.sweep(NOW).removed


def test_old_runs_are_removed_and_kept_ones_stay(settings: Settings, runs: Runs, ended: Callable[..., str]) -> None:
    old, kept, fresh = ended(100), ended(100), ended(1)
    runs.keep(kept, ALICE, "the audit of 2026")
    assert sweep(settings, days=90) == [old]
    assert {path.name for path in settings.artifacts.iterdir()} == {kept, fresh}
    runs.let_go(kept, ALICE)
    assert sweep(settings, days=90) == [kept]


def test_what_goes_on_is_never_removed(settings: Settings, ended: Callable[..., str]) -> None:
    ended(0, state=State.RUNNING)
    ended(0, state=State.QUEUED)
    assert sweep(settings, days=1) == []


def test_the_oldest_go_where_there_is_too_much(settings: Settings, ended: Callable[..., str]) -> None:
    megabyte = 1024 * 1024
    oldest, _, _ = ended(3, megabyte // 2), ended(2, megabyte // 4), ended(1, megabyte // 4)
    assert sweep(settings, megabytes=1) == [oldest]


def test_each_operation_has_its_own_limits(settings: Settings, ended: Callable[..., str]) -> None:
    short, _ = ended(10, operation="ping"), ended(10, operation="backup")
    assert sweep(settings, days=90, ping=Limits(7, 0)) == [short]


def test_what_another_process_holds_is_left(settings: Settings, runs: Runs, ended: Callable[..., str]) -> None:
    run_id = ended(100)
    lock = runs.folder(run_id).lock()
    assert lock is not None
    assert sweep(settings, days=90) == []
    os.close(lock)


def test_a_sweep_says_in_the_audit_what_it_did(settings: Settings, ended: Callable[..., str]) -> None:
    run_id = ended(100, operation="ping")
    sweep(settings, days=90)
    text = "".join(path.read_text() for path in settings.audit.glob("*.jsonl"))
    assert '"retention:sweep"' in text
    assert f'"oldest":"{run_id}"' in text.replace(": ", ":")


def test_it_sweeps_once_a_day(settings: Settings) -> None:
    retention = Retention(settings, Journal(settings.audit, "master"), lambda _: Limits(90, 0))
    assert retention.sweep_if_due(NOW) is not None
    assert retention.sweep_if_due(NOW + timedelta(hours=5)) is None
    assert retention.sweep_if_due(NOW + timedelta(hours=24)) is not None


def test_older_output_is_compressed_and_reads_the_same(
    settings: Settings, runs: Runs, ended: Callable[..., str]
) -> None:
    run_id = ended(8, 200_000)
    path = runs.folder(run_id).stdout
    before = path.read_bytes()
    sweep(settings)
    assert not path.exists()
    assert path.with_name("stdout.gz").stat().st_size < len(before) / 10
    with open_output(path) as file:
        assert file.read() == before
    index = LineIndex(path)
    assert index.grow()
    assert (index.size, index.lines(5000, 1)[0].content) == (len(before), b"a line of output")
    assert index.find("OUTPUT", 100, backwards=False) == 101
    assert index.find("output", 100, backwards=True) == 99


def test_dying_while_compressing_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "stdout"
    path.write_bytes(b"line\n" * 20_000)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "unlink", _die)
        compress(path)
    with open_output(path) as file:
        assert file.read(5) == b"line\n"
    compress(path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["stdout.gz", "stdout.gzidx"]


def _die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@examples(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(min_size=1, max_size=5000), repeat=st.integers(1, 400), where=st.floats(0, 1))
def test_any_place_of_compressed_output_is_what_it_was(
    tmp_path: Path, content: bytes, repeat: int, where: float
) -> None:
    path = tmp_path / "stdout"
    plain = content * repeat
    path.write_bytes(plain)
    compress(path)
    offset = int(where * len(plain))
    with open_output(path) as file:
        assert file.seek(0, 2) == len(plain)
        file.seek(offset)
        assert file.read(100) == plain[offset : offset + 100]
