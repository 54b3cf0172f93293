"""Runs go by age and size, those that are kept stay, and compressed output reads as before."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from selfservice.audit.actions import Actor
from selfservice.audit.journal import Journal, JournalError
from selfservice.runs.folder import RunFolder
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


def test_it_knows_when_a_night_was_missed(settings: Settings) -> None:
    retention = Retention(settings, Journal(settings.audit, "master"), lambda _: Limits(90, 0))
    assert retention.is_due(NOW)
    retention.sweep(NOW)
    assert not retention.is_due(NOW + timedelta(hours=23))
    assert retention.is_due(NOW + timedelta(hours=25))


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


def test_what_cannot_be_recorded_is_not_removed(settings: Settings, runs: Runs, ended: Callable[..., str]) -> None:
    run_id = ended(100)
    for path in settings.audit.iterdir():
        path.unlink()
    settings.audit.rmdir()
    with pytest.raises(JournalError):
        sweep(settings, days=90)
    assert runs.get(run_id)[0].id == run_id


def test_a_mark_that_comes_while_it_sweeps_still_counts(
    settings: Settings, runs: Runs, ended: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = ended(100)
    lock = RunFolder.lock

    def mark_first(folder: RunFolder) -> int | None:
        runs.keep(run_id, ALICE)
        return lock(folder)

    monkeypatch.setattr(RunFolder, "lock", mark_first)
    assert sweep(settings, days=90) == []
    assert runs.get(run_id)[0].id == run_id


def test_a_removal_that_was_broken_off_is_finished_by_the_next_sweep(
    settings: Settings, ended: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended(100)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(shutil, "rmtree", _die)
        sweep(settings, days=90)
    assert len(list(settings.artifacts.iterdir())) == 1
    sweep(settings)
    assert list(settings.artifacts.iterdir()) == []


def test_kept_runs_take_no_room_from_others(settings: Settings, runs: Runs, ended: Callable[..., str]) -> None:
    megabyte = 1024 * 1024
    kept, _ = ended(1, 2 * megabyte), ended(2, megabyte // 2)
    runs.keep(kept, ALICE)
    assert sweep(settings, megabytes=1) == []


def test_output_is_not_compressed_while_somebody_holds_the_run(
    settings: Settings, runs: Runs, ended: Callable[..., str]
) -> None:
    folder = runs.folder(ended(8, 200_000))
    lock = folder.lock()
    assert lock is not None
    sweep(settings)
    os.close(lock)
    assert folder.stdout.exists()


@pytest.mark.parametrize("spoil", [b"", b"half an index"])
def test_a_torn_index_hides_no_output(tmp_path: Path, spoil: bytes) -> None:
    path = tmp_path / "stdout"
    path.write_bytes(b"line\n" * 20_000)
    compress(path)
    (tmp_path / "stdout.gzidx").write_bytes(spoil)
    with open_output(path) as file:
        file.seek(5 * 12_345)
        assert file.read(5) == b"line\n"


def test_the_page_of_a_compressed_output_is_as_before(
    settings: Settings, runs: Runs, ended: Callable[..., str], signed_in: FlaskClient
) -> None:
    run_id = ended(8, 5_000_000)
    before = runs.folder(run_id).stdout.read_bytes()
    plain = _seen(signed_in, run_id)
    sweep(settings)
    assert not runs.folder(run_id).stdout.exists()
    assert _seen(signed_in, run_id) == plain
    download = signed_in.get(f"/runs/{run_id}/download")
    assert download.data == before
    assert download.headers["Content-Length"] == str(len(before))


def _seen(client: FlaskClient, run_id: str) -> list[object]:
    """What a person sees of an output: its page without scripts, lines, a search, bytes."""
    api = f"/api/v1/runs/{run_id}"
    page = client.get(f"/runs/{run_id}").get_data(as_text=True)
    return [
        "a line of output" in page,
        client.get(f"{api}/lines?start=-20&count=20").json,
        client.get(f"{api}/lines?start=200000&count=5").json,
        client.get(f"{api}/find?q=LINE&start=250000&direction=previous").json,
        client.get(f"{api}/output?offset=4000000&limit=100").data,
    ]
