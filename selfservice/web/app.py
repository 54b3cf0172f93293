"""The master's application: wiring only."""

from __future__ import annotations

from datetime import timedelta

from apiflask import APIFlask
from flask_bootstrap import Bootstrap5

from selfservice.accounts import (
    by_mail_pages,
    outside_pages,
    passkey_pages,
    people_pages,
    profile_pages,
    role_pages,
    second_factor_pages,
    security_pages,
    token_pages,
)
from selfservice.accounts import pages as accounts_pages
from selfservice.accounts.accounts import Accounts
from selfservice.accounts.security import LONGEST_SESSION_DAYS
from selfservice.accounts.sign_in import sign_in_of
from selfservice.alerts import api as alerts_api
from selfservice.alerts import pages as alerts_pages
from selfservice.alerts.alerts import Alerts
from selfservice.approvals import api as approvals_api
from selfservice.approvals import pages as approvals_pages
from selfservice.approvals.approvals import Approvals
from selfservice.approvals.desk import Desk
from selfservice.approvals.topic import RequestsTopic
from selfservice.audit import api as audit_api
from selfservice.audit import pages as audit_pages
from selfservice.audit.history import History
from selfservice.audit.journal import Journal
from selfservice.calls import api as calls_api
from selfservice.calls import pages as calls_pages
from selfservice.calls import receiving as calls_receiving
from selfservice.calls.calls import Calls
from selfservice.commands import api as commands_api
from selfservice.commands import pages as commands_pages
from selfservice.commands.commands import Commands
from selfservice.files import api as files_api
from selfservice.files import delivery_pages, edit_api, edit_pages, repository_pages
from selfservice.files import pages as files_pages
from selfservice.files.delivery import Delivery
from selfservice.files.edits import Edits
from selfservice.files.playbook_check import PlaybookCheck
from selfservice.files.reading import Reading
from selfservice.files.registry import Registry
from selfservice.files.sources import Sources
from selfservice.health import api as fleet_health_api
from selfservice.health import pages as fleet_health_pages
from selfservice.health import receiving as health_receiving
from selfservice.health.checks import Checks
from selfservice.health.fleet import Fleet
from selfservice.health.registered import registered
from selfservice.health.thresholds import ThresholdsFile
from selfservice.home import pages as home_pages
from selfservice.nodes import api as nodes_api
from selfservice.nodes import host_api as hosts_api
from selfservice.nodes import host_pages as hosts_pages
from selfservice.nodes import pages as nodes_pages
from selfservice.nodes import task_api as nodes_task_api
from selfservice.nodes.inventory import Inventory
from selfservice.nodes.nodes import Nodes
from selfservice.notifications import api as notifications_api
from selfservice.notifications import pages as notifications_pages
from selfservice.notifications import project_api as project_notifications_api
from selfservice.notifications import project_pages as project_notifications_pages
from selfservice.notifications.targets import Targets, forget_project
from selfservice.operations import api as operations_api
from selfservice.operations import pages as operations_pages
from selfservice.operations import syntax
from selfservice.operations.operations import Operations
from selfservice.projects import access_pages, group_pages, team_pages
from selfservice.projects import api as projects_api
from selfservice.projects import pages as projects_pages
from selfservice.projects.access import Access
from selfservice.projects.choosing import Choosing
from selfservice.projects.projects import Projects
from selfservice.projects.secrets import Secrets
from selfservice.projects.sights import Sights
from selfservice.projects.ssh import ConnectionTests, Ssh
from selfservice.projects.teams import Teams
from selfservice.projects.vault import Vault
from selfservice.runs import api as runs_api
from selfservice.runs import pages as runs_pages
from selfservice.runs.presence import Presence
from selfservice.runs.runs import Runs
from selfservice.schedules import api as schedules_api
from selfservice.schedules import pages as schedules_pages
from selfservice.schedules.blackouts import Blackouts
from selfservice.schedules.launcher import Launcher
from selfservice.schedules.schedules import Schedules
from selfservice.settings import CHECKOUT, Settings
from selfservice.store.database import Database
from selfservice.tasks.task_types import TaskTypes
from selfservice.web import (
    access,
    bearer,
    errors,
    fleet_metrics,
    frame,
    health,
    metrics,
    openapi,
    security,
    stream,
)
from selfservice.web.compiled_templates import CompiledTemplates
from selfservice.web.keys import secret_key
from selfservice.web.record_number import RecordNumber
from selfservice.web.services import Services

_BLUEPRINTS = (
    home_pages.blueprint,
    accounts_pages.blueprint,
    profile_pages.blueprint,
    second_factor_pages.blueprint,
    passkey_pages.blueprint,
    outside_pages.blueprint,
    by_mail_pages.blueprint,
    security_pages.blueprint,
    people_pages.blueprint,
    role_pages.blueprint,
    token_pages.blueprint,
    projects_pages.blueprint,
    team_pages.blueprint,
    access_pages.blueprint,
    group_pages.blueprint,
    projects_api.blueprint,
    audit_pages.blueprint,
    audit_api.blueprint,
    alerts_pages.blueprint,
    alerts_api.blueprint,
    stream.blueprint,
    commands_pages.blueprint,
    commands_api.blueprint,
    operations_pages.blueprint,
    operations_api.blueprint,
    approvals_pages.blueprint,
    approvals_api.blueprint,
    notifications_pages.blueprint,
    project_notifications_pages.blueprint,
    notifications_api.blueprint,
    project_notifications_api.blueprint,
    schedules_pages.blueprint,
    schedules_api.blueprint,
    files_pages.blueprint,
    edit_pages.blueprint,
    delivery_pages.blueprint,
    repository_pages.blueprint,
    files_api.blueprint,
    edit_api.blueprint,
    nodes_pages.blueprint,
    nodes_api.blueprint,
    hosts_pages.blueprint,
    hosts_api.blueprint,
    nodes_task_api.blueprint,
    health_receiving.blueprint,
    calls_pages.blueprint,
    calls_api.blueprint,
    calls_receiving.blueprint,
    fleet_health_pages.blueprint,
    fleet_health_api.blueprint,
    runs_pages.blueprint,
    runs_api.blueprint,
    health.blueprint,
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
    app.url_map.converters["int"] = RecordNumber
    app.extensions["selfservice"] = _services(settings)
    security.install(app, trusted_proxies=settings.trusted_proxies)
    bearer.install(app)
    access.install(app)
    errors.install(app)
    app.jinja_env.bytecode_cache = CompiledTemplates(settings.instance / "cache" / "templates")
    Bootstrap5(app)
    frame.register(app)
    openapi.install(app)
    _register_capabilities(app)
    metrics.install(app, settings, fleet_metrics.collect)
    access.open_to_everyone(app.view_functions["metrics.metrics"])  # it has a token of its own
    return app


def _configure(app: APIFlask, settings: Settings) -> None:
    app.config.update(
        SECRET_KEY=secret_key(settings),
        SESSION_COOKIE_NAME="selfservice",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        # The cookie holds the key of a session; when that ends is decided in accounts/sessions.py.
        PERMANENT_SESSION_LIFETIME=timedelta(days=LONGEST_SESSION_DAYS),
        # A slow answer of a page that was left would put the cookie back as it was then.
        SESSION_REFRESH_EACH_REQUEST=False,
        BOOTSTRAP_SERVE_LOCAL=True,
        # A form may stay open as long as its session lives.
        WTF_CSRF_TIME_LIMIT=None,
        # access.py calls it, after it knows whether a token came instead of a session.
        WTF_CSRF_CHECK_DEFAULT=False,
    )


def _services(settings: Settings) -> Services:
    database = Database(settings)
    journal = Journal(settings.audit, settings.node_name)
    runs = Runs(settings, journal)
    alerts = Alerts(database, journal)
    accounts = Accounts(database, journal)
    repositories = Registry(settings, database, journal)
    sources = Sources(settings, database, journal, repositories)
    inventory = Inventory(settings.inventory, sources.inventories)
    sights, vault = Sights(database, inventory), Vault(settings.vault_keys_file)
    projects = Projects(database, journal, inventory, forget_project)
    choosing = Choosing(sights.belongings)
    commands = Commands(inventory, runs, settings.run_timeout, choosing)
    operations = Operations(settings, inventory, runs, sources, choosing)
    approvals = Approvals(Desk(settings, database, journal, accounts, operations, commands, inventory, runs, sights.of))
    launcher = Launcher(accounts, operations, commands, sights, approvals.ask_command_as)
    access = Access(database, journal)
    edits = Edits(database, journal, repositories)
    nodes = Nodes(database, journal, settings)
    fleet = Fleet(settings.health, ThresholdsFile(settings.health_limits), registered(nodes, inventory))
    return Services(
        settings=settings,
        journal=journal,
        history=History(settings.audit, settings.instance / "cache"),
        database=database,
        accounts=accounts,
        sign_in=sign_in_of(settings, database, journal, accounts, access.grant_by_sign_in),
        runs=runs,
        presence=Presence(settings),
        inventory=inventory,
        nodes=nodes,
        task_types=TaskTypes(settings.tasks_folder),
        calls=Calls(settings, nodes, journal),
        commands=commands,
        operations=operations,
        schedules=Schedules(database, journal, launcher),
        blackouts=Blackouts(database, journal),
        repositories=repositories,
        reading=Reading(repositories, journal),
        edits=edits,
        playbook_check=PlaybookCheck(edits, syntax.check),
        delivery=Delivery(edits, repositories),
        sources=sources,
        alerts=alerts,
        approvals=approvals,
        targets=Targets(settings, database, journal),
        health=fleet,
        checks=Checks(runs),
        board=stream.board(alerts, runs, inventory, fleet, RequestsTopic(approvals, accounts)),
        projects=projects,
        access=access,
        teams=Teams(database, journal),
        sights=sights,
        secrets=Secrets(database, journal, vault),
        ssh=Ssh(database, journal, vault),
        connection_tests=ConnectionTests(projects, inventory, runs),
    )


def _register_capabilities(app: APIFlask) -> None:
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
