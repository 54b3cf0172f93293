"""One line an event, whatever is in it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from selfservice import logs
from selfservice.settings import load


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def written(path: Path, **settings: str) -> list[str]:
    logs.configure(load({"LOG_FILE": str(path), **settings}), run_id="20261120T201455-7f3a9c")
    log = logging.getLogger("selfservice.test")
    log.info("first\nsecond \x1b[31m")
    log.debug("detail")
    try:
        raise ValueError("broken\nin two")
    except ValueError:
        log.exception("it broke")
    return path.read_text().splitlines()


def test_a_line_tells_time_level_node_request_and_run(tmp_path: Path) -> None:
    first, failure = written(tmp_path / "log")
    assert " INFO master request=- run=20261120T201455-7f3a9c selfservice.test: first\\nsecond \\x1b[31m" in first
    assert "ValueError: broken\\nin two" in failure


def test_debug_adds_every_detail(tmp_path: Path) -> None:
    assert any("detail" in line for line in written(tmp_path / "log", DEBUG="True"))


def test_a_turn_left_out_because_the_one_before_goes_on_is_no_news_but_one_that_failed_is(tmp_path: Path) -> None:
    path = tmp_path / "log"
    logs.configure(load({"LOG_FILE": str(path)}))
    logging.getLogger("apscheduler.scheduler").warning("skipped")
    logging.getLogger("apscheduler.executors.default").error("raised")
    assert [line.rpartition(" ")[2] for line in path.read_text().splitlines()] == ["raised"]


def test_production_may_have_json_lines(tmp_path: Path) -> None:
    values = [json.loads(line) for line in written(tmp_path / "log", SELFSERVICE_LOG_FORMAT="json")]
    assert [value["level"] for value in values] == ["INFO", "ERROR"]
    assert values[0]["message"] == "first\nsecond \x1b[31m"
    assert values[0]["run_id"] == "20261120T201455-7f3a9c"
    assert "ValueError" in values[1]["exception"]
