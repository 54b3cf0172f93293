"""A task type: one Python function with typed parameters, registered by a decorator."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from selfservice.errors import BadInput

Function = TypeVar("Function", bound=Callable[..., Any])

_MARK = "__selfservice_task_type__"
DEFAULT_SECONDS = 60
DEFAULT_MEGABYTES = 256


@dataclass(frozen=True)
class TaskType:
    """What a node can be asked to do."""

    name: str
    title: str
    description: str
    function: Callable[..., Any]
    parameters: type[BaseModel]
    #: After so many seconds a task of this type is ended.
    seconds: int
    #: So much memory may it take, beyond what its process starts with.
    megabytes: int

    def schema(self) -> dict[str, Any]:
        """The JSON Schema (2020-12) of its parameters."""
        return self.parameters.model_json_schema()

    def check(self, params: object) -> dict[str, Any]:
        """`params` with defaults filled in. Raises BadInput naming the field."""
        if not isinstance(params, Mapping):
            raise BadInput("The parameters of a task are a JSON object.", "params")
        try:
            return self.parameters.model_validate(params).model_dump()
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(map(str, first["loc"]))
            raise BadInput(f"The parameter “{field}” cannot be used: {first['msg']}.", f"params.{field}") from error


def task_type(
    title: str, *, seconds: int = DEFAULT_SECONDS, megabytes: int = DEFAULT_MEGABYTES
) -> Callable[[Function], Function]:
    """Make a function a task type: its name is the type's, its docstring the description, its hints the schema.

    It gets its parameters by name and returns what JSON can hold; an exception it raises is its failure.
    """

    def register(function: Function) -> Function:
        setattr(function, _MARK, _of(function, title, seconds, megabytes))
        return function

    return register


def types_in(module: object) -> list[TaskType]:
    """The task types that a module defines or imports."""
    return [getattr(each, _MARK) for each in vars(module).values() if hasattr(each, _MARK)]


def _of(function: Callable[..., Any], title: str, seconds: int, megabytes: int) -> TaskType:
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {
        name: (hints.get(name, Any), ... if parameter.default is inspect.Parameter.empty else parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
    }
    # Strict: a JSON string is no number, however it looks.
    config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
    model = create_model(function.__name__, __config__=config, **fields)
    return TaskType(function.__name__, title, inspect.getdoc(function) or title, function, model, seconds, megabytes)
