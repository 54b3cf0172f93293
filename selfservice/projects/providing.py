"""What the runs of a project are given: its secrets, and how its hosts are reached."""

from __future__ import annotations

from selfservice.projects.projects import Projects
from selfservice.projects.secrets import Secrets
from selfservice.projects.ssh import Ssh
from selfservice.runs.given import Given


class Providing:
    """Asked by the executor when a run begins, so that it gets what counts then."""

    def __init__(self, projects: Projects, secrets: Secrets, ssh: Ssh) -> None:
        """Give what these say."""
        self._projects = projects
        self._secrets = secrets
        self._ssh = ssh

    def __call__(self, name: str) -> Given:
        """For a run of the project called `name`. Raises ProjectNotFound, SecretsUnreadable."""
        project = self._projects.get(name)
        return Given(self._secrets.values(project), self._ssh.settings(project))
