"""What happens inside the process of one task; loaded ahead in the process that all of them fork from."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import threading
from functools import cache
from multiprocessing.connection import Connection, wait
from typing import Any

import psutil

from selfservice import settings
from selfservice.errors import ApplicationError
from selfservice.tasks.task_type import TaskType
from selfservice.tasks.task_types import TaskTypes

LARGEST_RESULT = 512 * 1024
_MEGABYTE = 1024 * 1024


@cache
def known_types() -> TaskTypes:
    """The task types of this node; `preload` asks for them before any task forks."""
    return TaskTypes(settings.load().tasks_folder)


def work(name: str, params: dict[str, Any], answer: Connection) -> None:
    """Do a task of the type `name`, and send `{"result": …}` or `{"failure": sentence}` as JSON."""
    task_type = known_types().get(name)
    _isolate()
    _limit(task_type)
    try:
        sent = _encoded({"result": task_type.function(**params)})
    except MemoryError:
        sent = _encoded({"failure": f"It needed more than the {task_type.megabytes} MiB of memory it may take."})
    except Exception as error:  # of whatever kind: it is the task's failure, and its sentence
        sent = _encoded({"failure": _sentence(error)})
    answer.send_bytes(sent)
    answer.close()


def _isolate() -> None:
    """A session of its own, so that it can be ended with all it started; no secrets; no life after the node's."""
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_node, name="end-with-node", daemon=True).start()
    for name in settings.secret_names():
        os.environ.pop(name, None)


def _end_with_node() -> None:
    """Wait for the end of the API's process, and end this one with all that it has started."""
    node = multiprocessing.parent_process()
    if node is not None:
        wait([node.sentinel])
        os.killpg(0, signal.SIGKILL)


def _limit(task_type: TaskType) -> None:
    most = psutil.Process().memory_info().vms + task_type.megabytes * _MEGABYTE
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (task_type.seconds + 1, task_type.seconds + 2))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _encoded(message: dict[str, Any]) -> bytes:
    text = json.dumps(message, ensure_ascii=False, default=str, allow_nan=False).encode("utf-8", "surrogateescape")
    if len(text) > LARGEST_RESULT:
        size = f"{len(text) / _MEGABYTE:.1f} MiB"
        return _encoded({"failure": f"Its result is too large to send ({size}); ask for less at a time."})
    return text


def _sentence(error: Exception) -> str:
    if isinstance(error, ApplicationError):
        return error.sentence
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return f"{error}" if str(error) else type(error).__name__
