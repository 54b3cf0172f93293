"""What Ansible says of the playbooks in an edit, before they are committed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath

import yaml

from selfservice.errors import Unavailable
from selfservice.files.checkouts import check_out
from selfservice.files.edits import Edits, FileChange
from selfservice.files.models import Edit
from selfservice.files.text import decoded

#: Asks Ansible: what is wrong with which of these playbooks of a folder; None where it cannot be asked.
Ask = Callable[[Path, Iterable[str]], Mapping[str, object] | None]
_PLAY_KEYS = frozenset({"hosts", "import_playbook", "ansible.builtin.import_playbook"})
_ENDINGS = (".yml", ".yaml")


class PlaybookCheck:
    """Puts the files of an edit together, as they would be after the commit, and has Ansible read the playbooks."""

    def __init__(self, edits: Edits, ask: Ask) -> None:
        """Check edits by asking `ask`."""
        self._edits = edits
        self._ask = ask

    def of(self, edit: Edit) -> dict[str, str]:
        """What is wrong, by path; empty sentences where all is well. Raises what the server says, Unavailable."""
        changes = [change for change in self._edits.changes(edit) if change.after is not None]
        playbooks = [change.path for change in changes if is_playbook(change)]
        if not playbooks:
            return {}
        with tempfile.TemporaryDirectory(prefix="selfservice-check-") as aside:
            folder = Path(aside)
            if edit.branch_tip:
                folder = check_out(self._edits.repository(edit), edit.branch_tip, folder)
            _lay_over(folder, changes)
            return {path: self._said(folder, PurePosixPath(path)) for path in playbooks}

    def _said(self, folder: Path, path: PurePosixPath) -> str:
        found = self._ask(folder / path.parent, [path.name])
        if found is None:
            raise Unavailable("Ansible cannot be asked at the moment; try again, or commit without its advice.")
        return str(found.get(path.name, ""))


def is_playbook(change: FileChange) -> bool:
    """Whether a changed file is a list of plays."""
    text = decoded(change.after or b"") if change.path.endswith(_ENDINGS) else None
    try:
        # Composing makes nothing of tags such as !vault: they need not be known.
        root = yaml.compose(text.text, Loader=yaml.CSafeLoader) if text else None
    except yaml.YAMLError:
        return False  # said already, with line and column
    if not isinstance(root, yaml.SequenceNode):
        return False
    keys = {key.value for play in root.value if isinstance(play, yaml.MappingNode) for key, _ in play.value}
    return bool(keys & _PLAY_KEYS)


def _lay_over(folder: Path, changes: Iterable[FileChange]) -> None:
    """Write the drafts over the files of the commit, which are read-only."""
    for path in (folder, *(each for each in folder.rglob("*") if each.is_dir() and not each.is_symlink())):
        path.chmod(0o700)
    for change in changes:
        target = folder / change.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)  # never through a link
        target.write_bytes(change.after or b"")
