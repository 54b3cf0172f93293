"""The certificate that this node shows."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from prometheus_client.core import GaugeMetricFamily

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


def days_left_metric(settings: Settings) -> GaugeMetricFamily:
    """The same for Prometheus; no sample where there is no certificate."""
    metric = GaugeMetricFamily(
        "selfservice_certificate_days_left", "Days the certificate is still good.", labels=["node"]
    )
    left = days_left(settings)
    if left is not None:
        metric.add_metric([settings.node_name], left)
    return metric
