"""Whatever two people do through the pages, no commit loses a line of somebody who did not see it go."""

from __future__ import annotations

import html
import logging
import re
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from werkzeug.test import TestResponse

from selfservice import create_app
from selfservice.accounts.builtin_roles import ADMINISTRATOR
from selfservice.audit.actions import Actor
from selfservice.files.git import make_bare
from selfservice.files.git_commits import write_commit
from selfservice.files.models import RepositoryKind
from selfservice.files.registry import Plan
from selfservice.settings import Settings
from tests.conftest import ADMIN_PASSWORD
from tests.files.cast import first_commit
from tests.records import make_tables

ROOT = Actor("root", "terminal", "local")
PEOPLE = ("alice", "bob")
PATHS = ("notes",)
people, paths = st.sampled_from(PEOPLE), st.sampled_from(PATHS)
#: Making a failure smaller would take minutes; the steps that led to it are told as they were.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


class Desk:
    """One person's browser, without its scripts."""

    def __init__(self, app: APIFlask, name: str) -> None:
        self._client = app.test_client()
        self._token = ""
        self.post("/sign-in", {"name": name, "password": ADMIN_PASSWORD}, "/sign-in")

    def get(self, path: str) -> str:
        answer = self._client.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.text

    def post(self, path: str, values: dict[str, str], form: str = "/account/password") -> TestResponse:
        if not self._token or form == "/sign-in":
            self._token = _field(self.get(form), "csrf_token")
        answer = self._client.post(path, data={"csrf_token": self._token, **values})
        if form == "/sign-in":
            self._token = ""
        return answer

    def begin(self, path: str) -> str:
        """The address of the edit of a file, a new one or the unfinished one."""
        answer = self.post("/files/playbooks/edit", {"branch": "main", "path": path})
        assert answer.status_code == 303, answer.text
        return answer.location.partition("/file?")[0]

    def draft(self, edit: str, path: str) -> tuple[list[str], str]:
        """The lines of the draft, and its version."""
        page = self.get(f"{edit}/file?path={path}")
        return _text(page, "content").splitlines(), _field(page, "version")


def _field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    assert found, name
    return html.unescape(found[1])


def _text(page: str, name: str) -> str:
    found = re.search(rf'<textarea[^>]*name="{name}"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    assert found, name
    return html.unescape(found[1])


def _typed(lines: list[str]) -> str:
    """As a browser sends it."""
    return "".join(f"{line}\r\n" for line in lines)


class TwoPeople(RuleBasedStateMachine):
    """Alice and Bob change the same files; each knows which lines they took out or were shown."""

    @initialize()
    def begin(self) -> None:
        self._home = tempfile.TemporaryDirectory()
        node = Settings(home=Path(self._home.name), node_name="master")
        for folder in (node.artifacts, node.audit, node.inventory, node.instance):
            folder.mkdir()
        make_tables(node)
        self.git = make_bare(node.instance / "repositories" / "playbooks.git")
        first = {path: b"".join(b"%s %d\n" % (path.encode(), number) for number in range(6)) for path in PATHS}
        write_commit(self.git, first_commit(first))
        app = create_app(node, role="web")
        app.testing = True
        self.services: Any = app.extensions["selfservice"]
        self.services.repositories.create(Plan("playbooks", "P", RepositoryKind.LOCAL, "playbooks.git"), ROOT)
        for name in PEOPLE:
            self.services.accounts.create_person(name, ADMIN_PASSWORD, ROOT, role=ADMINISTRATOR)
        self.desks = {name: Desk(app, name) for name in PEOPLE}
        #: Lines that somebody took out knowingly.
        self.taken: set[str] = set()
        self.count = 0

    @rule(name=people, path=paths, place=st.integers(0, 9), replace=st.booleans(), merge=st.booleans())
    def types(self, name: str, path: str, place: int, replace: bool, merge: bool) -> None:
        desk = self.desks[name]
        edit = desk.begin(path)
        lines, version = desk.draft(edit, path)
        self.count += 1
        place %= len(lines) + 1
        if replace and place < len(lines):
            self.taken.add(lines.pop(place))
        lines.insert(place, f"{name} {self.count}")
        kept = desk.post(f"{edit}/file", {"path": path, "content": _typed(lines), "version": version, "review": "yes"})
        assert kept.status_code == 303, kept.text
        answer = desk.post(f"{edit}/commit", {"message": f"By {name}"})
        assert answer.status_code == 303, answer.text
        if merge:
            answer = desk.post(f"{edit}/merge", {})
            assert answer.status_code in (303, 409), answer.text

    @rule(name=people, path=paths, keep_mine=st.booleans())
    def looks_at_both_sides(self, name: str, path: str, keep_mine: bool) -> None:
        desk = self.desks[name]
        edit = desk.begin(path)
        page = desk.get(f"{edit}/sides")
        sent = {"seen": _field(page, "seen")}
        if 'name="path-0"' in page:
            contradicts = "they contradict each other" in page
            sent |= {"path-0": _field(page, "path-0"), "choice-0": "merged", "content-0": _text(page, "content-0")}
            if keep_mine or contradicts:
                # Shown, and decided against.
                theirs = re.search(r'aria-label="What others changed in[^"]*">(.*?)</pre>', page, re.DOTALL)
                assert theirs
                self.taken |= {html.unescape(line) for line in re.findall(r'diff-added">\+(.*)', theirs[1])}
                sent["choice-0"] = "mine"
        answer = desk.post(f"{edit}/sides", sent)
        assert answer.status_code == 303, answer.text

    @rule(name=people, path=paths, sure=st.integers(0, 3))
    def gives_up(self, name: str, path: str, sure: int) -> None:
        if sure == 3:
            desk = self.desks[name]
            assert desk.post(f"{desk.begin(path)}/discard", {}).status_code == 303

    @invariant()
    def no_line_went_unseen(self) -> None:
        if not hasattr(self, "git"):
            return
        commits = self.git.text("rev-list", "--first-parent", "--reverse", "main").splitlines()
        for path in PATHS:
            versions = [set(self.git.text("cat-file", "blob", f"{commit}:{path}").splitlines()) for commit in commits]
            for before, after in pairwise(versions):
                assert before - after <= self.taken
                assert not any(line.startswith(("<<<<<<<", ">>>>>>>")) for line in after)

    def teardown(self) -> None:
        if hasattr(self, "services"):
            self.services.database.close()
            logging.getLogger("selfservice").handlers.clear()
            self._home.cleanup()


TestTwoPeople = TwoPeople.TestCase
TestTwoPeople.settings = settings(deadline=None, max_examples=6, stateful_step_count=30, phases=PHASES)
