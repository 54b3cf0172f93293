"""Whatever two people do through edits, no commit loses a line of somebody who did not see it go."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from selfservice.files.errors import BranchGone, FilesError, MergeConflict, NothingChanged
from selfservice.files.git import make_bare
from selfservice.files.git_commits import write_commit
from selfservice.files.models import Edit, EditState, RepositoryKind
from selfservice.files.moved import BaseMoved
from selfservice.files.registry import Plan
from selfservice.settings import Settings
from tests.files.cast import first_commit
from tests.files.office import ALICE, BOB, Office
from tests.records import make_tables

PEOPLE = {"alice": ALICE, "bob": BOB}
PATHS = ("notes", "more")
people, paths = st.sampled_from(sorted(PEOPLE)), st.sampled_from(PATHS)
SECONDS = {"deadline": None, "max_examples": 10, "stateful_step_count": 25}


class TwoPeople(RuleBasedStateMachine):
    """Alice and Bob change the same files; each knows which lines they took out or were shown."""

    @initialize()
    def begin(self) -> None:
        self._home = tempfile.TemporaryDirectory()
        home = Path(self._home.name)
        node = Settings(home=home, node_name="master")
        for folder in (node.artifacts, node.audit, node.inventory, node.instance):
            folder.mkdir()
        make_tables(node)
        self.git = make_bare(node.instance / "repositories" / "playbooks.git")
        write_commit(
            self.git,
            first_commit(
                {path: b"".join(b"%s %d\n" % (path.encode(), number) for number in range(6)) for path in PATHS}
            ),
        )
        self.office = Office(node, self.git)
        self.office.registry.create(Plan("playbooks", "P", RepositoryKind.LOCAL, "playbooks.git"), ALICE)
        self.edits: dict[str, Edit] = {}
        #: Lines that somebody took out knowingly.
        self.taken: set[bytes] = set()
        self.count = 0

    def _edit(self, name: str, path: str) -> Edit:
        edit = self.office.begin(PEOPLE[name], path)
        return self.office.edits.get(edit.id, PEOPLE[name])

    def _draft(self, edit: Edit) -> tuple[list[bytes], int]:
        change = self.office.edits.changes(edit)[0]
        assert change.after is not None
        return change.after.splitlines(), change.version

    @rule(name=people, path=paths, place=st.integers(0, 9), replace=st.booleans(), merge=st.booleans())
    def types(self, name: str, path: str, place: int, replace: bool, merge: bool) -> None:
        edit = self._edit(name, path)
        lines, version = self._draft(edit)
        self.count += 1
        place %= len(lines) + 1
        if replace and place < len(lines):
            self.taken.add(lines.pop(place))
        lines.insert(place, b"%s %d" % (name.encode(), self.count))
        self.office.edits.keep(edit, path, b"\n".join(lines) + b"\n", version)
        (self.merges if merge else self.commits)(name, path)

    def commits(self, name: str, path: str) -> None:
        try:
            self.office.commit(self._edit(name, path), PEOPLE[name])
        except (NothingChanged, BaseMoved):
            return

    def merges(self, name: str, path: str) -> None:
        self.commits(name, path)
        edit = self._edit(name, path)
        try:
            self.office.merge(edit, PEOPLE[name])
        except (NothingChanged, BaseMoved, MergeConflict, BranchGone):
            return
        assert self.office.edits.get(edit.id, PEOPLE[name]).state == EditState.MERGED

    @rule(name=people, path=paths, keep_mine=st.booleans())
    def looks_at_both_sides(self, name: str, path: str, keep_mine: bool) -> None:
        edit = self._edit(name, path)
        base, sides = self.office.delivery.contested(edit)
        decided: dict[str, bytes | None] = {}
        for side in sides:
            merged = side.merged
            if merged.conflicts == 0 and not keep_mine:
                decided[side.path] = merged.content
            else:
                assert side.mine is not None
                assert side.theirs is not None
                # Shown, and decided against.
                self.taken |= set(side.theirs.splitlines()) - set(side.mine.splitlines())
                decided[side.path] = side.mine
        try:
            self.office.delivery.take_over(edit, base.tip, decided, PEOPLE[name])
        except FilesError as error:
            raise AssertionError(error.sentence) from error

    @rule(name=people, path=paths, sure=st.integers(0, 3))
    def gives_up(self, name: str, path: str, sure: int) -> None:
        if sure == 3:
            self.office.delivery.discard(self._edit(name, path), PEOPLE[name])

    @invariant()
    def no_line_went_unseen(self) -> None:
        if not hasattr(self, "git"):
            return
        commits = self.git.text("rev-list", "--first-parent", "--reverse", "main").splitlines()
        for path in PATHS:
            versions = [set(self.git.run("cat-file", "blob", f"{commit}:{path}").splitlines()) for commit in commits]
            for before, after in pairwise(versions):
                assert before - after <= self.taken

    def teardown(self) -> None:
        if hasattr(self, "office"):
            self.office.database.close()
            self._home.cleanup()


TestTwoPeople = TwoPeople.TestCase
TestTwoPeople.settings = settings(**SECONDS, suppress_health_check=list(HealthCheck))
