"""Directories (LDAP): the one module that speaks to them, through bonsai, which a node may do without."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

from gevent import get_hub
from gevent.monkey import is_module_patched

from selfservice.accounts.providers import Finding, OutsidePerson, Provider, SignInElsewhereFailed
from selfservice.errors import ApplicationError, Unavailable
from selfservice.outgoing import vetted

_SECONDS = 10
_MOST_GROUPS = 1000
#: What an entry is called for good, by the kinds of directories, and what is said of a person.
_IDS = ("entryUUID", "objectGUID", "nsUniqueId")
_SAID = ("uid", "sAMAccountName", "cn", "displayName", "mail", "memberOf")

T = TypeVar("T")


def authenticate(provider: Provider, name: str, password: str, ca_file: str = "") -> OutsidePerson | None:
    """Whoever is called `name` there, where this is their password; else None.

    Raises `SignInElsewhereFailed` where the directory does not answer as it should.
    """
    return _apart(lambda: _authenticate(provider, name, password, ca_file))


def check(provider: Provider, ca_file: str = "") -> list[Finding]:
    """What works with this directory, as far as it can be tried without a person."""
    return _apart(lambda: _check(provider, ca_file))


def is_installed() -> bool:
    """Whether this node can speak to directories."""
    try:
        _bonsai()
    except Unavailable:
        return False
    return True


def _authenticate(provider: Provider, name: str, password: str, ca_file: str) -> OutsidePerson | None:
    settings = provider.settings
    if "\0" in name + password:  # some libraries of C see the end of the text there
        name, password = "", ""
    with _connected(provider, ca_file, settings.bind_dn, provider.secret) as connection:
        wanted = settings.people_filter.replace("{name}", _bonsai().escape_filter_exp(name))
        found = connection.search(
            settings.people_base, _SUBTREE, wanted, attrlist=[*_SAID, *_IDS], timeout=_SECONDS, sizelimit=2
        )
        if len(found) != 1 or not name or not password:
            return None
        entry = found[0]
        groups = _groups(connection, provider, entry, name)
    try:
        with _connected(provider, ca_file, str(entry.dn), password):
            return _person(entry, groups)
    except _WrongPassword:
        return None


def _check(provider: Provider, ca_file: str) -> list[Finding]:
    settings = provider.settings
    findings: list[Finding] = []
    try:
        with _connected(provider, ca_file, settings.bind_dn, provider.secret) as connection:
            findings.append(Finding("Connection and certificate", True))
            people = connection.search(settings.people_base, _SUBTREE, "(objectClass=*)", timeout=_SECONDS, sizelimit=5)
            findings.append(_finding("People", bool(people), f"Nothing is found below {settings.people_base}."))
            if settings.groups_base:
                base = settings.groups_base
                groups = connection.search(base, _SUBTREE, "(objectClass=*)", timeout=_SECONDS, sizelimit=5)
                findings.append(_finding("Groups", bool(groups), f"Nothing is found below {base}."))
    except _WrongPassword:
        findings.append(Finding("Name and password", False, "The directory does not accept them."))
    except ApplicationError as error:
        findings.append(Finding("Connection", False, error.sentence))
    return findings


def _finding(what: str, ok: bool, otherwise: str) -> Finding:
    return Finding(what, ok, "" if ok else otherwise)


class _WrongPassword(ApplicationError):
    """The directory does not accept a name and password."""


#: LDAP's number for looking at everything below an entry.
_SUBTREE = 2


@contextmanager
def _connected(provider: Provider, ca_file: str, user: str, password: str) -> Iterator[Any]:
    bonsai, address = _bonsai(), provider.settings.address
    parts = urlsplit(address)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as authority:
        try:
            if not provider.private:
                vetted(parts.hostname or "", parts.port or 636)
            # Over ldap:// what is said first is StartTLS: nothing crosses the network unencrypted.
            client = bonsai.LDAPClient(address, tls=parts.scheme == "ldap")
            client.set_cert_policy("demand")
            if provider.settings.ca:
                authority.write(provider.settings.ca)
                authority.flush()
            if provider.settings.ca or ca_file:
                client.set_ca_cert(authority.name if provider.settings.ca else ca_file)
            client.set_ignore_referrals(True)
            client.set_credentials("SIMPLE", user=user, password=password)
            with client.connect(timeout=_SECONDS) as connection:
                yield connection
        except bonsai.AuthenticationError as error:
            raise _WrongPassword("The directory does not accept this name and password.") from error
        except (bonsai.LDAPError, OSError, ValueError) as error:
            raise SignInElsewhereFailed(f"{provider.title} did not answer as it should: {_words(error)}.") from error


def _groups(connection: Any, provider: Provider, entry: Any, name: str) -> frozenset[str]:
    settings, escape = provider.settings, _bonsai().escape_filter_exp
    if not settings.groups_base:
        return frozenset(str(each) for each in entry.get("memberOf", [])[:_MOST_GROUPS])
    wanted = settings.groups_filter.replace("{dn}", escape(str(entry.dn))).replace("{name}", escape(name))
    attribute = settings.groups
    found = connection.search(
        settings.groups_base, _SUBTREE, wanted, attrlist=[attribute], timeout=_SECONDS, sizelimit=_MOST_GROUPS
    )
    return frozenset(str(value) for each in found for value in each.get(attribute, []))


def _person(entry: Any, groups: frozenset[str]) -> OutsidePerson:
    def first(*names: str) -> str:
        return next((str(entry[name][0]) for name in names if entry.get(name)), "")

    return OutsidePerson(
        subject=(first(*_IDS) or str(entry.dn))[:255],
        name=first("uid", "sAMAccountName"),
        display_name=first("displayName", "cn"),
        email=first("mail").strip().lower()[:254],
        groups=groups,
    )


def _words(error: Exception) -> str:
    return str(error).splitlines()[0].strip().rstrip(".")[:200] or type(error).__name__


def _bonsai() -> Any:
    try:
        import bonsai
    except ImportError as error:
        raise Unavailable(
            "This node cannot speak to directories yet: on it, run deploy/make-venv requirements-ldap.txt."
        ) from error
    return bonsai


def _apart(call: Callable[[], T]) -> T:
    """Make `call` in a thread of its own: what waits in a C library would stop every stream of the web process."""
    if is_module_patched("socket"):
        return get_hub().threadpool.apply(call)  # type: ignore[no-any-return]
    return call()
