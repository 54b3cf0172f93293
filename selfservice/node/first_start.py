"""What a node needs before it can work: folders, keys, the first account."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from selfservice.errors import Unavailable
from selfservice.settings import CHECKOUT, NodeType, SettingError, Settings
from selfservice.store import files
from selfservice.store.steps import newest_step


def prepare(settings: Settings) -> str:
    """Make folders, keys and (on a master) the tables and the first account; safe to call at every start.

    Gives the text to print: where the node is found and, once, the first password.
    Raises SettingError where the home cannot be written.
    """
    make_folders(settings)
    if settings.node_type is NodeType.WORKER:
        from selfservice.nodes.own_token import joined, own_token

        own_token(settings)
        scheme = "https" if settings.has_tls else "http"
        return f"Worker API: {scheme}://{settings.host}:{settings.port}, of the master {joined(settings).master_url}"
    return _prepare_master(settings)


def is_prepared(settings: Settings) -> bool:
    """Whether this program has prepared this node before, so that nothing large has to be loaded for that.

    Always False on a worker and with a DATABASE_URL: there it is looked at every time.
    """
    if settings.node_type is NodeType.WORKER or settings.database_url:
        return False
    try:
        prepared_for = _mark(settings).read_text(encoding="utf-8")
        with closing(sqlite3.connect(f"file:{settings.database_file}?mode=ro", uri=True)) as database:
            step = database.execute("SELECT version_num FROM alembic_version").fetchone()
    except (OSError, sqlite3.Error):
        return False
    return prepared_for == _prepared_for(settings) and step == (newest_step(),)


def address(settings: Settings) -> str:
    """Where the dashboard is found, for the terminal it is started from."""
    return f"Dashboard: {'https' if settings.has_tls else 'http'}://{settings.host}:{settings.port}"


def _mark(settings: Settings) -> Path:
    return settings.instance / "cache" / "prepared"


def _prepared_for(settings: Settings) -> str:
    """Another one after each change of the program: roles and the like are brought up to date by a start."""
    newest = max(path.stat().st_mtime_ns for path in (CHECKOUT / "selfservice").rglob("*.py"))
    return f"{settings.node_name} {newest}\n"


def make_folders(settings: Settings) -> None:
    """Make the folders of this node. Raises SettingError where that cannot be."""
    instance = settings.instance
    for folder in (instance, instance / "cache", instance / "private"):
        _make_folder(folder, 0o700)
    _make_folder(settings.audit, 0o700)
    if settings.node_type is NodeType.MASTER:
        _make_folder(settings.artifacts, 0o700)
        if not settings.inventory.exists():
            shutil.copytree(CHECKOUT / "inventory", settings.inventory)


def _make_folder(path: Path, mode: int) -> None:
    try:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(f"{path} cannot be made ({error.strerror}). SELFSERVICE_HOME names its place.") from error
    probe = path / f".probe-{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingError(
            f"{path} cannot be written ({error.strerror}), and this node keeps its state there. Make it writable"
            " for this user, or let SELFSERVICE_HOME name another folder."
        ) from error


def _prepare_master(settings: Settings) -> str:
    from selfservice.accounts.accounts import ensure_first_admin
    from selfservice.store.migration import migrate

    migrate(settings)
    password = ensure_first_admin(settings)
    _ensure_own_node(settings)
    lines = [address(settings)]
    if password:
        lines.append(f"First sign-in: admin / {password}   (shown this once; change it after signing in)")
    lines += _prepare_example(settings)
    files.write_bytes(_mark(settings), _prepared_for(settings).encode())
    return "\n".join(lines)


def _ensure_own_node(settings: Settings) -> None:
    from selfservice.audit.journal import Journal
    from selfservice.nodes.nodes import Nodes
    from selfservice.store.database import Database

    Nodes(Database(settings), Journal(settings.audit, settings.node_name), settings).ensure_own()


def _prepare_example(settings: Settings) -> list[str]:
    """Make the repository of examples at the first start; a node without git does without, and says so."""
    from selfservice.audit.actions import SYSTEM
    from selfservice.audit.journal import Journal
    from selfservice.files.registry import Registry
    from selfservice.store.database import Database

    database = Database(settings)
    try:
        registry = Registry(settings, database, Journal(settings.audit, settings.node_name))
        registry.ensure_example(SYSTEM)
    except Unavailable as error:
        return [f"No example files: {error.sentence}"]
    finally:
        database.close()
    return []
