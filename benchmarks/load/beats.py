"""Simulated workers in one process: `python -m benchmarks.load.beats URL EVERY SECONDS`.

Reads `name token` lines up to an empty one, beats for all of them, prints the seconds each acceptance took at the end.
A later line `die` silences the first of them.
"""

from gevent import monkey

monkey.patch_all()

import http.client  # noqa: E402
import json  # noqa: E402
import random  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from urllib.parse import urlsplit  # noqa: E402

import gevent  # noqa: E402
from gevent.fileobject import FileObject  # noqa: E402

from selfservice.health import sample  # noqa: E402

_silent: set[str] = set()
_latencies: list[float] = []


def main(url: str, every: float, seconds: float) -> None:
    """Beat until standard input ends, `seconds` at most."""
    said = sample.take()
    lines = FileObject(sys.stdin.fileno(), "r")
    names = []
    while line := lines.readline().strip():
        name, token = line.split()
        names.append(name)
        gevent.spawn(_worker, urlsplit(url).netloc, name, token, every, said)
    with gevent.Timeout(seconds, False):
        while lines.readline().strip() == "die":
            _silent.add(names[0])
    print("\n".join(f"{each:.6f}" for each in _latencies))


def _worker(address: str, name: str, token: str, every: float, said: dict[str, object]) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    gevent.sleep(random.uniform(0, every))
    while name not in _silent:
        body = json.dumps({**said, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "accepts": []})
        start = time.perf_counter()
        connection = http.client.HTTPConnection(address, timeout=30)
        connection.request("POST", f"/api/v1/nodes/{name}/heartbeats", body, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status == 200:
            _latencies.append(time.perf_counter() - start)
        gevent.sleep(every * random.uniform(0.9, 1.1))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
