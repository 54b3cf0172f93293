"""Every setting: name, type, default, meaning. The only reader of the environment.

A plain dataclass and not a settings library: the process of each run imports this module, and
that start-up is part of every run's time.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selfservice.errors import ApplicationError

CHECKOUT = Path(__file__).resolve().parent.parent
MASK = "********"


class SettingError(ApplicationError):
    """A setting is missing or cannot be used; the node refuses to start."""

    status = 500
    problem_type = "setting"
    title = "A setting cannot be used"


class NodeType(StrEnum):
    """What this node is."""

    MASTER = "MASTER"
    WORKER = "WORKER"


def _setting(name: str, meaning: str, default: Any, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"name": name, "meaning": meaning, "secret": secret})


@dataclass(frozen=True)
class Settings:
    """The settings of one node, read once at the start of each process."""

    node_type: NodeType = _setting("SELFSERVICE_TYPE", "What this node is: MASTER or WORKER.", NodeType.MASTER)
    host: str = _setting("SELFSERVICE_HOST", "Address the node listens on.", "127.0.0.1")
    port: int = _setting("SELFSERVICE_PORT", "Port of the dashboard; on a worker, of its API (default 5001).", 5000)
    worker_port: int = _setting("SELFSERVICE_WORKER_PORT", "Port of the master's own worker API.", 5001)
    home: Path = _setting(
        "SELFSERVICE_HOME", "Folder that holds artifacts/, audit/, inventory/ and instance/.", CHECKOUT
    )
    playbooks: Path = _setting(
        "SELFSERVICE_PLAYBOOKS", "Folder of playbooks, with roles/ and operations/ in it.", CHECKOUT / "playbooks"
    )
    node_name: str = _setting("SELFSERVICE_NODE_NAME", "What this node is called in logs, audit and pages.", "")
    admin_password: str = _setting(
        "SELFSERVICE_ADMIN_PASSWORD",
        "Password of the first account, at the first start only; generated where it is not set.",
        "",
        secret=True,
    )
    master_url: str = _setting("MASTER_URL", "Where a worker finds its master; as joined where it is not set.", "")
    master_bearer_token: str = _setting(
        "MASTER_BEARER_TOKEN",
        "The token of this worker, by which its master knows it; as joined where it is not set.",
        "",
        secret=True,
    )
    tls_certificate: str = _setting(
        "SELFSERVICE_TLS_CERTIFICATE", "File with the certificate (chain, PEM) that this node shows.", ""
    )
    tls_key: str = _setting("SELFSERVICE_TLS_KEY", "File with the key of that certificate (PEM).", "")
    ca_file: str = _setting(
        "SELFSERVICE_CA_FILE", "File with a private CA (PEM) by which the certificates of nodes are checked.", ""
    )
    verify_tls: bool = _setting(
        "SELFSERVICE_VERIFY_TLS",
        "Check the certificates of nodes. Without it anybody in between can read tokens.",
        True,
    )
    heartbeat_seconds: int = _setting("SELFSERVICE_HEARTBEAT_SECONDS", "Seconds between two heartbeats.", 10)
    parallel_tasks: int = _setting("SELFSERVICE_PARALLEL_TASKS", "How many tasks this node does at the same time.", 4)
    tasks_folder_name: str = _setting(
        "SELFSERVICE_TASKS_FOLDER", "Folder with Python files of a site's own task types.", ""
    )
    task_folders: str = _setting(
        "SELFSERVICE_TASK_FOLDERS", "Folders that tasks may look into, separated by colons.", "/"
    )
    log_folders: str = _setting(
        "SELFSERVICE_LOG_FOLDERS", "Folders that logs may be read from, separated by colons.", "/var/log"
    )
    metrics_token: str = _setting(
        "SELFSERVICE_METRICS_TOKEN",
        "Token that opens /metrics on this node; closed where it is not set.",
        "",
        secret=True,
    )
    database_url: str = _setting(
        "DATABASE_URL",
        "Database of the records; a SQLite file in instance/ where it is not set.",
        "",
        secret=True,
    )
    vault_keys: str = _setting(
        "SELFSERVICE_VAULT_KEYS",
        "File with the keys that seal the secrets of projects; below ~/.config/selfservice where it is not set.",
        "",
    )
    debug: bool = _setting("DEBUG", "Log every detail (for UAT); never a secret.", False)
    log_file: str = _setting("LOG_FILE", "File that logs go to, rotated; standard error where it is not set.", "")
    log_format: str = _setting("SELFSERVICE_LOG_FORMAT", "`text`, or `json` for one JSON object a line.", "text")
    parallel_runs: int = _setting("SELFSERVICE_PARALLEL_RUNS", "How many runs execute at the same time.", 5)
    fork_server: bool = _setting(
        "SELFSERVICE_FORK_SERVER",
        "Runs fork from a process that has Ansible loaded, about 50 MB, instead of loading it each time; it is there "
        "while somebody uses the node.",
        True,
    )
    mitogen: bool = _setting(
        "SELFSERVICE_MITOGEN",
        "Playbooks reach hosts by Mitogen, several times faster over SSH, where it works with this Ansible.",
        False,
    )
    run_timeout: int = _setting(
        "SELFSERVICE_RUN_TIMEOUT", "Seconds after which a run is ended as timed_out; 0 for never.", 3600
    )
    cancel_grace: int = _setting(
        "SELFSERVICE_CANCEL_GRACE", "Seconds between TERM and KILL when a run is ended early.", 5
    )
    keep_runs_days: int = _setting("SELFSERVICE_KEEP_RUNS_DAYS", "Days after which a run is removed; 0 for never.", 90)
    keep_runs_megabytes: int = _setting(
        "SELFSERVICE_KEEP_RUNS_MEGABYTES", "How much the runs of one operation may take up; 0 for no limit.", 0
    )
    compress_after_days: int = _setting(
        "SELFSERVICE_COMPRESS_AFTER_DAYS", "Days after which the output of a run is compressed; 0 for never.", 7
    )
    forks: int = _setting("SELFSERVICE_FORKS", "How many hosts one run works on at the same time.", 20)
    public_url: str = _setting(
        "SELFSERVICE_PUBLIC_URL",
        "Address people open the dashboard at: for links in mails, passkeys and signing in elsewhere.",
        "",
    )
    smtp_host: str = _setting("SELFSERVICE_SMTP_HOST", "Server that mails are handed to; none are sent without.", "")
    smtp_port: int = _setting("SELFSERVICE_SMTP_PORT", "Its port.", 587)
    smtp_security: str = _setting(
        "SELFSERVICE_SMTP_SECURITY",
        "How it is spoken to: `starttls`, `tls`, or `none` on this machine alone.",
        "starttls",
    )
    smtp_user: str = _setting("SELFSERVICE_SMTP_USER", "Name to sign in there; none where it is not set.", "")
    smtp_password: str = _setting("SELFSERVICE_SMTP_PASSWORD", "Password to sign in there.", "", secret=True)
    smtp_sender: str = _setting("SELFSERVICE_SMTP_SENDER", "Address that mails come from.", "")
    notify_private: bool = _setting(
        "SELFSERVICE_NOTIFY_PRIVATE",
        "Let notifications go to private addresses, and to this machine itself.",
        False,
    )
    secure_cookies: bool = _setting(
        "SELFSERVICE_SECURE_COOKIES", "Send cookies over TLS only; set it where the dashboard has TLS.", False
    )
    trusted_proxies: int = _setting(
        "SELFSERVICE_TRUSTED_PROXIES", "How many reverse proxies stand before this node.", 0
    )

    @property
    def artifacts(self) -> Path:
        """The folder of runs."""
        return self.home / "artifacts"

    @property
    def audit(self) -> Path:
        """The folder of actions."""
        return self.home / "audit"

    @property
    def inventory(self) -> Path:
        """The Ansible inventory."""
        return self.home / "inventory"

    @property
    def database_file(self) -> Path:
        """The database, where DATABASE_URL names no other."""
        return self.instance / "selfservice.db"

    @property
    def tasks_folder(self) -> Path | None:
        """The folder of a site's own task types."""
        return Path(self.tasks_folder_name) if self.tasks_folder_name else None

    @property
    def task_folder_list(self) -> list[Path]:
        """Folders that tasks may look into."""
        return [Path(each) for each in self.task_folders.split(":") if each]

    @property
    def log_folder_list(self) -> list[Path]:
        """Folders that logs may be read from."""
        return [Path(each) for each in self.log_folders.split(":") if each]

    @property
    def has_tls(self) -> bool:
        """Whether this node shows a certificate of its own."""
        return bool(self.tls_certificate)

    @property
    def address(self) -> str:
        """Where people open the dashboard, without a slash at the end; empty where that is not known."""
        if self.public_url:
            return self.public_url.rstrip("/")
        # Passkeys need a name, so it is not 127.0.0.1.
        scheme = "https" if self.has_tls else "http"
        return f"{scheme}://localhost:{self.port}" if is_loopback(self.host) else ""

    @property
    def instance(self) -> Path:
        """State that is neither a run nor an action: accounts, keys, caches; mode 0700."""
        return self.home / "instance"

    @property
    def control_paths(self) -> Path:
        """Where the shared SSH connections of projects are; a socket's path is short (unix(7)), so not below home."""
        return Path.home() / ".ansible" / "cp"

    @property
    def vault_keys_file(self) -> Path:
        """The keys of secrets: not below `home`, so that no copy of that holds the secrets and what opens them."""
        if self.vault_keys:
            return Path(self.vault_keys)
        import hashlib  # with it comes OpenSSL, and the supervisor needs neither

        mark = hashlib.sha256(str(self.home).encode()).hexdigest()[:8]
        return Path.home() / ".config" / "selfservice" / f"vault-{mark}.keys"

    @property
    def health(self) -> Path:
        """What nodes said of themselves, and how they stand."""
        return self.instance / "health"

    @property
    def task_files(self) -> Path:
        """The tasks of this node, a file each."""
        return self.instance / "tasks"

    @property
    def health_limits(self) -> Path:
        """From where on nodes count as degraded, late or down, where that differs from the defaults."""
        return self.instance / "health.yml"


@dataclass(frozen=True)
class ClientSettings:
    """Where the commands that use a dashboard find one without `login`, as in CI."""

    url: str = _setting("SELFSERVICE_URL", "Address of the dashboard.", "")
    token: str = _setting("SELFSERVICE_TOKEN", "Token for that dashboard.", "", secret=True)
    dashboard: str = _setting("SELFSERVICE_DASHBOARD", "Name of a dashboard that `login` keeps.", "")
    ca_file: str = _setting(
        "SELFSERVICE_CA_FILE", "File with a private CA (PEM) by which the certificate of that dashboard is checked.", ""
    )


@dataclass(frozen=True)
class SettingValue:
    """One row of `run.py settings`, as text; secrets masked."""

    name: str
    value: str
    default: str
    meaning: str


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from `environment` (this process's by default).

    Raises `SettingError` with a sentence for an unknown SELFSERVICE_ name or an unusable value.
    A secret setting may come from a file instead: `NAME_FILE` names it.
    """
    values = _values(Settings, os.environ if environment is None else environment)
    if values.get("node_type") is NodeType.WORKER:
        values.setdefault("port", 5001)
    if not values.get("node_name"):
        values["node_name"] = "master" if values.get("node_type") != NodeType.WORKER else os.uname().nodename
    settings = Settings(**values)
    _check(settings)
    return settings


def load_client(environment: Mapping[str, str] | None = None) -> ClientSettings:
    """As `load`, for the commands that use a dashboard."""
    return ClientSettings(**_values(ClientSettings, os.environ if environment is None else environment))


def table(settings: Settings) -> list[SettingValue]:
    """Every setting with its value, default and meaning; secrets masked."""
    return [
        SettingValue(
            each.metadata["name"],
            _shown(getattr(settings, each.name), secret=each.metadata["secret"]),
            _shown(each.default, secret=False),
            each.metadata["meaning"],
        )
        for each in fields(Settings)
    ]


def secret_names() -> list[str]:
    """The names of all settings that are secret."""
    return [each.metadata["name"] for each in (*fields(Settings), *fields(ClientSettings)) if each.metadata["secret"]]


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment that makes `load` give `settings` again, without any secret."""
    return {
        each.metadata["name"]: _text(getattr(settings, each.name))
        for each in fields(Settings)
        if not each.metadata["secret"]
    }


def _values(kind: type[Settings | ClientSettings], environment: Mapping[str, str]) -> dict[str, Any]:
    _refuse_unknown(environment)
    values: dict[str, Any] = {}
    for each in fields(kind):
        name = each.metadata["name"]
        text = _from_file(environment, name) if each.metadata["secret"] else environment.get(name)
        if text is not None:
            values[each.name] = _parse(name, text, type(each.default))
    return values


def _from_file(environment: Mapping[str, str], name: str) -> str | None:
    path = environment.get(f"{name}_FILE")
    if path is None:
        return environment.get(name)
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{name}_FILE names {path}, which cannot be read: {error}.") from error


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    names = {each.metadata["name"] for each in (*fields(Settings), *fields(ClientSettings))}
    known = names | {f"{name}_FILE" for name in secret_names()}
    known.add("SELFSERVICE_RUN_ID")  # set by the process of a run for what it starts
    unknown = sorted(name for name in environment if name.startswith("SELFSERVICE_") and name not in known)
    if unknown:
        raise SettingError(f"{unknown[0]} is not a setting of this program; `python run.py settings` lists them all.")


def _parse(name: str, text: str, kind: type) -> Any:
    if kind is NodeType:
        if text not in (NodeType.MASTER, NodeType.WORKER):
            raise SettingError(f"{name} must be MASTER or WORKER, not {text!r}.")
        return NodeType(text)
    if kind is bool:
        lowered = text.strip().lower()
        if lowered not in {"true", "false", "1", "0", "yes", "no", ""}:
            raise SettingError(f"{name} must be True or False, not {text!r}.")
        return lowered in {"true", "1", "yes"}
    if kind is int:
        if not text.strip().isdigit():
            raise SettingError(f"{name} must be a whole number, not {text!r}.")
        return int(text)
    if issubclass(kind, Path):
        return Path(text).expanduser().resolve()
    return text


def _check(settings: Settings) -> None:
    for name, port in (
        ("SELFSERVICE_PORT", settings.port),
        ("SELFSERVICE_WORKER_PORT", settings.worker_port),
    ):
        if not 0 < port < 65536:
            raise SettingError(f"{name} must be a port from 1 to 65535, not {port}.")
    if settings.log_format not in {"text", "json"}:
        raise SettingError(f"SELFSERVICE_LOG_FORMAT must be text or json, not {settings.log_format!r}.")
    if settings.parallel_runs < 1:
        raise SettingError("SELFSERVICE_PARALLEL_RUNS must be at least 1, or no run would ever start.")
    for name, number in (
        ("SELFSERVICE_FORKS", settings.forks),
        ("SELFSERVICE_PARALLEL_TASKS", settings.parallel_tasks),
        ("SELFSERVICE_HEARTBEAT_SECONDS", settings.heartbeat_seconds),
    ):
        if number < 1:
            raise SettingError(f"{name} must be at least 1.")
    _check_listening(settings)
    _check_mail_and_address(settings)


def _check_mail_and_address(settings: Settings) -> None:
    parts = urlsplit(settings.public_url)
    if settings.public_url and (
        parts.scheme not in {"https", "http"} or not parts.hostname or parts.path.strip("/") or parts.query
    ):
        raise SettingError(
            f"SELFSERVICE_PUBLIC_URL must be like https://selfservice.example.org, not {settings.public_url!r}."
        )
    if settings.smtp_security not in {"starttls", "tls", "none"}:
        raise SettingError(f"SELFSERVICE_SMTP_SECURITY must be starttls, tls or none, not {settings.smtp_security!r}.")
    if settings.smtp_security == "none" and settings.smtp_host and not is_loopback(settings.smtp_host):
        raise SettingError(
            "SELFSERVICE_SMTP_SECURITY=none would send codes over the network readable by anybody; "
            "it is for a mail server on this machine."
        )
    if settings.smtp_host and "@" not in settings.smtp_sender:
        raise SettingError("SELFSERVICE_SMTP_SENDER must name the address that mails come from.")


def _check_listening(settings: Settings) -> None:
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        raise SettingError("SELFSERVICE_TLS_CERTIFICATE and SELFSERVICE_TLS_KEY go together; one of them is missing.")
    if not (is_loopback(settings.host) or settings.has_tls or settings.trusted_proxies):
        raise SettingError(
            f"SELFSERVICE_HOST={settings.host} would let tokens and passwords cross the network unencrypted. Give this "
            "node a certificate (SELFSERVICE_TLS_CERTIFICATE, SELFSERVICE_TLS_KEY), or say that it stands behind a "
            "proxy that has one (SELFSERVICE_TRUSTED_PROXIES=1)."
        )


def is_loopback(host: str) -> bool:
    """Whether `host` is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _text(value: Any) -> str:
    return str(value)


def _shown(value: Any, *, secret: bool) -> str:
    return MASK if secret and value else _text(value)
