"""Roles are sets of rights; nobody makes one that may more than they may."""

from __future__ import annotations

import pytest

from selfservice.accounts.accounts import Accounts
from selfservice.accounts.builtin_roles import BUILTIN_ROLES, VIEWER, keep_in_step
from selfservice.accounts.errors import NameTaken, RoleInUse, RoleNotFound
from selfservice.accounts.models import Person, Role
from selfservice.accounts.permissions import EVERYBODY, MEANINGS, Permission
from selfservice.accounts.roles import Author, Roles
from selfservice.audit.actions import Kind
from selfservice.errors import BadInput, ChangedMeanwhile, Forbidden
from selfservice.store.database import Database
from tests.accounts.conftest import ALICE_PASSWORD, TERMINAL, Remembered
from tests.records import database_url  # noqa: F401

ROOT = Author(TERMINAL, frozenset(Permission))


@pytest.fixture
def roles(accounts: Accounts) -> Roles:
    return accounts.roles


def test_five_roles_come_with_the_program_and_members_of_projects_alone_see_nothing_outside(roles: Roles) -> None:
    found = roles.all()
    assert [role.name for role in found] == [each.name for each in BUILTIN_ROLES]
    rights = {role.name: role.rights for role in found}
    assert rights["administrator"] == frozenset(Permission)
    assert rights["administrator"] > rights["technical-agent"] > rights["viewer"]
    assert rights["sales-agent"] - rights["viewer"] == {Permission.OPERATION_ASK, Permission.REQUEST_COMMENT}
    assert rights["technical-agent"] > rights["sales-agent"]
    assert [name for name in rights if Permission.PROJECT_OUTSIDE not in rights[name]] == ["project-member"]


def test_a_viewer_changes_nothing(roles: Roles) -> None:
    said = {permission.partition(":")[2] for permission in roles.get(VIEWER).rights - {Permission.ACCOUNT_SELF}}
    assert said == {"view", "read", "outside"}


def test_every_right_says_what_it_is_for() -> None:
    assert set(MEANINGS) == set(Permission)


def test_a_role_gives_its_rights_and_those_of_everybody(accounts: Accounts, roles: Roles) -> None:
    roles.create("night-shift", "Sees and cancels", ["run:read", "run:cancel"], ROOT)
    person = accounts.create_person("bob", ALICE_PASSWORD, TERMINAL, role="night-shift")
    assert {each for each in Permission if person.may(each)} == EVERYBODY | {Permission.RUN_READ, Permission.RUN_CANCEL}


def test_a_changed_role_changes_what_people_may_at_once(accounts: Accounts, roles: Roles) -> None:
    roles.create("night-shift", "", ["run:read"], ROOT)
    person = accounts.create_person("bob", ALICE_PASSWORD, TERMINAL, role="night-shift")
    session = accounts.sessions.begin(person, "password", "192.0.2.1", "")
    roles.change("night-shift", "", ["host:read"], 1, ROOT)
    seen = accounts.sessions.person_of(session)
    assert seen is not None
    assert seen.permissions == EVERYBODY | {Permission.HOST_READ}


def test_the_second_of_two_who_change_a_role_is_told(roles: Roles) -> None:
    roles.create("night-shift", "", ["run:read"], ROOT)
    roles.change("night-shift", "", ["host:read"], 1, ROOT)
    with pytest.raises(ChangedMeanwhile, match="it has now the rights account:self, alert:read, home:view, host:read"):
        roles.change("night-shift", "", ["run:cancel"], 1, ROOT)
    assert roles.get("night-shift").rights == EVERYBODY | {Permission.HOST_READ}


@pytest.mark.parametrize("name", ["", "a b", "Ä", "-a", "a-", "x" * 41, "../x", "<b>"])
def test_a_name_that_cannot_be_used_is_refused(roles: Roles, name: str) -> None:
    with pytest.raises(BadInput, match="small letters") as told:
        roles.create(name, "", [], ROOT)
    assert told.value.field == "name"


@pytest.mark.parametrize("description", ["x" * 201, "two\nlines"])
def test_a_description_that_cannot_be_used_is_refused(roles: Roles, description: str) -> None:
    with pytest.raises(BadInput, match="one line of at most 200"):
        roles.create("night-shift", description, [], ROOT)


def test_a_right_that_does_not_exist_is_refused(roles: Roles) -> None:
    with pytest.raises(BadInput, match="no right “run:everything”"):
        roles.create("night-shift", "", ["run:everything"], ROOT)


def test_a_name_is_given_once(roles: Roles) -> None:
    with pytest.raises(NameTaken):
        roles.create(VIEWER, "", [], ROOT)


def test_roles_of_the_program_stay_as_they_are(roles: Roles) -> None:
    with pytest.raises(Forbidden, match="comes with the program"):
        roles.change(VIEWER, "", ["run:cancel"], 1, ROOT)
    with pytest.raises(Forbidden, match="comes with the program"):
        roles.remove(VIEWER, ROOT)


def test_roles_of_the_program_follow_it_from_version_to_version(database: Database, roles: Roles) -> None:
    expected = roles.get(VIEWER).rights
    with database.session() as session:
        viewer = session.query(Role).filter_by(name=VIEWER).one()
        viewer.permissions = ["run:cancel", "right:of-yesterday"]
    assert roles.get(VIEWER).rights == {Permission.RUN_CANCEL}
    with database.session() as session:
        keep_in_step(session)
    assert roles.get(VIEWER).rights == expected


def test_nobody_makes_a_role_that_may_more_than_they_may(roles: Roles) -> None:
    some = Author(TERMINAL, frozenset({Permission.ROLE_EDIT, Permission.RUN_READ, *EVERYBODY}))
    roles.create("night-shift", "", ["run:read"], some)
    with pytest.raises(Forbidden, match="“command:become”, which they have not"):
        roles.create("more", "", ["command:become"], some)
    with pytest.raises(Forbidden, match="“command:become”"):
        roles.change("night-shift", "", ["command:become"], 1, some)
    roles.change("night-shift", "", ["command:become"], 1, ROOT)
    with pytest.raises(Forbidden, match="“command:become”"):
        roles.change("night-shift", "", [], 2, some)


def test_a_role_that_somebody_has_cannot_be_removed(accounts: Accounts, roles: Roles) -> None:
    roles.create("night-shift", "", [], ROOT)
    person = accounts.create_person("bob", ALICE_PASSWORD, TERMINAL, role="night-shift")
    with pytest.raises(RoleInUse, match="Night shift"):
        roles.remove("night-shift", ROOT)
    accounts.people.give_role(person.name, VIEWER, ROOT)
    roles.remove("night-shift", ROOT)
    with pytest.raises(RoleNotFound):
        roles.get("night-shift")


def test_roles_are_counted_by_people_in_use(accounts: Accounts, roles: Roles, alice: Person) -> None:
    assert roles.counts() == {"technical-agent": 1}


def test_every_change_of_a_role_is_recorded(roles: Roles, journal: Remembered) -> None:
    roles.create("night-shift", "", ["run:read"], ROOT)
    roles.change("night-shift", "", ["run:cancel"], 1, ROOT)
    roles.remove("night-shift", ROOT)
    assert [(action.kind, action.target, action.detail) for action in journal.actions] == [
        (Kind.ROLE_CREATE, "role night-shift", {"permissions": "account:self, alert:read, home:view, run:read"}),
        (Kind.ROLE_CHANGE, "role night-shift", {"given": "run:cancel", "taken": "run:read"}),
        (Kind.ROLE_REMOVE, "role night-shift", {}),
    ]
