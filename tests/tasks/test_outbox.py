"""Results wait in files until the master has them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from selfservice.tasks.outbox import Delivery, Outbox


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Master:
    """Takes results, or not."""

    def __init__(self) -> None:
        self.says = Delivery.ACCEPTED
        self.got: list[str] = []
        self.left: list[tuple[str, Delivery]] = []

    def send(self, body: dict[str, Any]) -> tuple[Delivery, str]:
        self.got.append(body["id"])
        return self.says, "so"

    def note(self, task_id: str, delivery: Delivery, why: str) -> None:
        self.left.append((task_id, delivery))


def test_what_a_killed_process_was_writing_goes_at_the_next_start(tmp_path: Path) -> None:
    Outbox(tmp_path).put("a", {"id": "a"})
    (tmp_path / ".b.json.ec251645").write_text('{"id": ')
    assert Outbox(tmp_path).waiting() == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_what_is_accepted_leaves(tmp_path: Path) -> None:
    outbox, master = Outbox(tmp_path), Master()
    outbox.put("a", {"id": "a"})
    outbox.send_due(master.send, master.note)
    assert (outbox.waiting(), master.left) == (0, [("a", Delivery.ACCEPTED)])


def test_what_cannot_be_sent_stays_and_is_tried_less_and_less_often(tmp_path: Path) -> None:
    clock, master = Clock(), Master()
    outbox = Outbox(tmp_path, clock)
    outbox.put("a", {"id": "a"})
    master.says = Delivery.LATER
    tried_at = []
    for second in range(600):
        clock.now = float(second)
        before = len(master.got)
        outbox.send_due(master.send, master.note)
        if len(master.got) > before:
            tried_at.append(second)
    pauses = [later - earlier for earlier, later in pairwise(tried_at)]
    assert max(pauses[:3]) <= 4
    assert 30 <= pauses[-1] <= 61
    assert (outbox.waiting(), master.left) == (1, [])


def test_what_waits_outlives_the_process(tmp_path: Path) -> None:
    Outbox(tmp_path).put("a", {"id": "a"})
    master = Master()
    Outbox(tmp_path).send_due(master.send, master.note)
    assert master.got == ["a"]


def test_what_the_master_refuses_leaves_too_and_is_noted(tmp_path: Path) -> None:
    outbox, master = Outbox(tmp_path), Master()
    master.says = Delivery.REFUSED
    outbox.put("a", {"id": "a"})
    outbox.send_due(master.send, master.note)
    assert (outbox.waiting(), master.left) == (0, [("a", Delivery.REFUSED)])


def test_a_file_that_is_no_result_holds_back_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{torn")
    outbox, master = Outbox(tmp_path), Master()
    outbox.put("b", {"id": "b"})
    outbox.send_due(master.send, master.note)
    assert (master.got, (tmp_path / "a.unreadable").exists()) == (["b"], True)
