"""The folders of calls: what was sent, one file for each node's answer; the oldest go."""

from __future__ import annotations

import copy
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from selfservice.calls.call import AnswerState, Call, NodeAnswer
from selfservice.errors import NotFound, Unavailable
from selfservice.scope import EVERYTHING, Scope, Sight, sees
from selfservice.store import files
from selfservice.store.ids import is_id

log = logging.getLogger(__name__)

KEPT = 500
_CALL = "call.json"
_OPEN = "open"


class CallNotFound(NotFound):
    """There is no such call, or it is so long ago that it was removed."""

    title = "No such call"


class CallFiles:
    """The calls in one folder; any number of processes may use them.

    A name in the folder `open/` says that a call has answers to come.
    """

    def __init__(self, folder: Path, kept: int = KEPT) -> None:
        """Name the folder, and make it."""
        self._folder = folder
        self._kept = kept
        self._sight: Sight = EVERYTHING
        try:
            (folder / _OPEN).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"The folder {folder} cannot be made: {error.strerror}.") from error

    def create(self, call: Call) -> None:
        """Keep a new call, open; durable when this returns. Raises Unavailable."""
        folder = self._folder / call.id
        try:
            folder.mkdir(mode=0o700)
            files.write_json(folder / _CALL, call.to_json())
            self._open(call.id)
        except OSError as error:
            raise Unavailable(f"The call could not be kept on this node: {error.strerror}.") from error
        self._remove_oldest()

    def reopen(self, call: Call) -> None:
        """Have answers that are to come still sent for; nothing where all are there. Raises Unavailable."""
        if all(answer.state.ended for answer in self.answers(call)):
            return
        try:
            self._open(call.id)
        except OSError as error:
            raise Unavailable(f"The call could not be opened again: {error.strerror}.") from error

    def _open(self, call_id: str) -> None:
        (self._folder / _OPEN / call_id).touch(mode=0o600)
        files.sync_folder(self._folder / _OPEN)

    def seen_by(self, sight: Sight) -> CallFiles:
        """The same for somebody: calls to a node that they do not see are not there."""
        bound = copy.copy(self)
        bound._sight = sight
        return bound

    def get(self, call_id: str) -> Call:
        """One call. Raises CallNotFound."""
        call = self._read(call_id)
        if not sees(self._sight, Scope(hosts=call.what.nodes)):
            raise CallNotFound(f"There is no call {call_id[:80]!r}.")
        return call

    def _read(self, call_id: str) -> Call:
        try:
            if not is_id(call_id):
                raise FileNotFoundError
            return Call.from_json(files.read_json(self._folder / call_id / _CALL))
        except FileNotFoundError:
            raise CallNotFound(f"There is no call {call_id[:80]!r}.") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CallNotFound(f"The call {call_id} cannot be read: {error}.") from error

    def latest(self, limit: int, before: str = "") -> list[Call]:
        """The latest calls, the newest first; those before the id `before`, where it is given."""
        ids = [each for each in self._ids() if not before or each < before]
        found: list[Call] = []
        for call_id in reversed(ids):
            if len(found) == limit:
                break
            try:
                found.append(self.get(call_id))
            except CallNotFound as error:
                if self._sight.everything:
                    log.warning("%s", error.sentence)
        return found

    def of_key(self, person: str, key: str) -> Call | None:
        """The call that this person has sent with this key."""
        return next((each for each in self.latest(50) if each.what.key == key and each.actor.name == person), None)

    def answer(self, call_id: str, node: str) -> NodeAnswer:
        """What a node has answered so far."""
        try:
            return NodeAnswer.from_json(files.read_json(self._folder / call_id / "answers" / f"{node}.json"))
        except FileNotFoundError:
            return NodeAnswer(node)
        except (ValueError, KeyError, TypeError) as error:
            return NodeAnswer(node, AnswerState.LOST, why=f"The file of this answer cannot be read: {error}.")

    def answers(self, call: Call) -> list[NodeAnswer]:
        """The answers of all nodes, in the order of the call."""
        return [self.answer(call.id, node) for node in call.what.nodes]

    def version(self, call_id: str) -> int:
        """Differs whenever an answer has changed."""
        try:
            return (self._folder / call_id / "answers").stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def change(self, call_id: str, node: str, next_of: Callable[[NodeAnswer], NodeAnswer | None]) -> bool:
        """Replace an answer by what follows from it, one at a time; whether it was. Raises OSError."""
        folder = self._folder / call_id / "answers"
        folder.mkdir(mode=0o700, exist_ok=True)
        with files.locked(self._folder / call_id / ".lock"):
            following = next_of(self.answer(call_id, node))
            if following is None:
                return False
            files.write_json(folder / f"{node}.json", following.to_json())
            return True

    def open(self) -> list[str]:
        """The calls with answers to come, the oldest first."""
        return sorted(path.name for path in (self._folder / _OPEN).iterdir() if is_id(path.name))

    def close(self, call_id: str) -> None:
        """Every answer is there."""
        (self._folder / _OPEN / call_id).unlink(missing_ok=True)

    def _ids(self) -> list[str]:
        return sorted(path.name for path in self._folder.iterdir() if is_id(path.name))

    def _remove_oldest(self) -> None:
        ids = self._ids()
        still_open = set(self.open())
        for call_id in ids[: max(0, len(ids) - self._kept)]:
            if call_id not in still_open:
                shutil.rmtree(self._folder / call_id, ignore_errors=True)
