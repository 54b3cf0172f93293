"""What a browser and a dashboard say to each other about a passkey (WebAuthn Level 3), through py_webauthn."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from selfservice.accounts.errors import PasskeyRefused
from selfservice.accounts.models import Person


@dataclass(frozen=True)
class Made:
    """A new passkey; its id and key as Base64url."""

    credential_id: str
    public_key: str
    sign_count: int


class Ceremonies:
    """Those of one dashboard: other places have no use for what is said here."""

    def __init__(self, host: str, origin: str) -> None:
        """At the address `origin`, which is on `host`."""
        self._host = host
        self._origin = origin

    def wanted_to_add(self, person: Person, known: Sequence[str]) -> tuple[str, dict[str, Any]]:
        """A challenge, and what the browser is asked for: a passkey of `person` that is none of `known`."""
        challenge = secrets.token_bytes(32)
        options = generate_registration_options(
            rp_id=self._host,
            rp_name="Selfservice",
            user_name=person.name,
            user_display_name=person.display_name,
            user_id=str(person.id).encode(),
            challenge=challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.PREFERRED,
            ),
            exclude_credentials=_descriptors(known),
        )
        return bytes_to_base64url(challenge), json.loads(options_to_json(options))

    def made(self, credential: Mapping[str, Any], challenge: str) -> Made:
        """What the browser made for `challenge`. Raises `PasskeyRefused`."""
        with _refusing():
            made = verify_registration_response(
                credential=dict(credential),
                expected_challenge=base64url_to_bytes(challenge),
                expected_rp_id=self._host,
                expected_origin=self._origin,
            )
        return Made(
            bytes_to_base64url(made.credential_id), bytes_to_base64url(made.credential_public_key), made.sign_count
        )

    def wanted_to_use(self, known: Sequence[str] | None, *, certain_of_person: bool) -> tuple[str, dict[str, Any]]:
        """A challenge, and what the browser is asked for: one of `known`, or any that it has for this dashboard.

        Where it has to be `certain_of_person`, they show to their device as well who they are.
        """
        challenge = secrets.token_bytes(32)
        options = generate_authentication_options(
            rp_id=self._host,
            challenge=challenge,
            allow_credentials=None if known is None else _descriptors(known),
            user_verification=UserVerificationRequirement.REQUIRED
            if certain_of_person
            else UserVerificationRequirement.PREFERRED,
        )
        return bytes_to_base64url(challenge), json.loads(options_to_json(options))

    def used(
        self,
        credential: Mapping[str, Any],
        challenge: str,
        public_key: str,
        sign_count: int,
        *,
        certain_of_person: bool,
    ) -> int:
        """How often the passkey of `public_key` has signed by now. Raises `PasskeyRefused` where it did not."""
        with _refusing():
            used = verify_authentication_response(
                credential=dict(credential),
                expected_challenge=base64url_to_bytes(challenge),
                expected_rp_id=self._host,
                expected_origin=self._origin,
                credential_public_key=base64url_to_bytes(public_key),
                credential_current_sign_count=sign_count,
                require_user_verification=certain_of_person,
            )
        return used.new_sign_count


@contextmanager
def _refusing() -> Iterator[None]:
    """Whatever is wrong with what a browser sent, it is refused."""
    try:
        yield
    except (WebAuthnException, ValueError, TypeError, KeyError) as error:
        raise PasskeyRefused from error


def _descriptors(known: Sequence[str]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(each)) for each in known]
