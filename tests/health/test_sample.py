"""What a node says of itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from selfservice.health import sample


def test_how_busy_the_processors_were_is_told_whichever_thread_asks() -> None:
    sample.take()
    sum(number * number for number in range(3_000_000))
    with ThreadPoolExecutor(1) as another:
        assert another.submit(sample.take).result()["cpu_percent"] > 0
