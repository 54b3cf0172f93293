"""How a run went, in one state and one sentence that says what to do."""

from __future__ import annotations

from selfservice.runs.events import Results
from selfservice.runs.run import Run, RunKind, State

_MOST_NAMES = 5
#: What OpenSSH says, and what that means for the person: the first that fits counts.
_SSH_REASONS = (
    (
        ("Connection closed by UNKNOWN",),
        "The jump host did not lead to {host}: can it be reached, does it accept the key, and is its host key known?",
    ),
    (
        ("Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED"),
        "The host key of {host} is not known or has changed: check it with the host's owner, then add it to"
        " known_hosts (ssh-keyscan gives it).",
    ),
    (
        ("Permission denied", "Too many authentication failures"),
        "Host {host} refused the SSH key: check ansible_user and ansible_ssh_private_key_file in the inventory, or user"
        " and key in its project.",
    ),
    (
        ("Could not resolve hostname",),
        "The name of {host} is not known to DNS: set ansible_host in the inventory.",
    ),
    (("Connection refused",), "Host {host} refuses connections: is its SSH server running, on this port?"),
    (
        ("timed out", "No route to host"),
        "Host {host} does not answer: is it up, and does the network let SSH through?",
    ),
)


def verdict(run: Run, results: Results, rc: int | None) -> tuple[State, str]:
    """State and sentence of a run that Ansible itself ended; the sentence is empty where all went well."""
    failed, unreachable = results.named("failed"), results.named("unreachable")
    if failed or unreachable:
        return State.FAILED, " ".join(_failures(run, results, failed, unreachable))
    if rc is None:
        return (
            State.FAILED,
            "Ansible was ended by a signal that did not come from here; the output says how far it got.",
        )
    if rc:
        return State.FAILED, f"Ansible ended with code {rc}; the output says why."
    missing = sorted(set(run.request.host_names) - set(results.hosts))
    if missing and (run.request.kind is RunKind.COMMAND or not results.hosts):
        return State.FAILED, f"Nothing ran on {_listed(missing)}: no longer in the inventory?"
    return State.SUCCESSFUL, ""


def _failures(run: Run, results: Results, failed: list[str], unreachable: list[str]) -> list[str]:
    parts = []
    if failed:
        parts.append(f"failed on {_listed(failed)}")
    if unreachable:
        parts.append(f"could not reach {_listed(unreachable)}")
    count = len(run.request.host_names)
    sentences = [f"Of {count} host{'s' if count != 1 else ''}: {'; '.join(parts)}."]
    if reason := _ssh_reason(results):
        sentences.append(reason)
    return sentences


def _ssh_reason(results: Results) -> str | None:
    """What to do about the first unreachable host that says why."""
    said = (ssh_reason(each.host, each.message) for each in results.results if each.status == "unreachable")
    return next((reason for reason in said if reason), None)


def ssh_reason(host: str, message: str) -> str | None:
    """What to do about a host that could not be reached with this message, where it is known."""
    for signs, reason in _SSH_REASONS:
        if any(sign in message for sign in signs):
            return reason.format(host=host)
    return None


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES])
    return f"{shown} and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else shown
