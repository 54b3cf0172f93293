"""The dashboards that this person has logged in to: names, addresses and tokens in one file of theirs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from selfservice.errors import ApplicationError, BadInput
from selfservice.settings import ClientSettings, is_loopback
from selfservice.store import files

_SCHEMA = 1
_ENVIRONMENT = "environment"
_NOT_LOGGED_IN = "You are not logged in to a dashboard: `selfservice login https://…` does that."


class NotLoggedIn(ApplicationError):
    """No dashboard is known by that name, or none at all."""


@dataclass(frozen=True)
class Dashboard:
    """A dashboard and how it is entered."""

    name: str
    url: str
    token: str
    #: A private CA by which its certificate is checked; empty where the usual ones do.
    ca_file: str = ""


class Dashboards:
    """Those kept in `dashboards.json` of a folder; the one logged in to last is the current one."""

    def __init__(self, folder: Path | None = None) -> None:
        """Keep them in `folder`, by default `selfservice` in the person's XDG config folder."""
        self.path = (folder or Path(click.get_app_dir("selfservice"))) / "dashboards.json"
        self.current = ""
        self._known: dict[str, Dashboard] = {}
        self._read()

    def all(self) -> list[Dashboard]:
        """Every one, by name."""
        return [self._known[name] for name in sorted(self._known)]

    def get(self, name: str) -> Dashboard:
        """The one of that name. Raises NotLoggedIn."""
        if name in self._known:
            return self._known[name]
        if not self._known:
            raise NotLoggedIn(_NOT_LOGGED_IN)
        known = ", ".join(sorted(self._known))
        raise NotLoggedIn(f"No dashboard is called “{name}” here (known: {known}); `selfservice login` adds one.")

    def keep(self, dashboard: Dashboard) -> None:
        """Keep it, as the current one. Raises NotLoggedIn where the file cannot be written."""
        self._known[dashboard.name] = dashboard
        self.current = dashboard.name
        self._write()

    def forget(self, name: str) -> None:
        """Keep its token no longer. Raises NotLoggedIn."""
        self.get(name)
        del self._known[name]
        if self.current == name:
            self.current = next(iter(sorted(self._known)), "")
        self._write()

    def chosen(self, settings: ClientSettings, name: str = "") -> Dashboard:
        """`name`, else what the environment says, else the current one. Raises NotLoggedIn, BadInput."""
        if name:
            return self.get(name)
        if settings.url or settings.token:
            if not (settings.url and settings.token):
                raise NotLoggedIn("SELFSERVICE_URL and SELFSERVICE_TOKEN go together; one of them is missing.")
            return Dashboard(_ENVIRONMENT, checked_url(settings.url), checked_token(settings.token), settings.ca_file)
        if settings.dashboard or self.current:
            return self.get(settings.dashboard or self.current)
        raise NotLoggedIn(_NOT_LOGGED_IN)

    def _read(self) -> None:
        try:
            content: dict[str, Any] = files.read_json(self.path)
            known = [Dashboard(name, **each) for name, each in content["dashboards"].items()]
            self.current = str(content["current"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotLoggedIn(f"{self.path} cannot be read ({error}); remove it and log in again.") from error
        self._known = {each.name: each for each in known}

    def _write(self) -> None:
        known = {each.name: {key: value for key, value in asdict(each).items() if key != "name"} for each in self.all()}
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.write_json(self.path, {"schema": _SCHEMA, "current": self.current, "dashboards": known})
        except OSError as error:
            raise NotLoggedIn(f"{self.path} cannot be written: {error.strerror}.") from error


def checked_url(text: str) -> str:
    """The address of a dashboard. Raises BadInput, also where a token would cross the network unencrypted."""
    url = text.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise BadInput(f"{text} is no address: {error}.") from error
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment or "@" in parts.netloc:
        raise BadInput(f"{text} is no address of a dashboard; one looks like https://selfservice.example.org.")
    if parts.scheme == "http" and not is_loopback(host):
        raise BadInput(f"{url} would send your token unencrypted; use its https address.")
    return url


def checked_token(text: str) -> str:
    """A token as it can be sent. Raises BadInput."""
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise BadInput("This is no token: paste all of what `token create` has shown.")
    return token
