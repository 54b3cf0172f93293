"""The master, as a node of it sees it: where heartbeats and results go, and whom to ask."""

from __future__ import annotations

from typing import Any

from selfservice.errors import ApplicationError
from selfservice.nodes import http
from selfservice.nodes.http import Answer, Call
from selfservice.nodes.own_token import Joined, joined, own_token
from selfservice.settings import Settings

_SECONDS = 15


class MasterRefused(ApplicationError):
    """The master answered, and said no."""

    status = 502
    problem_type = "master-refused"
    title = "The master refused"

    def __init__(self, answer: Answer) -> None:
        """Say what it said."""
        said = http.refusal(answer)
        if answer.status == 401:
            said = "It does not know this node's token: it was revoked or replaced. Join it again with a new one."
        super().__init__(f"The master refused: {said}")
        self.answered = answer.status


class Master:
    """Calls the master of this node, with this node's own token."""

    def __init__(self, settings: Settings, known: Joined | None = None) -> None:
        """Where it is, is looked up at each call, unless it is `known`."""
        self._settings = settings
        self._known = known

    def beat(self, heartbeat: dict[str, Any]) -> dict[str, Any]:
        """Send a heartbeat; what the master says to it. Raises NodeTrouble, MasterRefused, SettingError."""
        said = self._post(f"/api/v1/nodes/{self._joined.name}/heartbeats", heartbeat).json()
        return said if isinstance(said, dict) else {}

    def give_result(self, task: dict[str, Any]) -> None:
        """Hand over what became of a task. Raises NodeTrouble, MasterRefused, SettingError."""
        self._post(f"/api/v1/nodes/{self._joined.name}/results", task)

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """Call the master's own API; its answer, whatever it is. Raises NodeTrouble, SettingError."""
        url = self._joined.master_url + path
        call = Call(method, url, own_token(self._settings), body, headers or {}, seconds=_SECONDS + 60)
        return http.send(self._settings, call)

    @property
    def _joined(self) -> Joined:
        return self._known or joined(self._settings)

    def _post(self, path: str, body: Any) -> Answer:
        url = self._joined.master_url + path
        answer = http.send(self._settings, Call("POST", url, own_token(self._settings), body, seconds=_SECONDS))
        if answer.status >= 300:
            raise MasterRefused(answer)
        return answer
