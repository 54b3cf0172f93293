"""What can go wrong with files and repositories: each error is a sentence that a person can act on."""

from __future__ import annotations

from datetime import datetime

from selfservice.errors import ApplicationError, BadInput, NotFound, Unavailable


class FilesError(ApplicationError):
    """A repository refused something."""

    status = 409
    problem_type = "repository"
    title = "The repository refused it"


class PathRefused(BadInput):
    """A path that is never read or written, and why."""

    title = "This path cannot be used"


class FileGone(NotFound):
    """There is no such file at this commit."""

    title = "No such file"


class BranchGone(NotFound):
    """There is no such branch (any more)."""

    title = "No such branch"


class CommitGone(NotFound):
    """There is no such commit in the repository."""

    title = "No such commit"


class RepositoryGone(NotFound):
    """The repository does not exist, was renamed, or the token may not see it."""

    title = "No such repository"


class EmptyRepository(NotFound):
    """The repository has no commit yet, so there is nothing to look at."""

    title = "The repository is empty"


class BranchExists(FilesError):
    """A branch of that name is there already."""

    title = "The branch exists already"


class BranchMoved(FilesError):
    """Somebody committed to the branch meanwhile; nothing was written."""

    problem_type = "branch-moved"
    title = "Somebody else has committed meanwhile"


class BranchProtected(FilesError):
    """The repository lets nobody, or not this token, change this branch."""

    status = 403
    problem_type = "branch-protected"
    title = "The branch is protected"


class MergeConflict(FilesError):
    """Both branches changed the same lines."""

    problem_type = "merge-conflict"
    title = "The branches contradict each other"


class NothingChanged(FilesError):
    """The commit would be the same as the one before it."""

    problem_type = "nothing-changed"
    title = "Nothing was changed"


class NotOffered(FilesError):
    """This kind of repository has no way to do it."""

    status = 422
    problem_type = "not-offered"
    title = "This repository cannot do it"


class FileTooLarge(FilesError):
    """The file is larger than what is read into memory."""

    status = 413
    problem_type = "file-too-large"
    title = "The file is too large"


class WrongToken(FilesError):
    """The repository's server does not accept the credentials."""

    status = 502
    problem_type = "wrong-token"
    title = "The credentials are not accepted"


class MissingScope(FilesError):
    """The credentials are accepted, but do not allow this."""

    status = 502
    problem_type = "missing-scope"
    title = "The credentials do not allow it"


class ServerUnreachable(Unavailable):
    """No answer came from the repository's server."""

    problem_type = "repository-unreachable"
    title = "The repository's server does not answer"


class CertificateUnknown(ServerUnreachable):
    """The server showed a certificate that this node does not trust."""

    problem_type = "certificate-unknown"
    title = "The server's certificate is not trusted"


class AnswerLost(ServerUnreachable):
    """A change was sent, and no answer says whether it was made."""

    problem_type = "answer-lost"
    title = "Nobody knows yet whether it was done"


class RateLimited(Unavailable):
    """The server wants fewer calls for a while."""

    status = 503
    problem_type = "rate-limited"
    title = "The repository's server is limiting calls"

    def __init__(self, sentence: str, until: datetime | None = None) -> None:
        """Keep the moment from which it may be tried again."""
        super().__init__(sentence, **({"until": until.isoformat()} if until else {}))
        self.until = until
