"""JSON routes of projects and teams: the same calls and rules as the pages."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import Boolean, Integer, List, String
from apiflask.validators import Length, OneOf, Range

from selfservice.accounts.permissions import Permission
from selfservice.projects.access import LEVELS, Grant, Whom
from selfservice.projects.models import CommandRule, Project, Team
from selfservice.projects.projects import Plan
from selfservice.projects.ssh import SshPlan
from selfservice.runs.api import Launched, launched
from selfservice.web.access import current_actor, requires
from selfservice.web.services import services

blueprint = APIBlueprint("projects_api", __name__, url_prefix="/api/v1", tag="Projects")


class PlanInput(Schema):
    """What belongs to a project."""

    title = String(required=True)
    description = String(load_default="")
    hosts = List(String(), load_default=list, metadata={"description": "Host patterns, as Ansible reads them."})
    operations = List(String(), load_default=list)
    repositories = List(String(), load_default=list)
    approval_steps = Integer(load_default=0, validate=Range(0, 5))
    commands = String(
        load_default=CommandRule.AS_OPERATIONS.value,
        validate=OneOf([rule.value for rule in CommandRule]),
        metadata={"description": "What becomes of plain commands on its hosts."},
    )


class NewInput(PlanInput):
    """A new project."""

    name = String(required=True)


class ChangeInput(PlanInput):
    """A changed project, and the version that was changed."""

    version = Integer(required=True)


class AccessInput(Schema):
    """Access of a person or a team."""

    kind = String(required=True, validate=OneOf(["person", "team"]))
    name = String(required=True, validate=Length(max=64))
    level = String(required=True, validate=OneOf(list(LEVELS)), metadata={"description": "`none` takes it away."})
    seen = String(load_default=None, metadata={"description": "The access it had when you looked; 409 if no longer."})


class GroupInput(Schema):
    """What being in a group of a directory gives."""

    group = String(required=True)
    level = String(required=True, validate=OneOf(list(LEVELS)))


class SecretInput(Schema):
    """A value for runs of the project."""

    value = String(required=True)
    description = String(load_default="")


class SshInput(Schema):
    """How the hosts of a project are reached; what is empty is as the inventory says."""

    user = String(load_default="")
    port = String(load_default="")
    jump = String(load_default="", metadata={"description": "user@host:port"})
    known_hosts = String(load_default="")
    key = String(load_default="", metadata={"description": "A private key; empty to keep the one there is."})
    passphrase = String(load_default="")
    forget_key = Boolean(load_default=False)
    version = Integer(required=True)


class TeamInput(Schema):
    """A new team."""

    name = String(required=True)
    description = String(load_default="")


class TeamChangeInput(Schema):
    """A changed team, and the version that was changed."""

    description = String(load_default="")
    members = List(String(), required=True)
    version = Integer(required=True)


@blueprint.get("/projects")
@requires(Permission.PROJECT_READ)
@blueprint.doc(summary="List projects")
def list_projects() -> dict[str, Any]:
    """Those that whoever asks has access to."""
    return {"projects": [_shown(each) for each in services().projects.all()]}


@blueprint.post("/projects")
@requires(Permission.PROJECT_EDIT)
@blueprint.input(NewInput)
@blueprint.doc(summary="Make a project", responses={201: "It is there", 422: "A bad value"})
def create_project(json_data: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Nobody but managers and administrators has access to it at first."""
    name = json_data.pop("name")
    return _shown(services().projects.create(name, _plan(json_data), current_actor())), 201


@blueprint.get("/projects/<name>")
@requires(Permission.PROJECT_READ)
@blueprint.doc(summary="Look at a project", responses={404: "None that you may know of"})
def show_project(name: str) -> dict[str, Any]:
    """What belongs to it."""
    return _shown(services().projects.get(name))


@blueprint.put("/projects/<name>")
@requires(Permission.PROJECT_EDIT)
@blueprint.input(ChangeInput)
@blueprint.doc(summary="Change what belongs to a project", responses={409: "Somebody else changed it meanwhile"})
def change_project(name: str, json_data: dict[str, Any]) -> dict[str, Any]:
    """As a whole: what is left out is gone."""
    version = json_data.pop("version")
    return _shown(services().projects.change(name, _plan(json_data), version, current_actor()))


@blueprint.delete("/projects/<name>")
@requires(Permission.PROJECT_EDIT)
@blueprint.doc(summary="Remove a project", responses={204: "It is gone; its hosts and runs stay"})
def remove_project(name: str) -> tuple[str, int]:
    """Its access and secrets go with it."""
    services().projects.remove(name, current_actor())
    return "", 204


@blueprint.get("/projects/<name>/access")
@requires(Permission.PROJECT_MANAGE)
@blueprint.doc(summary="Who has access to a project")
def list_access(name: str) -> dict[str, Any]:
    """People, teams and groups of a directory; for admins of the project."""
    project = services().projects.managed(name)
    levels = {level.value: word for word, level in LEVELS.items()}
    groups = [{"group": each.group_name, "level": levels[each.level]} for each in services().access.groups(project)]
    return {"access": [_grant(each) for each in services().access.of(project)], "groups": groups}


@blueprint.put("/projects/<name>/access")
@requires(Permission.PROJECT_MANAGE)
@blueprint.input(AccessInput)
@blueprint.doc(summary="Give or take access", responses={409: "Somebody else changed it meanwhile; `now` says to what"})
def give_access(name: str, json_data: dict[str, Any]) -> dict[str, Any]:
    """At once; `none` takes it away."""
    project, whom = services().projects.managed(name), Whom(json_data["kind"], json_data["name"])
    given = services().access.give(project, whom, json_data["level"], current_actor(), seen=json_data["seen"])
    return _grant(given)


@blueprint.put("/projects/<name>/groups")
@requires(Permission.PROJECT_MANAGE)
@blueprint.input(GroupInput)
@blueprint.doc(summary="Give access to a group of a directory", responses={204: "From the next sign-in on"})
def map_group(name: str, json_data: dict[str, str]) -> tuple[str, int]:
    """`none` takes it away."""
    project = services().projects.managed(name)
    services().access.map_group(project, json_data["group"], json_data["level"], current_actor())
    return "", 204


@blueprint.get("/projects/<name>/secrets")
@requires(Permission.PROJECT_MANAGE)
@blueprint.doc(summary="List the secrets of a project")
def list_secrets(name: str) -> dict[str, Any]:
    """Their names; never a value."""
    found = services().secrets.all(services().projects.managed(name))
    shown = [
        {"name": each.name, "description": each.description, "changed_at": each.changed_at.isoformat()}
        for each in found
    ]
    return {"secrets": shown}


@blueprint.put("/projects/<name>/secrets/<secret>")
@requires(Permission.PROJECT_MANAGE)
@blueprint.input(SecretInput)
@blueprint.doc(summary="Keep a secret", responses={204: "Runs get it from now on", 422: "A bad value"})
def set_secret(name: str, secret: str, json_data: dict[str, str]) -> tuple[str, int]:
    """In place of another of that name."""
    project = services().projects.managed(name)
    services().secrets.set(project, secret, json_data["value"], json_data["description"], current_actor())
    return "", 204


@blueprint.delete("/projects/<name>/secrets/<secret>")
@requires(Permission.PROJECT_MANAGE)
@blueprint.doc(summary="Forget a secret", responses={204: "It is gone"})
def remove_secret(name: str, secret: str) -> tuple[str, int]:
    """Nobody can bring it back."""
    services().secrets.remove(services().projects.managed(name), secret, current_actor())
    return "", 204


@blueprint.put("/projects/<name>/ssh")
@requires(Permission.PROJECT_MANAGE)
@blueprint.input(SshInput)
@blueprint.doc(summary="Say how the hosts of a project are reached", responses={409: "Changed meanwhile"})
def change_ssh(name: str, json_data: dict[str, Any]) -> dict[str, Any]:
    """The key is shown to nobody again."""
    version, project = json_data.pop("version"), services().projects.managed(name)
    services().ssh.change(project, SshPlan(**json_data), version, current_actor())
    return _shown(services().projects.get(name))


@blueprint.post("/projects/<name>/ssh/test")
@requires(Permission.PROJECT_MANAGE)
@blueprint.output(Launched, status_code=201)
@blueprint.doc(summary="Try to reach each host of a project")
def test_ssh(name: str) -> tuple[dict[str, str], int, dict[str, str]]:
    """An ordinary run; its results say which host was reached."""
    return launched(services().connection_tests.start(services().projects.managed(name), current_actor()))


@blueprint.get("/teams")
@requires(Permission.PERSON_READ)
@blueprint.doc(summary="List teams")
def list_teams() -> dict[str, Any]:
    """Each with who is in it."""
    return {"teams": [_team(each) for each in services().teams.all()]}


@blueprint.post("/teams")
@requires(Permission.PROJECT_EDIT)
@blueprint.input(TeamInput)
@blueprint.doc(summary="Make a team", responses={201: "It is there", 422: "A bad value"})
def create_team(json_data: dict[str, str]) -> tuple[dict[str, Any], int]:
    """Without anybody in it."""
    return _team(services().teams.create(json_data["name"], json_data["description"], current_actor())), 201


@blueprint.put("/teams/<name>")
@requires(Permission.PROJECT_EDIT)
@blueprint.input(TeamChangeInput)
@blueprint.doc(summary="Change who is in a team", responses={409: "Somebody else changed it meanwhile"})
def change_team(name: str, json_data: dict[str, Any]) -> dict[str, Any]:
    """As a whole: who is left out is no longer in it."""
    teams = services().teams
    teams.change(name, json_data["description"], json_data["members"], json_data["version"], current_actor())
    return _team(teams.get(name))


@blueprint.delete("/teams/<name>")
@requires(Permission.PROJECT_EDIT)
@blueprint.doc(summary="Remove a team", responses={204: "The access it gave ends"})
def remove_team(name: str) -> tuple[str, int]:
    """At once."""
    services().teams.remove(name, current_actor())
    return "", 204


def _plan(value: dict[str, Any]) -> Plan:
    lists = {name: tuple(value[name]) for name in ("hosts", "operations", "repositories")}
    return Plan(**{**value, **lists})


def _shown(project: Project) -> dict[str, Any]:
    names = [
        *("name", "title", "description", "hosts", "operations", "repositories"),
        *("approval_steps", "commands", "version"),
    ]
    ssh = {
        "user": project.ssh_user,
        "port": project.ssh_port,
        "jump": project.ssh_jump,
        "public_key": project.ssh_public_key,
    }
    return {
        **{name: getattr(project, name) for name in names},
        "ssh": ssh,
        "level": services().projects.level(project.name).word,
    }


def _grant(grant: Grant) -> dict[str, Any]:
    return {
        "kind": grant.whom.kind,
        "name": grant.whom.name,
        "level": grant.level.word,
        "by_groups": grant.group_level.word,
    }


def _team(team: Team) -> dict[str, Any]:
    members = [person.name for person in services().teams.members(team)]
    return {"name": team.name, "description": team.description, "members": members, "version": team.version}
