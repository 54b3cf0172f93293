"""The clients: threads that ask for the work of a plan, again and again until each thing is accepted."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from typing import Any

import requests

from tests.faults.ledger import Ledger
from tests.faults.plan import Plan, Work
from tests.faults.site import Site

AT_ONCE = 8
_ANSWER_SECONDS = 20
#: So long is one thing tried; then whatever became of it must do.
_PATIENCE_SECONDS = 240


class Clients:
    """Some clients of one master."""

    def __init__(self, site: Site, plan: Plan, ledger: Ledger, ended: threading.Event) -> None:
        self._site = site
        self._waiting = list(reversed(plan.work))
        self._ledger = ledger
        self._ended = ended
        self._changed = threading.Condition()
        #: How many things were begun.
        self.begun = 0
        self.accepted: Counter[str] = Counter()
        self.attempts = 0
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(AT_ONCE)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def wait_for(self, begun: int) -> bool:
        """Until so much was begun; False where everything ended before."""
        with self._changed:
            while self.begun < begun and not self._ended.is_set() and any(each.is_alive() for each in self._threads):
                self._changed.wait(0.2)
        return not self._ended.is_set()

    def wait(self) -> None:
        """Until all is asked for."""
        for thread in self._threads:
            while thread.is_alive() and not self._ended.is_set():
                thread.join(0.2)

    def _work(self) -> None:
        while not self._ended.is_set():
            with self._changed:
                if not self._waiting:
                    return
                work = self._waiting.pop()
                self.begun += 1
                self._changed.notify_all()
            self._see_to(work)

    def _see_to(self, work: Work) -> None:
        path, body = self._request(work)
        found = self._insist(work, "ask", "POST", path, body, again=work.kind != "alert")
        if found is None:
            return
        self.accepted[work.kind] += 1
        if work.kind == "cancel":
            self._ended.wait(work.cancel_after)
            if self._insist(work, "cancel", "POST", f"/api/v1/runs/{found}/cancel", None):
                self.accepted["cancellation"] += 1
        if work.kind == "keep" and self._insist(work, "keep", "PUT", f"/api/v1/runs/{found}/keep", {"why": work.tag}):
            self.accepted["mark to keep"] += 1

    def _request(self, work: Work) -> tuple[str, Any]:
        tenths, hosts = str(int(work.seconds * 10)), ",".join(work.hosts)
        if work.kind == "alert":
            return "/api/v1/alerts", {"message": work.tag, "expires_in": 86400}
        if work.kind == "call":
            params = {"tag": work.tag, "seconds": work.seconds}
            return "/api/v1/calls", {"nodes": list(work.hosts), "type": "leave_mark", "params": params, "wait": 1}
        if work.kind == "playbook":
            variables = {"tag": work.tag, "tenths": int(tenths), "exit_code": work.exit_code}
            variables["password"] = self._site.password
            return "/api/v1/operations/leave_mark/runs", {"hosts": hosts, "variables": variables}
        return "/api/v1/commands", {
            "command": f"{self._site.mark} {work.tag} {tenths} {work.exit_code}",
            "hosts": hosts,
        }

    def _insist(  # what a request is made of
        self, work: Work, step: str, method: str, path: str, body: Any, *, again: bool = True
    ) -> str | None:
        """The id of what was accepted; None where it never was, or where it is too late."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        attempt = 0
        while not self._ended.is_set() and time.monotonic() < deadline:
            attempt += 1
            status, accepted = self._ask(work, step, attempt, method, path, body)
            if status is not None and 200 <= status < 300:
                return accepted or work.tag
            if status in {404, 409, 422} or not again:
                return None
            self._ended.wait(random.uniform(0.3, 1.5))
        return None

    def _ask(self, work: Work, step: str, attempt: int, method: str, path: str, body: Any) -> tuple[int | None, str]:
        self.attempts += 1
        common = {"tag": work.tag, "kind": work.kind, "step": step, "attempt": attempt}
        self._ledger.write(**common, when="before", work={"hosts": work.hosts, "exit_code": work.exit_code})
        status, accepted, said = None, "", ""
        try:
            answer = requests.request(
                method,
                f"{self._site.master.url}{path}",
                json=body,
                headers={"Authorization": f"Bearer {self._site.token}", "Idempotency-Key": f"key-{work.tag}"},
                timeout=_ANSWER_SECONDS,
            )
            value = answer.json() if answer.content else {}
            status, accepted = answer.status_code, str(value.get("id", ""))
            said = str(value.get("detail", ""))[:300] if status >= 400 else ""
        except (requests.RequestException, ValueError) as error:
            said = type(error).__name__
        self._ledger.write(**common, when="after", status=status, id=accepted, said=said)
        return status, accepted
