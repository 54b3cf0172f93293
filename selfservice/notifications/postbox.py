"""Starting the messenger: one process a message, which nobody who is killed takes with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from selfservice.errors import Unavailable
from selfservice.settings import CHECKOUT, Settings
from selfservice.store import files
from selfservice.store.ids import new_id

SECONDS = 60
#: No proxies: behind one, nobody could tell which address is called.
_PASSED_ON = ("PATH", "HOME", "LANG", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True)
class Answer:
    """What came of it."""

    kind: str = ""
    host: str = ""
    #: Why nothing came of it, in a sentence.
    error: str = ""


class Postbox:
    """Asks the messenger."""

    def __init__(self, settings: Settings) -> None:
        """Answers lie in a folder of `settings.instance`."""
        self._settings = settings
        self._folder = settings.instance / "notifications"

    def look(self, url: str) -> Answer:
        """What kind of address this is. Raises Unavailable."""
        return self._ask({"do": "look", "url": url}, new_id(datetime.now(UTC)))

    def send(self, message: str, url: str, title: str, body: str) -> Answer:
        """Send the message with the id `message`, and wait for what comes of it. Raises Unavailable."""
        return self._ask({"do": "send", "url": url, "title": title, "body": body}, message)

    def answer(self, message: str) -> Answer | None:
        """What came of a message; None where it is not known."""
        try:
            return Answer(**files.read_json(self._path(message)))
        except (OSError, ValueError, TypeError):
            return None

    def forget(self, message: str) -> None:
        """Throw the answer away: it stands in the records."""
        self._path(message).unlink(missing_ok=True)

    def _ask(self, job: dict[str, str], message: str) -> Answer:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        asked = {**job, "answer": str(self._path(message)), "private": self._settings.notify_private}
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        process = subprocess.Popen(
            [sys.executable, "-m", "selfservice.notifications.messenger"],
            cwd=CHECKOUT,
            env={**environment, "PYTHONUTF8": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.communicate(json.dumps(asked).encode(), timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return Answer(error=f"There was no answer within {SECONDS} s.")
        found = self.answer(message)
        if found is None:
            raise Unavailable("The process that sends notifications ended without a word; the log may say more.")
        if job["do"] == "look":
            self.forget(message)
        return found

    def _path(self, message: str) -> Path:
        return self._folder / f"{message}.json"
