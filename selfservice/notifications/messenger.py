"""The one module that imports apprise: a process of its own that looks at an address, or sends one message to it.

What it is to do comes on its standard input, so that no secret is in its arguments; what came of it goes into a file,
so that it is known even if whoever started it was killed meanwhile.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from selfservice.notifications import guard
from selfservice.store import files

_MAIL = "apprise.plugins.email"
#: These read keys from files of this machine, whichever the address names.
_READS_FILES = frozenset({"fcm", "vapid"})
_LONGEST_ERROR = 300


def main(job: dict[str, Any]) -> dict[str, Any]:
    """What came of `job`: kind and host of an address, or why nothing could be sent."""
    refused: list[str] = []
    if not job["private"]:
        guard.install(refused.append)
    plugin = _plugin(job["url"])
    if plugin is None:
        return {"error": "This is no address that notifications can be sent to; it begins like mailtos:// or slack://."}
    if trouble := _unfit(plugin, job["url"]):
        return {"error": trouble}
    shown = {"kind": str(plugin.service_name), "host": _host(plugin)}
    if job["do"] == "look":
        return {**shown, "error": ""}
    error = _send(plugin, job["title"], job["body"])
    if error and refused:
        error = f"{refused[0]} is an address of this machine or of a private network, where nothing may be sent."
    return {**shown, "error": error}


def _plugin(url: str) -> Any:
    from apprise import Apprise, AppriseAsset

    name = "Selfservice"
    asset = AppriseAsset(app_id=name, app_desc=name, app_url="", secure_logging=True, pgp_autogen=False)
    return Apprise.instantiate(url, asset=asset, suppress_exceptions=True)


def _unfit(plugin: Any, url: str) -> str:
    """Why this kind of address cannot be had; empty where it can."""
    module = sys.modules[type(plugin).__module__]
    # What does not speak HTTP or SMTP acts on this machine, or by ways that the guard does not see.
    if not (hasattr(module, "requests") or module.__name__.startswith(_MAIL)):
        return f"{plugin.service_name} is not offered: only what is sent by HTTP or as e-mail."
    names = {name.lower() for name, _ in parse_qsl(urlsplit(url).query)}
    if urlsplit(url).scheme.rstrip("s") in _READS_FILES or any("key" in name and "file" in name for name in names):
        return f"{plugin.service_name} is not offered with keys in files: it would read files of this machine."
    if any(name.startswith(("pgp", "smime")) for name in names):
        return "Encryption with keys in files is not offered."
    return ""


def _host(plugin: Any) -> str:
    """The host that an address names; empty where what stands there is part of its secret."""
    module = type(plugin).__module__
    if module.startswith(_MAIL) or module.rpartition(".")[2].startswith("custom_"):
        return str(plugin.host or "")
    return ""


def _send(plugin: Any, title: str, body: str) -> str:
    """Why it could not be sent; empty where it was."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(" ".join(record.getMessage().split()))

    logger = logging.getLogger("apprise")
    logger.addHandler(Listener(logging.WARNING))
    if plugin.notify(title=title, body=body, body_format="text"):
        return ""
    return (said[-1] if said else "The service did not take it, and said no reason.")[:_LONGEST_ERROR]


if __name__ == "__main__":
    asked = json.loads(sys.stdin.read())
    os.umask(0o077)
    files.write_json(Path(asked["answer"]), main(asked))
