"""A Polemarch in an environment and a folder of its own, set up as its documentation says."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests

from benchmarks.queue import PARALLEL
from selfservice.settings import CHECKOUT
from tests.ports import free_port

VERSION = "4.0.0"
REQUIREMENTS = (
    f"polemarch[ansible-core,production]=={VERSION}",
    "kombu==5.5.4",  # later ones refuse the Redis client that this version asks for
)
#: Kept from one time to the next; git ignores it, and `make clean` removes it.
ENVIRONMENT = CHECKOUT / ".venv" / "polemarch"
PROGRAMS = ENVIRONMENT / "bin"
#: Seconds that it may take to install, and to start.
_PATIENCE = 300

_SETTINGS = """\
[main]
projects_dir = {folder}/projects
[database]
engine = django.db.backends.sqlite3
name = {folder}/db.sqlite3
[rpc]
connection = {broker}
[cache]
backend = {cache_class}
location = {cache}
[locks]
backend = {cache_class}
location = {locks}
[worker]
autoscale = {parallel},1
[web]
addrport = 127.0.0.1:{port}
[oauth]
server_allow_insecure = true
"""
#: It comes with an administrator whose password everybody knows.
_SET_PASSWORD = """\
import os
from django.contrib.auth import get_user_model
admin = get_user_model().objects.get(username="admin")
admin.set_password(os.environ["ADMIN_PASSWORD"])
admin.save()
"""


class LeftOut(Exception):
    """It cannot be measured here; says why."""


@dataclass
class Polemarch:
    """It runs, and somebody is signed in."""

    folder: Path
    #: What passes its tasks on: Redis, as its documentation recommends, or files, which is its default.
    broker: str
    processes: list[subprocess.Popen[bytes]]
    _url: str
    _session: requests.Session

    def call(self, method: str, path: str, **named: Any) -> Any:
        """What its API answers."""
        try:
            answer = self._session.request(method, f"{self._url}{path}", timeout=60, **named)
        except requests.RequestException as error:
            raise LeftOut(f"its API does not answer: {error}") from error
        if not answer.ok:
            raise LeftOut(f"its API answered {answer.status_code} to {method} {path}: {answer.text[:200]}")
        return answer.json()

    def sign_in(self, password: str) -> None:
        """As its own pages do."""
        body = {"grant_type": "password", "client_id": "simple-client-id", "username": "admin", "password": password}
        token = self.call("POST", "/api/oauth2/token/", data=body, headers={"Sec-Fetch-Site": "same-origin"})
        self._session.headers["Authorization"] = f"Bearer {token['access_token']}"


@contextmanager
def own_polemarch(folder: Path) -> Iterator[Polemarch]:
    """A Polemarch for as long as this lasts.

    Raises LeftOut where it cannot be installed, or does not start.
    """
    _install()
    folder.mkdir(mode=0o700)
    for name in ("broker", "tmp"):
        (folder / name).mkdir()
    password, port = secrets.token_urlsafe(), free_port()
    processes: list[subprocess.Popen[bytes]] = []
    try:
        environment = _environment(folder, password)
        broker = _write_settings(folder, port, processes)
        _run(PROGRAMS / "polemarchctl", "migrate", environment=environment)
        _run(PROGRAMS / "polemarchctl", "shell", "-c", _SET_PASSWORD, environment=environment)
        processes.append(_start([PROGRAMS / "polemarchctl", "webserver"], folder / "polemarch.log", environment))
        polemarch = Polemarch(folder, broker, processes, f"http://127.0.0.1:{port}", requests.Session())
        _wait_until_ready(polemarch)
        polemarch.sign_in(password)
        yield polemarch
    finally:
        for process in reversed(processes):
            _end(process)


def _install() -> None:
    installed = ENVIRONMENT / "installed.txt"
    wanted = "\n".join(REQUIREMENTS)
    if installed.exists() and installed.read_text() == wanted:
        return
    print(f"Installing Polemarch {VERSION} into {ENVIRONMENT}; it stays there", flush=True)
    _run(sys.executable, "-m", "venv", "--clear", ENVIRONMENT)
    _run(PROGRAMS / "pip", "install", "--quiet", "--disable-pip-version-check", *REQUIREMENTS)
    installed.write_text(wanted)


def _run(program: str | Path, *words: str | Path, environment: dict[str, str] | None = None) -> None:
    """Wait for a step of the preparations."""
    what = " ".join([Path(program).name, str(words[0])])
    try:
        done = subprocess.run([program, *words], env=environment, capture_output=True, text=True, timeout=_PATIENCE)
    except subprocess.TimeoutExpired as error:
        raise LeftOut(f"{what} took more than {_PATIENCE} s") from error
    except OSError as error:
        raise LeftOut(f"{what} cannot be run: {error}") from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()
        raise LeftOut(f"{what} failed: {said[-1][:300]}")


def _environment(folder: Path, password: str) -> dict[str, str]:
    (folder / "secret").write_text(secrets.token_urlsafe(50))
    return {
        **os.environ,
        "POLEMARCH_SETTINGS_FILE": str(folder / "settings.ini"),
        "POLEMARCH_SECRET_FILE": str(folder / "secret"),
        "ADMIN_PASSWORD": password,
        "TMPDIR": str(folder / "tmp"),
    }


def _write_settings(folder: Path, port: int, processes: list[subprocess.Popen[bytes]]) -> str:
    """The name of the broker; where that is Redis, it runs."""
    if shutil.which("redis-server"):
        name, redis = "Redis", _start_redis(folder, processes)
        cache_class = "django.core.cache.backends.redis.RedisCache"
        places = {"cache": f"{redis}/1", "locks": f"{redis}/2", "broker": f"{redis}/3"}
    else:
        name, cache_class = "files", "django.core.cache.backends.filebased.FileBasedCache"
        places = {"cache": f"{folder}/cache", "locks": f"{folder}/locks", "broker": f"file://{folder}/broker"}
    text = _SETTINGS.format(folder=folder, port=port, parallel=PARALLEL, cache_class=cache_class, **places)
    (folder / "settings.ini").write_text(text)
    return name


def _start_redis(folder: Path, processes: list[subprocess.Popen[bytes]]) -> str:
    password, port = secrets.token_hex(), free_port()
    config = folder / "redis.conf"
    config.write_text(f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\ndir {folder}\n')
    processes.append(_start(["redis-server", config], folder / "redis.log", dict(os.environ)))
    return f"redis://:{password}@127.0.0.1:{port}"


def _start(words: list[str | Path], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        return subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file)


def _wait_until_ready(polemarch: Polemarch) -> None:
    log = polemarch.folder / "polemarch.log"

    def ready() -> bool:
        if polemarch.processes[-1].poll() is not None:
            raise LeftOut(f"it ended as it started: {log.read_text().strip().splitlines()[-1][:300]}")
        return _answers(polemarch)

    wait_for("it to start", ready)


def wait_for(what: str, condition: Callable[[], bool], seconds: float = _PATIENCE) -> None:
    """Until `condition`; raises LeftOut where that takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LeftOut(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.1)


def _answers(polemarch: Polemarch) -> bool:
    with suppress(LeftOut):
        polemarch.call("GET", "/api/health/")
        return True
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and all that it started: first as it wishes, then whatever is left."""
    try:
        below = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        below = []
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(20)
    process.kill()
    _, alive = psutil.wait_procs(below, timeout=5)
    for each in alive:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    process.wait()
