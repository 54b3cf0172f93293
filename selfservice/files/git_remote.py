"""Commits to a repository on a server by git over https: for servers whose own API cannot do it.

A commit is made in a passing clone that holds the latest tree and no contents, then pushed only
where the branch still stands at what was seen.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import certifi

from selfservice.errors import ApplicationError
from selfservice.files.errors import (
    AnswerLost,
    BranchGone,
    BranchMoved,
    BranchProtected,
    CertificateUnknown,
    FilesError,
    MissingScope,
    RateLimited,
    RepositoryGone,
    ServerUnreachable,
    WrongToken,
)
from selfservice.files.git import Git, make_bare, outcome_of
from selfservice.files.git_commits import write_commit
from selfservice.files.repository import NewCommit
from selfservice.files.rest import Manners

_SECONDS = 300
_TRIES = 3
_PROXIES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")
#: What git says on its standard error, and what it means; the first that fits.
_MEANINGS: tuple[tuple[str, type[ApplicationError], str], ...] = (
    ("couldn't find remote ref", BranchGone, "{host} has no such branch (any more)."),
    (
        "Authentication failed|could not read Username|error: 401",
        WrongToken,
        "{host} does not accept the token of this repository for git: it is wrong, revoked or expired.",
    ),
    ("error: 403", MissingScope, "The token of this repository does not allow git to write there: {said}"),
    ("error: 404|not found", RepositoryGone, "{host} has no such repository for git, or git over https is off there."),
    ("error: 429", RateLimited, "{host} allows no more calls for a while; it does not say until when."),
    (
        "certificate|SSL",
        CertificateUnknown,
        "{host} shows a certificate that this node does not trust. Name its authority in SELFSERVICE_CA_FILE, or"
        " correct the address.",
    ),
)
#: Another program pushed between the look and the push.
_MOVED = re.compile(r"\[rejected\]|failed to update ref|cannot lock ref|already exists|fetch first|stale info")


class GitRemote:
    """One repository as git itself reaches it, by a bearer token."""

    def __init__(self, address: str, token: str, manners: Manners | None = None) -> None:
        """Push to the repository at `address`."""
        self._address = address
        self._token = token
        self._manners = manners or Manners()
        self._host = urlsplit(address).hostname or address

    def commit(self, new: NewCommit) -> str:
        """The id of the one commit with all changes. Raises BranchMoved, FileGone, NothingChanged or AnswerLost."""
        with tempfile.TemporaryDirectory(prefix="selfservice-push-") as folder:
            clone = make_bare(Path(folder) / "clone.git")
            if new.expected:
                self._fetch(clone, new)
            commit = write_commit(clone, new)
            self._push(clone, new, commit)
        return commit

    def _fetch(self, clone: Git, new: NewCommit) -> None:
        where = f"refs/heads/{new.branch}"
        # A remote with a name: only such a one may leave contents out.
        clone.run("remote", "add", "origin", self._address)
        self._asked(
            clone, "fetch", "--quiet", "--no-tags", "--depth=1", "--filter=blob:none", "origin", f"+{where}:{where}"
        )
        if clone.text("rev-parse", where) != new.expected:
            raise BranchMoved(f"{new.branch} has changed since it was looked at, so nothing was committed.")

    def _push(self, clone: Git, new: NewCommit, commit: str) -> None:
        """Let the branch stand at `commit`, once; where nobody answers, look whether it does."""
        where = f"refs/heads/{new.branch}"
        lease = f"--force-with-lease={where}:{new.expected}"
        code, output, error = self._outcome(clone, "push", "--porcelain", lease, self._address, f"{commit}:{where}")
        if not code:
            return
        refused = next((line for line in output.decode("utf-8", "replace").splitlines() if line.startswith("!")), "")
        if not refused and (known := self._meaning(error)):
            raise known
        if self._asked(clone, "ls-remote", self._address, where).partition("\t")[0] == commit:
            return  # it was made, only its answer was lost
        if not refused:
            raise AnswerLost(f"{self._host} broke off before it answered, so it may have been done or not.")
        if _MOVED.search(refused):
            raise BranchMoved(f"{new.branch} has changed since it was looked at, so nothing was committed.")
        said = _said(error) or refused.rpartition("\t")[2]
        raise BranchProtected(f"{self._host} does not let this token commit to {new.branch}: {said}")

    def _asked(self, clone: Git, *words: str) -> str:
        """What git prints; tried again where the server does not answer."""
        for attempt in range(1, _TRIES + 1):
            code, output, error = self._outcome(clone, *words)
            if not code:
                return output.decode()
            if known := self._meaning(error):
                raise known
            if attempt < _TRIES:
                self._manners.sleep(0.5 * 2 ** (attempt - 1))
        raise ServerUnreachable(f"{self._host} cannot be reached by git: {_last(error)}")

    def _outcome(self, clone: Git, *words: str) -> tuple[int, bytes, str]:
        with self._configuration() as descriptor:
            environment = {
                **{name: os.environ[name] for name in _PROXIES if name in os.environ},
                "GIT_CONFIG_GLOBAL": f"/proc/self/fd/{descriptor}",
            }
            words = (f"--git-dir={clone.folder}", *words)
            return outcome_of(words, environment=environment, keep_open=(descriptor,), seconds=_SECONDS)

    @contextmanager
    def _configuration(self) -> Iterator[int]:
        """A file in memory alone: the token stands on no disk, in no argument and in no environment."""
        trusted = certifi.where() if self._manners.trusted is True else str(self._manners.trusted)
        header = f"Authorization: Bearer {self._token}"
        lines = (
            f"[http {_quoted(self._address)}]",
            f"extraHeader = {_quoted(header)}",
            f"sslCAInfo = {_quoted(trusted)}",
            "followRedirects = false",
            "[protocol]",
            "allow = never",
            f"[protocol {_quoted(urlsplit(self._address).scheme)}]",
            "allow = always",
        )
        descriptor = os.memfd_create("git-configuration")
        try:
            os.write(descriptor, "\n".join(lines).encode())
            yield descriptor
        finally:
            os.close(descriptor)

    def _meaning(self, error: str) -> ApplicationError | None:
        for words, kind, sentence in _MEANINGS:
            if re.search(words, error, re.IGNORECASE):
                return kind(sentence.format(host=self._host, said=_said(error) or _last(error)))
        return None


def _quoted(value: str) -> str:
    """As git's configuration takes it. Raises FilesError for what could add a line of its own."""
    if not value.isprintable():
        raise FilesError("The token or the address of this repository has characters that cannot be sent.")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _said(error: str) -> str:
    """What the server itself said."""
    lines = [line.removeprefix("remote:").strip() for line in error.splitlines() if line.startswith("remote:")]
    return " ".join(line for line in lines if line)[:300]


def _last(error: str) -> str:
    lines = error.strip().splitlines()
    return lines[-1][:300] if lines else "it broke off."
