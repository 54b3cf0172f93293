"""The certificate that this node shows."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from selfservice.settings import Settings


def days_left(settings: Settings) -> float | None:
    """For how many days it is still good; None where there is none or it cannot be read."""
    if not settings.tls_certificate:
        return None
    try:
        certificate = x509.load_pem_x509_certificate(Path(settings.tls_certificate).read_bytes())
    except (OSError, ValueError):
        return None
    return (certificate.not_valid_after_utc - datetime.now(UTC)).total_seconds() / 86400
