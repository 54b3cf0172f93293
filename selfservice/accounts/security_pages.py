"""The pages of what administrators decide about signing in: times, second factor, sign-up, providers."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts import directory
from selfservice.accounts.permissions import Permission
from selfservice.accounts.providers import Finding, ProviderKind, ProviderSettings
from selfservice.accounts.sign_in_models import ProviderRecord
from selfservice.errors import ApplicationError, BadInput
from selfservice.web.access import current_author, requires
from selfservice.web.services import services

blueprint = APIBlueprint("security", __name__, enable_openapi=False)

KINDS = {
    ProviderKind.OPENID: "OpenID Connect (Google and others)",
    ProviderKind.FACEBOOK: "Facebook",
    ProviderKind.LDAP: "Directory (LDAP)",
}


@blueprint.get("/security")
@requires(Permission.SECURITY_EDIT)
def index() -> ResponseReturnValue:
    """What is decided."""
    return _index()


@blueprint.post("/security")
@requires(Permission.SECURITY_EDIT)
def change() -> ResponseReturnValue:
    """Decide anew."""
    form = request.form
    values = {
        "idle_hours": form.get("idle_hours", ""),
        "session_days": form.get("session_days", ""),
        "second_factor_roles": tuple(form.getlist("second_factor_roles")),
        "sign_up": "sign_up" in form,
        "sign_up_domains": tuple(form.get("sign_up_domains", "").split()),
        "sign_up_role": form.get("sign_up_role", ""),
        "private_addresses": "private_addresses" in form,
    }
    try:
        version = form.get("version", 0, type=int)
        services().accounts.security.change(values, version, current_author())
    except ApplicationError as error:
        return _index(error, values), error.status
    flash("The security settings are changed.", "success")
    return redirect(url_for("security.index"), 303)


@blueprint.get("/security/providers/new")
@requires(Permission.SECURITY_EDIT)
def new_provider() -> ResponseReturnValue:
    """The form for one more."""
    return _provider_form(None, request.args.get("kind", ProviderKind.OPENID))


@blueprint.post("/security/providers/new")
@requires(Permission.SECURITY_EDIT)
def create_provider() -> ResponseReturnValue:
    """Add one, then say what works."""
    form = request.form
    try:
        providers = services().sign_in.providers
        record = providers.create(form.get("name", "").strip(), form.get("kind", ""), _typed(), current_author())
    except ApplicationError as error:
        return _provider_form(None, form.get("kind", ""), error)
    flash(f"{record.title} is added. Test it before people use it.", "success")
    return redirect(url_for("security.provider", name=record.name), 303)


@blueprint.get("/security/providers/<name>")
@requires(Permission.SECURITY_EDIT)
def provider(name: str) -> ResponseReturnValue:
    """One, to be changed."""
    record = services().sign_in.providers.get(name)
    return _provider_form(record, record.kind)


@blueprint.post("/security/providers/<name>")
@requires(Permission.SECURITY_EDIT)
def change_provider(name: str) -> ResponseReturnValue:
    """Change it."""
    providers = services().sign_in.providers
    record = providers.get(name)
    try:
        providers.change(name, _typed(), request.form.get("version", 0, type=int), current_author())
    except ApplicationError as error:
        return _provider_form(providers.get(name), record.kind, error)
    flash("The provider is changed.", "success")
    return redirect(url_for("security.provider", name=name), 303)


@blueprint.post("/security/providers/<name>/check")
@requires(Permission.SECURITY_EDIT)
def check_provider(name: str) -> ResponseReturnValue:
    """Try what can be tried without a person."""
    from selfservice.accounts import openid

    providers, ca_file = services().sign_in.providers, services().settings.ca_file
    record = providers.get(name)
    try:
        checker = directory if record.kind == ProviderKind.LDAP else openid
        findings = checker.check(providers.ready(record), ca_file)
    except ApplicationError as error:
        findings = [Finding("Connection", False, error.sentence)]
    providers.note_check(record, findings, current_author())
    return _provider_form(record, record.kind, findings=findings)


@blueprint.post("/security/providers/<name>/remove")
@requires(Permission.SECURITY_EDIT)
def remove_provider(name: str) -> ResponseReturnValue:
    """Forget it."""
    services().sign_in.providers.remove(name, current_author())
    flash("Nobody signs in there any more. Accounts that were made by it stay.", "success")
    return redirect(url_for("security.index"), 303)


def _typed() -> dict[str, Any]:
    form = request.form
    pairs = [line.rpartition("=") for line in form.get("group_roles", "").splitlines() if line.strip()]
    text = {name: form.get(name, "").strip() for name in ProviderSettings.model_fields if name in form}
    return {
        **text,
        "title": form.get("title", ""),
        "secret": form.get("secret", ""),
        "enabled": "enabled" in form,
        "new_people": "new_people" in form,
        "second_factor_there": "second_factor_there" in form,
        "domains": tuple(form.get("domains", "").lower().split()),
        "group_roles": tuple((group.strip(), role.strip()) for group, _, role in pairs),
    }


def _index(error: ApplicationError | None = None, wanted: dict[str, Any] | None = None) -> str:
    current, version = services().accounts.security.current_with_version()
    field = error.field if isinstance(error, BadInput) else None
    return render_template(
        "accounts/security.html",
        wanted=wanted or current.model_dump(),
        opened_version=version,
        roles=services().accounts.roles.all(),
        providers=services().sign_in.providers.all(),
        kinds=KINDS,
        mails=services().sign_in.mail.is_set_up,
        address=services().settings.address,
        errors={field: error.sentence} if error and field else {},
        refusal=error.sentence if error and not field else "",
    )


def _provider_form(
    record: ProviderRecord | None,
    kind: str,
    error: ApplicationError | None = None,
    findings: list[Finding] | None = None,
) -> ResponseReturnValue:
    kind = ProviderKind(kind) if kind in set(ProviderKind) else ProviderKind.OPENID
    field = error.field if isinstance(error, BadInput) else None
    known = ProviderSettings.model_validate(record.settings) if record else _defaults(kind)
    stored = {**known.model_dump(), "title": record.title if record else "", "enabled": not record or record.enabled}
    page = render_template(
        "accounts/provider.html",
        record=record,
        kind=kind,
        kinds=KINDS,
        values={**stored, **_typed()} if error else stored,
        typed=request.form if error else {},
        group_roles=request.form.get("group_roles", "")
        if error
        else "\n".join(f"{group} = {role}" for group, role in known.group_roles),
        roles=services().accounts.roles.all(),
        findings=findings or [],
        installed=kind != ProviderKind.LDAP or directory.is_installed(),
        callback=f"{services().settings.address or '…'}/sign-in/with/{record.name if record else '…'}/callback",
        errors={field: error.sentence} if error and field else {},
        refusal=error.sentence if error and not field else "",
    )
    return page, error.status if error else 200


def _defaults(kind: ProviderKind) -> ProviderSettings:
    if kind is ProviderKind.LDAP:
        return ProviderSettings(groups="cn", address="ldaps://")
    return ProviderSettings()
