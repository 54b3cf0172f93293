"""Mails with codes and links: short, by SMTP, and not too many of them."""

from __future__ import annotations

import hashlib
import logging
import smtplib
import ssl
import threading
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from email_validator import EmailNotValidError, validate_email
from limits import parse_many
from limits.strategies import MovingWindowRateLimiter

from selfservice.accounts.attempts import Attempts
from selfservice.accounts.errors import TooManyMails
from selfservice.errors import BadInput, Unavailable
from selfservice.settings import Settings
from selfservice.store.database import Database

_SECONDS = 15
#: Mails to one address, whoever asks for them, and mails that one network address asks for.
_PER_RECIPIENT = parse_many("1 per minute; 5 per hour; 10 per day")
_PER_ADDRESS = parse_many("10 per hour; 50 per day")

logger = logging.getLogger(__name__)


class Mail:
    """Hands mails to the server of the settings."""

    def __init__(self, settings: Settings, database: Database) -> None:
        """Count in `database` what was sent."""
        self._settings = settings
        self._limiter = MovingWindowRateLimiter(Attempts(database))

    @property
    def is_set_up(self) -> bool:
        """Whether mails can be sent at all."""
        return bool(self._settings.smtp_host)

    @property
    def dashboard(self) -> str:
        """Where links lead; empty where that is not known."""
        return self._settings.address

    def check(self, to: str, address: str) -> None:
        """Count a mail to `to` that somebody at `address` asks for, whether or not it will be sent.

        Raises `Unavailable` where no mails are sent, and `TooManyMails`.
        """
        if not self.is_set_up:
            raise Unavailable("This dashboard sends no mails. Ask an administrator.")
        key = hashlib.sha256(to.encode("utf-8", "surrogatepass")).hexdigest()
        limits = [
            *((each, f"to {key}") for each in _PER_RECIPIENT),
            *((each, f"by {address}") for each in _PER_ADDRESS),
        ]
        if not all(self._limiter.test(each, name) for each, name in limits):
            raise TooManyMails
        for each, name in limits:
            self._limiter.hit(each, name)

    def send(self, to: str, subject: str, text: str) -> None:
        """Hand a mail over in the background: whether there is one to send shows nowhere in the time it takes."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._settings.smtp_sender, to, subject
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="selfservice")
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        threading.Thread(target=self._deliver, args=(message,), name="mail", daemon=True).start()

    def _deliver(self, message: EmailMessage) -> None:
        try:
            with self._connected() as server:
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            logger.error("A mail could not be handed to %s: %s", self._settings.smtp_host, type(error).__name__)

    def _connected(self) -> smtplib.SMTP:
        settings = self._settings
        where, trusted = (settings.smtp_host, settings.smtp_port), self._trusted()
        if settings.smtp_security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(*where, timeout=_SECONDS, context=trusted)
        else:
            server = smtplib.SMTP(*where, timeout=_SECONDS)
            if settings.smtp_security == "starttls":
                server.starttls(context=trusted)
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password)
        return server

    def _trusted(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._settings.ca_file or None)


def email_address(text: str) -> str:
    """One spelling of an e-mail address, in ASCII alone, so that no two look alike. Raises `BadInput`."""
    try:
        found = validate_email(text.strip()[:300], check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        raise BadInput("This is no e-mail address; give one such as alice@example.org.", "email") from None
    return (found.ascii_email or found.normalized).lower()
