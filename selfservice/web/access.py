"""Who may open what: every endpoint declares it, and what declares nothing stays closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Flask, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user
from flask_wtf.csrf import CSRFProtect

from selfservice.accounts.models import Identity, Person
from selfservice.accounts.permissions import Permission
from selfservice.accounts.roles import Author
from selfservice.audit.actions import Actor, Kind
from selfservice.errors import ApplicationError, Forbidden
from selfservice.nodes.models import Node
from selfservice.web.bearer import audit_refusal, bearer_token, refuse_token
from selfservice.web.services import whole_services

View = TypeVar("View", bound=Callable[..., Any])

_DECLARATION = "__selfservice_access__"
_NODES_TOO = "__selfservice_nodes_too__"
_OPEN = "open to everyone"
NODES_ONLY = "nodes, by their own tokens"
_SIGNED = "open to signed calls"
#: What somebody may do whose role asks for a second factor that they have not shown.
_WITHOUT_SECOND_FACTOR = frozenset({"second_factor", "passkeys"})
#: Files of the program itself; the only endpoints that need no declaration.
STATIC_ENDPOINTS = frozenset({"static", "bootstrap.static"})


class NotSignedIn(ApplicationError):
    """Nobody is signed in, and this needs somebody."""

    status = 401
    problem_type = "not-signed-in"
    title = "Not signed in"


class UndeclaredAccess(ApplicationError):
    """A route of this program forgot to say who may open it."""

    status = 500
    problem_type = "undeclared-access"
    title = "This page is closed"


def requires(permission: Permission, *, nodes_too: bool = False) -> Callable[[View], View]:
    """Open a view to whoever is signed in and has `permission`; to nodes only where it says so."""

    def declare(view: View) -> View:
        setattr(view, _DECLARATION, permission)
        setattr(view, _NODES_TOO, nodes_too)
        return view

    return declare


def open_to_everyone(view: View) -> View:
    """Open a view to everyone, signed in or not."""
    setattr(view, _DECLARATION, _OPEN)
    return view


def for_nodes(view: View) -> View:
    """Open a view `…/nodes/<name>/…` to the node of that name, by its own token, and to nobody else."""
    setattr(view, _DECLARATION, NODES_ONLY)
    return view


def open_to_signed_calls(view: View) -> View:
    """Open a view to programs whose call is signed: the view itself checks the signature, first of all."""
    setattr(view, _DECLARATION, _SIGNED)
    return view


def declared_access(app: Flask, endpoint: str) -> Permission | str | None:
    """What `endpoint` declares: a permission, that it is open to everyone, or None."""
    if endpoint in STATIC_ENDPOINTS:
        return _OPEN
    return cast("Permission | str | None", getattr(app.view_functions.get(endpoint), _DECLARATION, None))


def current_person() -> Identity:
    """The person or token this request acts for. Raises `NotSignedIn` where there is none."""
    identity = g.get("token") or current_user._get_current_object()
    if not identity.is_authenticated:
        raise NotSignedIn("Sign in to do this.")
    return cast(Identity, identity)


def myself() -> Person:
    """The person who is signed in. Raises `Forbidden` for a token, which has no account of its own."""
    person = current_person()
    if not isinstance(person, Person):
        raise Forbidden("A token has no account of its own.")
    return person


def require(permission: Permission) -> None:
    """Raise `Forbidden` where whoever this request acts for does not have `permission`."""
    if not current_person().may(permission):
        raise Forbidden(f"This needs the right “{permission}”, which {current_person().name} does not have.")


def current_node() -> Node | None:
    """The node that this request comes from, where it comes from one."""
    return cast("Node | None", g.get("node"))


def current_actor() -> Actor:
    """Whom audit names for this request, by which way in and from where."""
    node = current_node()
    if node is not None:
        return Actor(name=node.name, via="node", address=current_address())
    person = current_person()
    return Actor(name=person.name, via=person.via, address=current_address())


def current_author() -> Author:
    """Who changes people and roles by this request, and which rights they could hand out."""
    return Author(current_actor(), current_person().permissions)


def current_address() -> str:
    """Where this request came from."""
    return request.remote_addr or "unknown"


def current_agent() -> str:
    """What the browser of this request says it is."""
    return request.headers.get("User-Agent", "")


def is_api_request() -> bool:
    """Whether a program asks (JSON) and not a person in a browser (pages)."""
    return request.path.startswith("/api/") and request.endpoint != "openapi.docs"


def install(app: Flask) -> None:
    """Make `app` refuse whatever is not allowed, before any view runs."""
    login = LoginManager(app)
    # "strong" would end the session whenever a phone changes its network.
    login.session_protection = "basic"
    login.user_loader(lambda key: whole_services().accounts.sessions.person_of(key, current_address()))
    csrf = CSRFProtect()
    csrf.init_app(app)
    app.before_request(lambda: _guard(app, csrf))
    app.context_processor(lambda: {"person": _person_or_none()})


def _guard(app: Flask, csrf: CSRFProtect) -> ResponseReturnValue | None:
    endpoint = request.endpoint
    if endpoint is None:
        return None  # no such address or method: the error pages answer
    declared = declared_access(app, endpoint)
    if declared is None:
        raise UndeclaredAccess("This page does not say who may open it, so nobody may. Tell its authors.")
    if endpoint in STATIC_ENDPOINTS or declared == _SIGNED:
        return None
    _identify_token(endpoint, declared, app)
    if declared == NODES_ONLY or current_node() is not None:
        _check_node()
        return None
    if not isinstance(declared, Permission):
        csrf.protect()
        return None
    token = g.get("token")
    if token is None:
        if not current_user.is_authenticated:
            return _ask_to_sign_in()
        csrf.protect()
        if current_user.lacks_second_factor and not _adds_second_factor(endpoint):
            return _ask_for_second_factor()
    elif token.lacks_second_factor:
        raise Forbidden(
            f"The role of {token.person_name} asks for a second factor: this token opens nothing until they add one "
            "on the page “Second factor” of their account."
        )
    require(declared)
    whole_services().presence.note()
    return None


def _adds_second_factor(endpoint: str) -> bool:
    return endpoint.partition(".")[0] in _WITHOUT_SECOND_FACTOR or endpoint == "accounts.sign_out"


def _ask_for_second_factor() -> ResponseReturnValue:
    if is_api_request():
        raise Forbidden("Your role asks for a second factor: add one on the page “Second factor” of your account.")
    return redirect(url_for("second_factor.index"))


def _identify_token(endpoint: str, declared: Permission | str, app: Flask) -> None:
    secret = bearer_token() if request.path.startswith("/api/") else None
    if secret is None:
        return
    if declared == NODES_ONLY or getattr(app.view_functions[endpoint], _NODES_TOO, False):
        g.node = whole_services().nodes.verify(secret)
        if g.node is not None:
            return
    token = whole_services().accounts.tokens.verify(secret)
    if token is None:
        refuse_token(whole_services().journal)
    g.token = token


def _check_node() -> None:
    """A node speaks for itself alone."""
    node = current_node()
    if node is None:
        if bearer_token() is None:
            raise NotSignedIn("Send the token of the node as “Authorization: Bearer …”.")
        refuse_token(whole_services().journal)
    name = (request.view_args or {}).get("name", node.name)
    if name != node.name:
        audit_refusal(whole_services().journal, Kind.API_CALL, f"{request.method} {request.path} by {node.name}"[:200])
        raise Forbidden(f"This is the token of {node.name}, which cannot speak for {name[:80]}.")


def _ask_to_sign_in() -> ResponseReturnValue:
    if is_api_request():
        raise NotSignedIn("Sign in, or send a token as “Authorization: Bearer …”.")
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    if wanted == "/":
        wanted = None
    return redirect(url_for("accounts.sign_in", next=wanted))


def _person_or_none() -> Identity | None:
    try:
        return current_person()
    except NotSignedIn:
        return None
