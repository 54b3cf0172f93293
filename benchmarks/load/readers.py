"""Pages of a run in one process: `python -m benchmarks.load.readers URL RUN COUNT`.

Reads tokens from standard input; prints, once the run has ended, how late each line came on each page.
"""

from gevent import monkey

monkey.patch_all()

import http.client  # noqa: E402
import json  # noqa: E402
import re  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from urllib.parse import urlsplit  # noqa: E402

import gevent  # noqa: E402

_PRINTED = re.compile(rb"printed at (\d+\.\d+)")
_late: list[float] = []


def main(url: str, run_id: str, count: int) -> None:
    """Follow until the end."""
    tokens = sys.stdin.read().split()
    address = urlsplit(url).netloc
    readers = [gevent.spawn(_read, address, run_id, tokens[number % len(tokens)]) for number in range(count)]
    gevent.joinall(readers, timeout=600, raise_error=True)
    print(json.dumps({"milliseconds": [round(each * 1000, 1) for each in _late]}))


def _read(address: str, run_id: str, token: str) -> None:
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("GET", f"/api/v1/stream?run={run_id}", headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.status
    event = b""
    while line := answer.readline():
        if line.startswith(b"event:"):
            event = line[6:].strip()
        elif event == b"output" and line.startswith(b"data:"):
            now = time.time()
            # In the JSON of segments, as on the page: each line once.
            _late.extend(now - float(printed) for printed in _PRINTED.findall(line))
        if event == b"end":
            return


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
