"""OpenID Connect with discovery, and Facebook, which speaks OAuth 2 alone; both through Authlib."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client.sync_openid import OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6749.errors import OAuth2Error
from authlib.oidc.discovery import get_well_known_url
from joserfc.errors import JoseError

from selfservice.accounts.providers import Finding, OutsidePerson, Provider, ProviderKind, SignInElsewhereFailed
from selfservice.errors import ApplicationError
from selfservice.outgoing import guard

_SCOPE = "openid profile email"
#: Signatures that need nothing but public keys; never "none", and no secret shared with the provider.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
_LEEWAY_SECONDS = 120


@dataclass(frozen=True)
class Begun:
    """Somebody is sent to a provider."""

    url: str
    #: What is needed when they come back; secret.
    data: dict[str, str]


def begin(provider: Provider, redirect_uri: str, ca_file: str = "") -> Begun:
    """Where to send somebody who wants to sign in by `provider`. Raises `SignInElsewhereFailed`."""
    data = {
        "state": secrets.token_urlsafe(24),
        "nonce": secrets.token_urlsafe(24),
        "verifier": secrets.token_urlsafe(48),
    }
    with _explained(provider):
        client = _client(provider, ca_file)
        metadata = client.metadata()
        with client.session(redirect_uri) as session:
            url, _ = session.create_authorization_url(
                metadata["authorization_endpoint"],
                state=data["state"],
                code_verifier=data["verifier"],
                **client.sent_along(data["nonce"]),
            )
    return Begun(str(url), data)


def finish(
    provider: Provider, redirect_uri: str, data: Mapping[str, str], answer_url: str, ca_file: str = ""
) -> OutsidePerson:
    """Who came back with `answer_url`, checked with the provider. Raises `SignInElsewhereFailed`."""
    with _explained(provider):
        client = _client(provider, ca_file)
        metadata = client.metadata()
        with client.session(redirect_uri) as session:
            token = session.fetch_token(
                metadata["token_endpoint"],
                authorization_response=answer_url,
                state=data["state"],
                code_verifier=data["verifier"],
            )
            return client.person(session, token, data["nonce"])


def check(provider: Provider, ca_file: str = "") -> list[Finding]:
    """What works with this provider, as far as it can be tried without a person."""
    client = _client(provider, ca_file)
    findings: list[Finding] = []
    for what, attempt in (("Address and what it says of itself", client.metadata), ("Keys", client.fetch_jwk_set)):
        try:
            with _explained(provider):
                attempt()
        except ApplicationError as error:
            return [*findings, Finding(what, False, _reason(error))]
        findings.append(Finding(what, True))
    return findings


class _OpenID(OpenIDMixin):  # type: ignore[misc]
    """A provider that can be discovered."""

    def __init__(self, provider: Provider, ca_file: str) -> None:
        self.provider = provider
        self.client_id = provider.settings.client_id
        self.ca_file = ca_file
        self.server_metadata: dict[str, Any] = {}

    def session(self, redirect_uri: str = "") -> OAuth2Session:
        """Calls as this dashboard."""
        methods = self.server_metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        method = next((each for each in ("client_secret_basic", "client_secret_post") if each in methods), None)
        session = OAuth2Session(
            self.client_id,
            self.provider.secret or None,
            token_endpoint_auth_method=method if self.provider.secret else "none",
            scope=self.scope(),
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
        )
        guard(session, private=self.provider.private, ca_file=self.ca_file)
        return session

    def scope(self) -> str:
        """What this dashboard wants to know."""
        known = self.server_metadata.get("scopes_supported", [])
        return f"{_SCOPE} groups" if "groups" in known else _SCOPE

    def metadata(self) -> dict[str, Any]:
        """What the provider says of itself (OpenID Connect Discovery 1.0)."""
        if not self.server_metadata:
            issuer = self.provider.settings.address
            with self.session() as session:
                answer = session.get(get_well_known_url(issuer, external=True), withhold_token=True)
                answer.raise_for_status()
                said = answer.json()
            if str(said.get("issuer", "")).rstrip("/") != issuer:
                raise SignInElsewhereFailed(f"It says that it is {str(said.get('issuer'))[:200]}, and not {issuer}.")
            known = said.get("id_token_signing_alg_values_supported", ["RS256"])
            said["id_token_signing_alg_values_supported"] = [each for each in known if each in _ALGORITHMS]
            self.server_metadata = said
        return self.server_metadata

    def sent_along(self, nonce: str) -> dict[str, str]:
        """What else is sent along."""
        return {"nonce": nonce}

    def person(self, session: OAuth2Session, token: dict[str, Any], nonce: str) -> OutsidePerson:
        """Who the token is of."""
        metadata = self.metadata()
        options = {
            "iss": {"essential": True, "values": [metadata["issuer"]]},
            "aud": {"essential": True, "values": [self.client_id]},
        }
        claims = self.parse_id_token(token, nonce, claims_options=options, leeway=_LEEWAY_SECONDS)
        if claims is None:
            raise SignInElsewhereFailed("It sent no ID token. Is it a provider of OpenID Connect?")
        return _person({**self._asked(session, metadata, str(claims["sub"])), **claims}, self.provider)

    def _asked(self, session: OAuth2Session, metadata: dict[str, Any], subject: str) -> dict[str, Any]:
        """What the provider says when it is asked; groups often stand there alone."""
        if "userinfo_endpoint" not in metadata:
            return {}
        answer = session.get(metadata["userinfo_endpoint"])
        if answer.status_code >= 400:
            return {}
        said: dict[str, Any] = answer.json()
        return said if said.get("sub") == subject else {}

    # As OpenIDMixin calls them.
    def _get_session(self) -> OAuth2Session:
        return self.session()

    def load_server_metadata(self) -> dict[str, Any]:
        """Authlib's name for `metadata`."""
        return self.metadata()


class _Facebook(_OpenID):
    """Facebook: OAuth 2, and one address that says who somebody is."""

    def metadata(self) -> dict[str, Any]:
        base = self.provider.settings.address
        if not self.server_metadata:
            self.server_metadata = {
                "authorization_endpoint": f"{base}/oauth/authorize",
                "token_endpoint": f"{base}/oauth/access_token",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            }
        return self.server_metadata

    def scope(self) -> str:
        return "email public_profile"

    def sent_along(self, nonce: str) -> dict[str, str]:
        return {}

    def fetch_jwk_set(self, force: bool = False) -> dict[str, Any]:
        """It has no keys; whether it answers is all that can be tried."""
        with self.session() as session:
            session.get(self.provider.settings.address, withhold_token=True)
        return {}

    def person(self, session: OAuth2Session, token: dict[str, Any], nonce: str) -> OutsidePerson:
        answer = session.get(f"{self.provider.settings.address}/me", params={"fields": "id,name"})
        answer.raise_for_status()
        said = answer.json()
        # It does not say whether an address is somebody's own, so none is taken over.
        return _person({"sub": said["id"], "name": said.get("name", "")}, self.provider)


def _reason(error: ApplicationError) -> str:
    """Why it did not work, for an administrator: the last of the reasons that lie in one another."""
    inner: BaseException | None = error.__cause__
    if inner is None:
        return error.sentence
    while True:
        within = [getattr(inner, "reason", None), *inner.args]
        next_one = next((each for each in within if isinstance(each, Exception)), None)
        if next_one is None:
            return f"{str(inner).rstrip('.')[:200] or type(inner).__name__}."
        inner = next_one


def _client(provider: Provider, ca_file: str) -> _OpenID:
    return (_Facebook if provider.kind is ProviderKind.FACEBOOK else _OpenID)(provider, ca_file)


def _person(claims: Mapping[str, Any], provider: Provider) -> OutsidePerson:
    subject = str(claims.get("sub") or "")
    if not subject or len(subject) > 255:
        raise SignInElsewhereFailed("It did not say who you are.")
    groups = claims.get(provider.settings.groups, [])
    groups = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
    email = str(claims.get("email") or "").strip().lower() if claims.get("email_verified") is True else ""
    return OutsidePerson(
        subject=subject,
        name=str(claims.get("preferred_username") or "") or email.partition("@")[0],
        display_name=str(claims.get("name") or ""),
        email=email if len(email) <= 254 else "",
        groups=frozenset(str(each) for each in groups),
    )


@contextmanager
def _explained(provider: Provider) -> Iterator[None]:
    """What can go wrong there, as a sentence that gives nothing of the inside away."""
    try:
        yield
    except ApplicationError:
        raise
    except (requests.RequestException, OSError) as error:
        raise SignInElsewhereFailed(
            f"{provider.title} did not answer as it should ({type(error).__name__}). Try again, or sign in another way."
        ) from error
    except (AuthlibBaseError, OAuth2Error, JoseError) as error:
        word = str(getattr(error, "error", "") or type(error).__name__)[:80]
        raise SignInElsewhereFailed(
            f"{provider.title} refused it, or its answer is not to be trusted: {word}."
        ) from error
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise SignInElsewhereFailed(f"The answer of {provider.title} cannot be read.") from error
