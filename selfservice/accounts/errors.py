"""What can go wrong with accounts and tokens."""

from __future__ import annotations

from selfservice.errors import ApplicationError, BadInput, NotFound


class SignInRefused(ApplicationError):
    """Name and password do not belong together; never says which of them is wrong."""

    status = 401
    problem_type = "sign-in-refused"
    title = "Sign-in refused"

    def __init__(self) -> None:
        """One sentence for every reason, so that nobody learns which names exist."""
        super().__init__("The name or the password is not right. Check both and try again.")


class TooManyAttempts(ApplicationError):
    """Passwords or codes were wrong too often."""

    status = 429
    problem_type = "too-many-attempts"
    title = "Too many attempts"

    def __init__(self, seconds: int) -> None:
        """Say after how many `seconds` it is worth another try."""
        minutes = -(-seconds // 60)
        words = "a minute" if minutes <= 1 else f"{minutes} minutes" if minutes <= 90 else f"{-(-minutes // 60)} hours"
        super().__init__(f"There were too many wrong passwords or codes. Wait {words}, then try again.")
        self.retry_after = seconds


class AccountNotFound(NotFound):
    """No account has this name."""


class RoleNotFound(NotFound):
    """No role has this name."""


class LastAdministrator(ApplicationError):
    """Nobody would be left who may do everything."""

    status = 409
    problem_type = "last-administrator"
    title = "Somebody has to be administrator"


class RoleInUse(ApplicationError):
    """The role cannot be removed while people have it."""

    status = 409
    problem_type = "role-in-use"
    title = "People have this role"


class TokenNotFound(NotFound):
    """No token in use has this name."""


class StepGone(ApplicationError):
    """What was begun took too long, was finished already, or was begun by somebody else."""

    status = 410
    problem_type = "step-gone"
    title = "Begin again"

    def __init__(self) -> None:
        """One sentence for every reason."""
        super().__init__("This took too long, was done already, or was begun in another browser. Begin again.")


class PasskeyNotFound(NotFound):
    """No passkey in use has this number."""


class PasskeyRefused(ApplicationError):
    """What a browser sent shows nothing."""

    status = 401
    problem_type = "passkey-refused"
    title = "Passkey refused"

    def __init__(self) -> None:
        """One sentence for every reason."""
        super().__init__("This passkey is not known here, or could not be checked. Try again, or sign in another way.")


class SignUpClosed(NotFound):
    """Strangers make no accounts here."""

    def __init__(self) -> None:
        """Who to ask instead."""
        super().__init__("Accounts are made by the administrators of this dashboard; ask one of them.")


class TooManyMails(ApplicationError):
    """Mails were asked for too often."""

    status = 429
    problem_type = "too-many-mails"
    title = "Too many mails"
    retry_after = 60

    def __init__(self) -> None:
        """The same whether or not a mail was sent."""
        super().__init__("A mail was asked for just now. Look into your mailbox, or wait a minute and try again.")


class ProviderNotFound(NotFound):
    """No provider has this name."""


class SessionNotFound(NotFound):
    """No session in use has this number."""


class NameTaken(BadInput):
    """Another account or token has this name."""

    status = 409
    problem_type = "name-taken"
    title = "This name is taken"
