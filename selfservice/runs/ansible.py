"""The one module that drives ansible-runner."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from selfservice.runs import warm_ansible
from selfservice.runs.folder import RunFolder
from selfservice.runs.processes import RUN_ID_VARIABLE
from selfservice.runs.run import Run, RunKind, RunRequest
from selfservice.settings import CHECKOUT, Settings
from selfservice.store import files

#: What a run may know of the environment of this node: enough to find programs, home, SSH agent, and the passwords of
#: Ansible's own vault files.
PASSED_ON = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "SSH_AUTH_SOCK", "TMPDIR"),
    *("ANSIBLE_VAULT_PASSWORD_FILE", "ANSIBLE_VAULT_IDENTITY_LIST"),
)
#: Words that Ansible's own `-a` syntax leaves as they are: no quotes, `=`, `$`, backslash or template.
_PLAIN = re.compile(r"[\w ./:,@%+-]+\Z", re.ASCII)
#: ansible-runner leaves these beside what a run's folder is to hold.
_LEFTOVERS = ("job_events", "fact_cache", "stderr")


def private_folder(settings: Settings, run_id: str) -> Path:
    """The folder that belongs to one run alone, and goes at its end."""
    return settings.instance / "private" / run_id


def environment(run_id: str, source: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """The whole environment of a run: a few names of `source`, and Ansible's settings."""
    passed = {name: source[name] for name in PASSED_ON if name in source}
    programs = str(Path(sys.executable).parent)
    return {
        **passed,
        "PATH": f"{programs}:{passed.get('PATH', '/usr/local/bin:/usr/bin:/bin')}",
        "LANG": passed.get("LANG", "C.UTF-8"),
        "PYTHONUTF8": "1",
        "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
        "ANSIBLE_FORCE_COLOR": "True",
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_FORKS": str(settings.forks),
        "ANSIBLE_ROLES_PATH": str(settings.playbooks / "roles"),
        "ANSIBLE_PIPELINING": "True",
        # Bytes that are no UTF-8 are shown as �; they are no reason to fail a command.
        "ANSIBLE_MODULE_STRICT_UTF8_RESPONSE": "False",
        "ANSIBLE_DEPRECATION_WARNINGS": "False",
        # ansible-runner adds its own folder to these and so hides those of ansible.cfg.
        "ANSIBLE_CALLBACK_PLUGINS": str(CHECKOUT / "selfservice/terminal/ansible_plugins"),
        # Not in the home of the user: whatever becomes of the run, this goes with its private folder.
        "ANSIBLE_LOCAL_TEMP": str(private_folder(settings, run_id)),
        RUN_ID_VARIABLE: run_id,
    }


def module_arguments(request: RunRequest) -> str:
    """The `-a` of an ad-hoc command, such that the host gets exactly what the person typed.

    JSON with an unsafe string keeps Ansible from splitting `key=value` and from templating: a
    template could run on the master what was asked for elsewhere.
    """
    if _PLAIN.match(request.command):
        return request.command
    arguments: dict[str, Any] = {"cmd": {"__ansible_unsafe": request.command}}
    if not request.shell:
        arguments["expand_argument_vars"] = False
    return json.dumps(arguments, ensure_ascii=False)


#: What Ansible itself leaves behind of events goes into memory, where the machine has a place for that.
_MEMORY = Path("/dev/shm")  # noqa: S108


def untemplated(value: Any) -> Any:
    """`value` for a JSON file of extra variables, such that Ansible takes its texts as they are.

    What a person types into a form is no template: one could read files of the master.
    """
    if isinstance(value, str):
        return {"__ansible_unsafe": value}
    if isinstance(value, dict):
        return {name: untemplated(each) for name, each in value.items()}
    if isinstance(value, list):
        return [untemplated(each) for each in value]
    return value


def module(request: RunRequest) -> str:
    """The module of an ad-hoc command."""
    return "ansible.builtin.shell" if request.shell else "ansible.builtin.command"


def command_line(request: RunRequest) -> str:
    """What a person would type in a terminal of the master for the same work."""
    if request.kind is RunKind.COMMAND:
        words = [
            "ansible",
            *_inventories(request),
            request.hosts,
            "-m",
            module(request),
            "-a",
            module_arguments(request),
        ]
    else:
        # A playbook run by hand may lie anywhere.
        path = request.playbook if request.playbook.startswith("/") else f"playbooks/{request.playbook}"
        words = ["ansible-playbook", *_inventories(request), path, "--limit", request.hosts]
        if request.variables:
            words += ["--extra-vars", json.dumps(request.variables)]
    return shlex.join(words + _switches(request))


def _inventories(request: RunRequest) -> list[str]:
    """Nothing where the inventory of ansible.cfg is all there is."""
    each = ["inventory", *request.inventories] if request.inventories else []
    return [word for path in each for word in ("-i", path)]


def command_line_of(folder: RunFolder, run: Run) -> str:
    """The same for a run: what was typed, where somebody did type it."""
    if run.actor.via == "terminal":
        try:
            return shlex.join(files.read_json(folder.command)["command"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):  # not written, or by somebody else
            pass
    return command_line(run.request)


def _switches(request: RunRequest) -> list[str]:
    return [*(["--become"] if request.become else []), *(["--check", "--diff"] if request.check else [])]


def program_environment(settings: Settings, run_id: str, private: Path) -> dict[str, str]:
    """The environment in which ansible-runner starts Ansible for a playbook of the run `run_id`, in this one."""
    import ansible_runner

    given = environment(run_id, dict(os.environ), settings)
    before = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(given)
        runner = ansible_runner.interface.init_runner(
            private_data_dir=str(private),
            playbook="any.yml",
            artifact_dir=str(private),
            ident=run_id,
            quiet=True,
            fact_cache_type="memory",
        )
    finally:
        os.environ.clear()
        os.environ.update(before)
    return dict(runner.config.env)


@dataclass(frozen=True)
class Hidden:
    """Variables that no disk may hold: Ansible reads them from memory, and at once they are gone from there."""

    variables: Mapping[str, Any]


def execute(
    request: RunRequest, hidden: Hidden, private: Path, settings: Settings, on_event: Callable[[dict[str, Any]], None]
) -> int | None:
    """Run it to its end and give Ansible's return code, None where a signal ended it.

    `private` is the private data folder, for this run alone and called after it; the artifact folder is
    artifacts/<run id>. os.environ must be scrubbed already: ansible-runner hands all of it on, and writes all of it to
    `command` for a moment. Variables reach Ansible through a file in `private`, `hidden` ones through memory.
    Events come with their output as `stdout`, which is written nowhere else.
    """
    import ansible_runner

    run_id = private.name
    folder = settings.artifacts / run_id
    memory = _memory(folder, private)
    given = memory / "variables.json"

    def handle_event(event: dict[str, Any]) -> bool:
        if "uuid" in event:  # whoever says anything has read its variables
            given.unlink(missing_ok=True)
        on_event(event)
        return False  # no file an event

    def handle_status(status: dict[str, Any], **_: Any) -> None:
        if status["status"] == "running":
            _forget_environment(folder / "command")

    what: dict[str, Any]
    hosts = ",".join(request.host_names)
    if request.kind is RunKind.COMMAND:
        what = {"module": module(request), "module_args": module_arguments(request), "host_pattern": hosts}
    else:
        what = {"playbook": str(settings.playbooks / request.playbook), "limit": hosts}
        what["extravars"] = untemplated(request.variables)
    switches = _switches(request)
    if hidden.variables:
        files.write_bytes(given, json.dumps(untemplated(dict(hidden.variables))).encode(), durable=False)
        switches += ["--extra-vars", f"@{given}"]
    if switches:
        what["cmdline"] = shlex.join(switches)
    ansible_runner.runner.pexpect = _pexpect()
    runner = ansible_runner.run(
        private_data_dir=str(private),
        project_dir=str(settings.playbooks.parent),
        artifact_dir=str(settings.artifacts),
        ident=run_id,
        inventory=[str(settings.inventory), *request.inventories],
        event_handler=handle_event,
        status_handler=handle_status,
        quiet=True,
        cancel_callback=lambda: False,  # else it takes SIGTERM for itself, and we would not know why it ended
        settings={"pexpect_timeout": 1, "suppress_output_file": True},
        fact_cache_type="memory",
        **what,
    )
    return None if runner.rc is None else int(runner.rc)


def _pexpect() -> SimpleNamespace:
    """pexpect for ansible-runner, with a `spawn` that lets a fork go on as Ansible where that is loaded already."""
    import pexpect

    class Spawn(pexpect.spawn):  # type: ignore[misc]
        def __init__(self, command: str, args: list[str], env: dict[str, str], **named: Any) -> None:
            argv = [command, *args]
            super().__init__(command, args, env=env, preexec_fn=lambda: warm_ansible.become(argv, env), **named)
            self.ptyproc.delayafterclose = 0  # the run has ended by then: nobody has to be waited for

    return SimpleNamespace(**{**vars(pexpect), "spawn": Spawn})


def tidy(folder: Path, private: Path) -> None:
    """Remove the private data folder and what ansible-runner leaves beside a run's own files."""
    shutil.rmtree(private, ignore_errors=True)
    shutil.rmtree(_memory_of(folder), ignore_errors=True)
    for name in _LEFTOVERS:
        path = folder / name
        if path.is_symlink():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.exists() and path.stat().st_size == 0:
            path.unlink()
    with contextlib.suppress(FileNotFoundError):
        _forget_environment(folder / "command")


def _memory(folder: Path, private: Path) -> Path:
    """A folder in memory, where also Ansible leaves its events before their secrets are hidden.

    On a machine that has no place for that it is the private folder.
    """
    place = _memory_of(folder) if _MEMORY.is_dir() else private / "memory"
    place.mkdir(mode=0o700)  # one that is there already would be somebody else's
    (place / "job_events").mkdir(mode=0o700)
    (folder / "job_events").symlink_to(place / "job_events")
    return place


def _memory_of(folder: Path) -> Path:
    return _MEMORY / f"selfservice-{os.getuid()}-{folder.name}"


def _forget_environment(path: Path) -> None:
    """Keep of ansible-runner's `command` file what was called and where, not the environment."""
    try:
        value = files.read_json(path)
    except ValueError:  # cut short by a full disk: nothing in it is worth keeping
        path.unlink()
        return
    if "env" in value:
        files.write_json(path, {"command": value["command"], "cwd": value["cwd"]})


def scrub_environment(run_id: str, settings: Settings) -> None:
    """Leave this process, and so all that it starts, no other environment than the run's."""
    wanted = environment(run_id, dict(os.environ), settings)
    os.environ.clear()
    os.environ.update(wanted)
