"""/metrics in Prometheus text format, behind a token of its own."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable

from flask import Blueprint, Flask, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from selfservice.settings import Settings
from selfservice.web import bearer
from selfservice.web.bearer import BadToken

Collect = Callable[[], Iterable[Metric]]


class _Collector(Collector):
    def __init__(self, find: Collect) -> None:
        self._find = find

    def collect(self) -> Iterable[Metric]:
        return self._find()


def install(app: Flask, settings: Settings, collect: Collect) -> None:
    """Answer GET /metrics with what `collect` finds at that moment, to whoever has the token for it."""
    registry = CollectorRegistry()
    registry.register(_Collector(collect))
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics")
    def metrics() -> Response:
        """Figures of this node."""
        sent = (bearer.bearer_token() or "").encode("utf-8", "surrogateescape")
        if not settings.metrics_token or not hmac.compare_digest(sent, settings.metrics_token.encode()):
            bearer.throttle_refusal()
            raise BadToken(
                "Send the token of SELFSERVICE_METRICS_TOKEN as “Authorization: Bearer …”; without that setting "
                "/metrics is closed."
            )
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    app.register_blueprint(blueprint)
