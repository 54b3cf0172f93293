"""How the task API answers: at once where a task is quick, later where it is not. The same on every node."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from selfservice.tasks.task import Task
from selfservice.tasks.tasks import Tasks


def types(tasks: Tasks) -> Response:
    """Every type with the JSON Schema of its parameters."""
    return jsonify(
        types=[
            {
                "name": each.name,
                "title": each.title,
                "description": each.description,
                "seconds": each.seconds,
                "schema": each.schema(),
                "usually": tasks.usual_seconds(each.name),
            }
            for each in tasks.registry.all()
        ]
    )


def of_task(task: Task, tasks: Tasks) -> Response:
    """200 with the result of a task that has ended; 202, where to look and a warning for one that has not."""
    shown: dict[str, Any] = task.shown()
    if task.state.ended:
        return jsonify(shown)
    answer = jsonify(shown | {"warning": _warning(tasks.usual_seconds(task.request.type))})
    answer.status_code = 202
    answer.headers["Location"] = f"/api/v1/tasks/{task.id}"
    return answer


def _warning(usual: float | None) -> str:
    usually = f"It usually takes {usual:.1f} s. " if usual is not None else "It has not been done here before. "
    return f"The task goes on. {usually}The result goes to the master when it is there; Location tells how far it is."
