"""A commit as Bitbucket Cloud takes it: one multipart form with every file in it."""

from __future__ import annotations

from urllib.parse import quote

from urllib3 import encode_multipart_formdata
from urllib3.fields import RequestField

from selfservice.files.cloud_answers import entry_of
from selfservice.files.errors import FileGone
from selfservice.files.repository import Delete, EntryKind, NewCommit
from selfservice.files.rest import Rest


def upload(rest: Rest, new: NewCommit) -> None:
    """Send it, once. Raises AnswerLost where nobody knows whether it was made, and what the server says."""
    body, kind = encode_multipart_formdata(_fields(new, _attributes(rest, new)))
    rest.send("POST", "/src", data=body, headers={"Content-Type": kind})


def _fields(new: NewCommit, attributes: dict[str, str]) -> list[RequestField]:
    fields = [
        RequestField.from_tuples("message", new.message),
        RequestField.from_tuples("author", str(new.author)),
        RequestField.from_tuples("branch", new.branch),
    ]
    if new.expected:
        fields.append(RequestField.from_tuples("parents", new.expected))
    for change in new.changes:
        if isinstance(change, Delete):
            fields.append(RequestField.from_tuples("files", change.path))
            continue
        field = RequestField.from_tuples(change.path, (change.path.rpartition("/")[2], change.content))
        if change.path in attributes:
            # Without it the server would take the flag of an executable or a link away.
            field.headers["Content-Disposition"] = (
                f'{field.headers["Content-Disposition"]}; x-attributes="{attributes[change.path]}"'
            )
        fields.append(field)
    return fields


def _attributes(rest: Rest, new: NewCommit) -> dict[str, str]:
    """The flags of the files that are there already."""
    kinds: dict[str, str] = {}
    for change in new.changes if new.expected else ():
        if isinstance(change, Delete):
            continue
        try:
            entry = entry_of(rest.get(f"/src/{new.expected}/{quote(change.path)}", {"format": "meta"}).json())
        except FileGone:
            continue
        if entry.kind in (EntryKind.EXECUTABLE, EntryKind.LINK):
            kinds[change.path] = entry.kind.value
    return kinds
