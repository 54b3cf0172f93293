"""A provider of OpenID Connect (and one like Facebook) by Authlib: PKCE is asked for, redirects are checked.

Whoever is sent to it is signed in there already, as `person`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector, current_token
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, TokenMixin, grants, list_to_scope, scope_to_list
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7636 import CodeChallenge
from flask import Flask, Response, jsonify, request
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tests.standins.server import serving

CLIENT_ID, CLIENT_SECRET = "selfservice", "a secret between two servers"


@dataclass
class Client(ClientMixin):  # type: ignore[misc]
    """The dashboard, as the provider knows it."""

    redirect_uri: str

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_allowed_scope(self, scope: str) -> str:
        return list_to_scope(scope_to_list(scope))

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    """A code that was handed out."""

    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@dataclass
class Token(TokenMixin):  # type: ignore[misc]
    """An access token that was handed out."""

    scope: str

    def get_scope(self) -> str:
        return self.scope

    def is_expired(self) -> bool:
        return False

    def is_revoked(self) -> bool:
        return False


@dataclass
class Provider:
    """What a test says and sees of the provider."""

    url: str = ""
    redirect_uri: str = ""
    #: Who is signed in there.
    person: dict[str, Any] = field(default_factory=dict)
    #: Spoils the claims of the ID token before it is signed.
    spoil: Callable[[dict[str, Any]], None] = lambda claims: None
    #: The key that ID tokens are signed with, where it is not the one that is published.
    signed_with: RSAKey | None = None
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    issuer: str = ""
    codes: dict[str, Code] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    #: The queries that people were sent with.
    asked: list[dict[str, str]] = field(default_factory=list)

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer or self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 60, "nonce": nonce}
        claims |= {"sub": self.person["sub"]}
        self.spoil(claims)
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.signed_with or self.key)


class _CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")
    provider: Provider

    def save_authorization_code(self, code: str, asked: Any) -> None:
        data = asked.payload.data
        self.provider.codes[code] = Code(
            asked.payload.redirect_uri,
            asked.payload.scope,
            data.get("nonce", ""),
            data.get("code_challenge", ""),
            data.get("code_challenge_method", ""),
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        return self.provider.codes.get(code)

    def delete_authorization_code(self, authorization_code: Code) -> None:
        self.provider.codes = {code: each for code, each in self.provider.codes.items() if each != authorization_code}

    def authenticate_user(self, authorization_code: Code) -> object:
        self.nonce = authorization_code.nonce
        return self.provider.person


def _app(provider: Provider) -> Flask:
    app = Flask("openid-provider")
    app.secret_key = "nothing is kept in it"

    def save_token(token: dict[str, Any], asked: Any) -> None:
        provider.tokens[token["access_token"]] = Token(token.get("scope", ""))

    server = AuthorizationServer(app, query_client=lambda _: Client(provider.redirect_uri), save_token=save_token)

    class Grant(_CodeGrant):
        pass

    Grant.provider = provider

    class IdToken:
        """Adds it to the answer of the token endpoint."""

        def __call__(self, grant: Any) -> None:
            grant.register_hook("after_create_token_response", self.add)

        def add(self, grant: Any, answer: tuple[int, dict[str, Any], object]) -> None:
            if answer[0] == 200 and "openid" in answer[1].get("scope", ""):
                answer[1]["id_token"] = provider.id_token(grant.nonce)

    server.register_grant(Grant, [CodeChallenge(required=True), IdToken()])

    class Validator(BearerTokenValidator):  # type: ignore[misc]
        def authenticate_token(self, token_string: str) -> Token | None:
            return provider.tokens.get(token_string)

    protector = ResourceProtector()
    protector.register_token_validator(Validator())
    _routes(app, provider, server, protector)
    return app


def _routes(app: Flask, provider: Provider, server: AuthorizationServer, protector: ResourceProtector) -> None:
    @app.get("/.well-known/openid-configuration")
    def discovery() -> Response:
        url = provider.url
        return jsonify(
            issuer=provider.issuer or url,
            authorization_endpoint=f"{url}/authorize",
            token_endpoint=f"{url}/token",
            userinfo_endpoint=f"{url}/userinfo",
            jwks_uri=f"{url}/jwks",
            scopes_supported=["openid", "profile", "email", "groups"],
            response_types_supported=["code"],
            id_token_signing_alg_values_supported=["RS256", "none", "HS256"],
        )

    @app.get("/jwks")
    def jwks() -> Response:
        return jsonify(KeySet([provider.key]).as_dict(private=False))

    @app.get("/authorize")
    @app.get("/oauth/authorize")
    def authorize() -> Any:
        provider.asked.append(dict(request.args))
        return server.create_authorization_response(grant_user=provider.person, grant=server.get_consent_grant())

    @app.post("/token")
    @app.post("/oauth/access_token")
    def token() -> Any:
        return server.create_token_response()

    @app.get("/userinfo")
    @protector()  # type: ignore[untyped-decorator,unused-ignore]
    def userinfo() -> Response:
        assert current_token
        return jsonify(provider.person)

    @app.get("/me")
    @protector()  # type: ignore[untyped-decorator,unused-ignore]
    def me() -> Response:
        return jsonify(id=provider.person["sub"], name=provider.person["name"])


@contextmanager
def openid_provider() -> Iterator[Provider]:
    """A provider that answers, for as long as the block lasts."""
    provider = Provider()
    with serving(_app(provider)) as stand_in:
        provider.url = stand_in.url
        yield provider
