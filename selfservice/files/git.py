"""Git itself, called by argument lists: the only module that starts it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from selfservice.errors import Unavailable

_GIT = "git"
_SECONDS = 60
_CHUNK = 64 * 1024
#: Nothing of this machine or person's own configuration changes what happens.
_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
}


class GitFailed(Unavailable):
    """Git ended with an error that its caller did not expect."""

    problem_type = "git"
    title = "Git could not do it"

    def __init__(self, words: str, code: int, output: str) -> None:
        """Keep what git said."""
        said = output.strip().splitlines()
        super().__init__(f"git {words} failed: {said[-1] if said else f'exit code {code}'}.")
        self.code = code
        self.output = output


class Git:
    """One bare repository on this machine."""

    def __init__(self, folder: Path) -> None:
        """Work in the bare repository `folder`."""
        self.folder = folder

    def run(self, *words: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> bytes:
        """What `git …` prints. Raises GitFailed."""
        code, output, error = self.outcome(*words, stdin=stdin, environment=environment)
        if code:
            raise GitFailed(words[0], code, error)
        return output

    def text(self, *words: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> str:
        """What `git …` prints, without the line end. Raises GitFailed."""
        return self.run(*words, stdin=stdin, environment=environment).decode().rstrip("\n")

    def outcome(
        self, *words: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, str]:
        """Exit code, output and errors of `git …`. Raises Unavailable where it cannot be started or hangs."""
        return outcome_of(self._words(words), stdin, environment)

    def stream(self, *words: str) -> Iterator[bytes]:
        """What `git …` prints, as it comes; ends the process when it is closed."""
        process = subprocess.Popen(
            [_GIT, *self._words(words)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_ENVIRONMENT
        )
        try:
            assert process.stdout is not None  # noqa: S101  # it was asked for
            while chunk := process.stdout.read(_CHUNK):
                yield chunk
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            if process.stdout:
                process.stdout.close()
            process.wait()

    def _words(self, words: tuple[str, ...]) -> tuple[str, ...]:
        return (f"--git-dir={self.folder}", "-c", "core.quotePath=false", *words)


def outcome_of(
    words: tuple[str, ...],
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    *,
    keep_open: tuple[int, ...] = (),
    seconds: float = _SECONDS,
) -> tuple[int, bytes, str]:
    """Exit code, output and errors of `git …`, in no repository unless the words name one.

    It may read the file descriptors `keep_open`. Raises Unavailable where git cannot be started or hangs.
    """
    try:
        done = subprocess.run(
            [_GIT, *words],
            input=stdin,
            capture_output=True,
            env={**_ENVIRONMENT, **(environment or {})},
            pass_fds=keep_open,
            timeout=seconds,
        )
    except FileNotFoundError as error:
        raise Unavailable("Git is not installed on this node; install the package git.") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"git took longer than {seconds:.0f} seconds and was ended.") from error
    return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")


def make_bare(folder: Path, default_branch: str = "main") -> Git:
    """A new bare repository without any commit."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    git = Git(folder)
    git.run("init", "--quiet", "--bare", f"--initial-branch={default_branch}", "--template=", str(folder))
    return git
