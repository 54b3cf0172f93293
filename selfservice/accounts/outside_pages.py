"""Signing in elsewhere, in the browser: there and back, and who may use which account of another place."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from selfservice.accounts.entering import after_first_factor, own_path, remember, remembered
from selfservice.accounts.errors import ProviderNotFound, StepGone
from selfservice.accounts.permissions import Permission
from selfservice.accounts.providers import Provider, ProviderKind
from selfservice.accounts.steps import Purpose
from selfservice.errors import Unavailable
from selfservice.web.access import current_actor, current_address, myself, open_to_everyone, requires
from selfservice.web.services import services

blueprint = APIBlueprint("outside", __name__, enable_openapi=False)


@blueprint.get("/sign-in/with/<name>")
@open_to_everyone
def begin(name: str) -> ResponseReturnValue:
    """Send somebody to a provider, to come back as who they are there."""
    return _begin(_provider(name), own_path(request.args.get("next")))


@blueprint.get("/sign-in/with/<name>/callback")
@open_to_everyone
def finish(name: str) -> ResponseReturnValue:
    """Somebody comes back: let them in, or link the account they came for."""
    provider = _provider(name)
    step = services().sign_in.steps.take(Purpose.PROVIDER, remembered(Purpose.PROVIDER))
    session.pop(f"step:{Purpose.PROVIDER}", None)
    if step.data["provider"] != name:
        raise StepGone
    # What the request says it is called does not matter: the parameters alone are looked at.
    answer_url = f"{_redirect_uri(name)}?{request.query_string.decode('ascii', 'replace')}"
    from selfservice.accounts import openid

    settings = services().settings
    outside = openid.finish(provider, _redirect_uri(name), step.data, answer_url, settings.ca_file)
    people = services().sign_in.outside_people
    if step.person_id is not None:
        me = myself()
        if me.id != step.person_id:
            raise StepGone
        people.link(me, provider, outside, current_actor())
        flash(f"You can sign in with {provider.title} from now on.", "success")
        return redirect(url_for("profile.index"))
    person = people.person_for(provider, outside, current_address())
    shown = provider.settings.second_factor_there
    return after_first_factor(person, provider.title, step.data["next"], second_factor=shown)


@blueprint.get("/account/identities/<name>/link")
@requires(Permission.ACCOUNT_SELF)
def link(name: str) -> ResponseReturnValue:
    """Send me to a provider, to sign in by it from then on."""
    return _begin(_provider(name), "", myself().id)


@blueprint.post("/account/identities/<int:number>/unlink")
@requires(Permission.ACCOUNT_SELF)
def unlink(number: int) -> ResponseReturnValue:
    """Sign in there no longer."""
    services().sign_in.outside_people.unlink(number, myself(), current_actor())
    flash("You do not sign in there any more.", "success")
    return redirect(url_for("profile.index"), 303)


def _begin(provider: Provider, wanted: str, person_id: int | None = None) -> ResponseReturnValue:
    from selfservice.accounts import openid  # large, and many dashboards never need it

    begun = openid.begin(provider, _redirect_uri(provider.name), services().settings.ca_file)
    data = {**begun.data, "provider": provider.name, "next": wanted}
    remember(Purpose.PROVIDER, services().sign_in.steps.begin(Purpose.PROVIDER, data, person_id))
    return redirect(begun.url)


def _provider(name: str) -> Provider:
    record = services().sign_in.providers.get(name)
    if not record.enabled or record.kind == ProviderKind.LDAP:
        raise ProviderNotFound(f"There is no way to sign in called {name[:80]} (any more).")
    return services().sign_in.providers.ready(record)


def _redirect_uri(name: str) -> str:
    """Where providers send people back to: never by the name that a request gives this node."""
    address = services().settings.address
    if not address:
        raise Unavailable("The address of this dashboard is not set (SELFSERVICE_PUBLIC_URL); ask an administrator.")
    return address + url_for("outside.finish", name=name)
