"""Long lists of Bitbucket Cloud: page by page, and the files of a commit folder by folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

from selfservice.files.errors import FilesError
from selfservice.files.rest import Rest

PAGE = 100
_DEPTH = 20


def pages(rest: Rest, path: str, params: dict[str, Any], size: int = PAGE) -> Iterator[dict[str, Any]]:
    """Every value; `next` is followed as given, and a page may be empty and still have one."""
    page = rest.get(path, {**params, "pagelen": size}).json()
    while True:
        yield from page["values"]
        if not page.get("next"):
            return
        if urlsplit(page["next"]).netloc != urlsplit(rest.base).netloc:
            raise FilesError("Bitbucket names a next page on another server, which is not followed.")
        page = rest.get(page["next"]).json()


def walk(rest: Rest, commit: str, folder: str = "", depth: int = _DEPTH) -> Iterator[dict[str, Any]]:
    """Every file of a commit below `folder`."""
    where = f"/src/{commit}/{quote(folder)}{'/' if folder else ''}"
    params = {"max_depth": depth, "fields": "next,values.path,values.type,values.attributes"}
    try:
        found = list(pages(rest, where, params))
    except FilesError as error:
        if error.extra.get("code") != 555 or depth == 1:
            raise
        # Too much for one answer: folder by folder then.
        yield from walk(rest, commit, folder, 1)
        return
    for value in found:
        if value["type"] == "commit_file":
            yield value
        elif value["path"].removeprefix(folder).strip("/").count("/") + 1 == depth:
            yield from walk(rest, commit, value["path"].strip("/"))
