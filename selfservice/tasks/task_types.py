"""The task types of this node: those that come with it, those of installed packages, those in the site's folder."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

from selfservice.errors import NotFound
from selfservice.tasks.bundled import files, folders, machine, network
from selfservice.tasks.task_type import TaskType, types_in

log = logging.getLogger(__name__)

ENTRY_POINTS = "selfservice.tasks"
_BUNDLED = (folders, machine, network, files)


class UnknownTaskType(NotFound):
    """This node has no such task type."""

    problem_type = "unknown-task-type"
    title = "No such task type"


class TaskTypes:
    """Task types by name; where two have the same one, the site's goes before a package's, and that before ours."""

    def __init__(self, folder: Path | None = None) -> None:
        """Find all types; `folder` holds the site's own Python files. What cannot be loaded is logged and left out."""
        self._types: dict[str, TaskType] = {each.name: each for module in _BUNDLED for each in types_in(module)}
        #: Files and entry points that cannot be used, and why.
        self.troubles: dict[str, str] = {}
        for each in (*self._installed(), *(self._in_folder(folder) if folder else ())):
            self._types[each.name] = each

    def all(self) -> list[TaskType]:
        """Every type, by title."""
        return sorted(self._types.values(), key=lambda each: each.title)

    def get(self, name: str) -> TaskType:
        """The type called `name`. Raises UnknownTaskType."""
        try:
            return self._types[name]
        except KeyError:
            raise UnknownTaskType(
                f"This node has no task type called {name[:80]!r}; GET /api/v1/tasks/types lists them."
            ) from None

    def _installed(self) -> Iterator[TaskType]:
        for entry in entry_points(group=ENTRY_POINTS):
            try:
                found = types_in(entry.load())
            except Exception as error:  # whatever a foreign package raises
                self._note(entry.value, error)
                continue
            yield from found

    def _in_folder(self, folder: Path) -> Iterator[TaskType]:
        for path in sorted(folder.glob("*.py")):
            spec = importlib.util.spec_from_file_location(f"selfservice_site_tasks.{path.stem}", path)
            if spec is None or spec.loader is None:
                continue
            module = importlib.util.module_from_spec(spec)
            try:
                spec.loader.exec_module(module)
            except Exception as error:  # whatever a file of the site raises
                self._note(str(path), error)
                continue
            yield from types_in(module)

    def _note(self, place: str, error: Exception) -> None:
        self.troubles[place] = f"{type(error).__name__}: {error}"
        log.error("The task types in %s cannot be used: %s", place, self.troubles[place])
