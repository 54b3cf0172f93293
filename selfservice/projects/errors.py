"""What can go wrong with projects."""

from __future__ import annotations

from selfservice.errors import NotFound, Unavailable


class ProjectNotFound(NotFound):
    """There is no such project, or this person may not know that there is."""

    title = "No such project"


class TeamNotFound(NotFound):
    """There is no such team."""

    title = "No such team"


class SecretNotFound(NotFound):
    """The project has no secret of this name."""

    title = "No such secret"


class SecretsUnreadable(Unavailable):
    """The secrets of a project cannot be opened by the key that this node has."""

    problem_type = "secrets-unreadable"
    title = "The secrets cannot be read"
