"""The master's application: wiring only."""

from __future__ import annotations

import importlib
from datetime import timedelta

from apiflask import APIFlask
from flask_bootstrap import Bootstrap5

from selfservice.accounts.accounts import Accounts
from selfservice.settings import CHECKOUT, Settings
from selfservice.store.database import Database
from selfservice.web import access, bearer, errors, health, openapi, security, throttle
from selfservice.web.keys import secret_key
from selfservice.web.services import Services

_CAPABILITIES = (
    "selfservice.accounts.pages",
    "selfservice.audit.pages",
    "selfservice.audit.api",
    "selfservice.runs.pages",
    "selfservice.runs.api",
    "selfservice.commands.pages",
    "selfservice.commands.api",
    "selfservice.nodes.pages",
    "selfservice.nodes.api",
    "selfservice.web.home",
)


def create(settings: Settings) -> APIFlask:
    """The dashboard and its JSON API."""
    app = APIFlask(
        "selfservice",
        title="Selfservice",
        json_errors=False,
        spec_path=None,
        docs_path=None,
        static_folder=str(CHECKOUT / "static"),
        template_folder=str(CHECKOUT / "templates"),
        instance_path=str(settings.instance),
    )
    _configure(app, settings)
    app.extensions["selfservice"] = _services(settings)
    security.install(app, trusted_proxies=settings.trusted_proxies)
    bearer.install(app)
    access.install(app)
    errors.install(app)
    Bootstrap5(app)
    app.register_blueprint(health.blueprint)
    openapi.install(app)
    _register_capabilities(app)
    throttle.install(app)
    return app


def _configure(app: APIFlask, settings: Settings) -> None:
    app.config.update(
        SECRET_KEY=secret_key(settings),
        SESSION_COOKIE_NAME="selfservice",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=settings.session_hours),
        BOOTSTRAP_SERVE_LOCAL=True,
        # A form may stay open as long as its session lives.
        WTF_CSRF_TIME_LIMIT=None,
        # access.py calls it, after it knows whether a token came instead of a session.
        WTF_CSRF_CHECK_DEFAULT=False,
    )


def _services(settings: Settings) -> Services:
    from selfservice.audit.history import History
    from selfservice.audit.journal import Journal
    from selfservice.nodes.inventory import Inventory
    from selfservice.runs.runs import Runs

    database = Database(settings)
    journal = Journal(settings.audit, settings.node_name)
    return Services(
        settings=settings,
        journal=journal,
        history=History(settings.audit, settings.instance / "cache"),
        database=database,
        accounts=Accounts(database, journal),
        runs=Runs(settings, journal),
        inventory=Inventory(settings.inventory),
    )


def _register_capabilities(app: APIFlask) -> None:
    for name in _CAPABILITIES:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not error.name.startswith("selfservice"):
                raise
            app.logger.warning("%s is not there yet", name)
            continue
        app.register_blueprint(module.blueprint)
    try:
        from selfservice.web import frame
    except ModuleNotFoundError:
        return
    frame.register(app)
