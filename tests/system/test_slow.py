"""A run that takes longer than usual is told to whoever launched it, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from selfservice.alerts.alerts import Alerts
from selfservice.audit.journal import Journal
from selfservice.runs.run import State, Status
from selfservice.store.database import Database
from tests.system.conftest import Node, wait_for

MakeNode = Callable[..., Node]

LOCAL = (
    "all:\n  hosts:\n    master:\n      ansible_connection: local\n      ansible_python_interpreter: /usr/bin/python3\n"
)


def history(node: Node, command: str, seconds: float) -> None:
    """Six earlier successful runs of `command`."""
    for _ in range(6):
        run = node.launch(command, shell=True)
        start = datetime.now(UTC) - timedelta(hours=1)
        end = start + timedelta(seconds=seconds)
        node.runs.folder(run.id).write_status(
            Status(State.SUCCESSFUL, started_at=start.isoformat(), ended_at=end.isoformat(), rc=0)
        )


def told(node: Node) -> list[str]:
    alerts = Alerts(Database(node.settings), Journal(node.settings.audit, "master"))
    return [alert.message for alert in alerts.open_for("alice")]


def test_the_launcher_is_told_once_whatever_restarts(make_node: MakeNode, tmp_path: Path) -> None:
    node = make_node(LOCAL)
    gate = tmp_path / "gate"
    command = f"while [ ! -e {gate} ]; do sleep 0.1; done"
    history(node, command, 0.1)
    executor = node.start_executor()
    run = node.launch(command, shell=True)
    wait_for(lambda: told(node))
    assert "takes longer than usual" in told(node)[0]
    executor.kill()
    executor.wait()
    node.start_executor()
    wait_for(node.runs.folder(run.id).slow.exists)  # by the one executor, or by the other
    gate.touch()
    assert node.finish(run).state is State.SUCCESSFUL
    assert len(told(node)) == 1


def test_without_a_history_nothing_is_slow(make_node: MakeNode) -> None:
    node = make_node(LOCAL)
    node.start_executor()
    assert node.finish(node.launch("sleep 2")).state is State.SUCCESSFUL
    assert told(node) == []
