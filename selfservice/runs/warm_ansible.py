"""Ansible, loaded once and tried out, so that a fork of this process can do a run's work at once.

Of the 0.8 s that a run of one task takes, half are imports and the finding of plugins. A fork begins
after them. What depends on the single run is made anew in the fork: Ansible's settings, its temporary
folder, what its command line has left. Where anything else of the environment differs from the one
that Ansible was loaded with, `become` gives way and the program is started as usual.

Seen with ansible-core 2.19.14; `tests/runs/test_warm_ansible.py` compares events and recaps.
"""

from __future__ import annotations

import atexit
import gc
import io
import logging
import multiprocessing
import multiprocessing.util
import os
import shutil
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfservice.runs import processes
from selfservice.runs.processes import RUN_ID_VARIABLE

log = logging.getLogger(__name__)

_PROGRAMS = ("ansible", "ansible-playbook")
#: What may differ from run to run: read when it is needed, or made anew in the fork.
_PER_RUN = frozenset(
    {
        RUN_ID_VARIABLE,
        "AWX_ISOLATED_DATA_DIR",
        "AD_HOC_COMMAND_ID",
        "ANSIBLE_LOAD_CALLBACK_PLUGINS",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION",
        "ANSIBLE_LOCAL_TEMP",
        "ANSIBLE_SSH_ARGS",
        "ANSIBLE_SSH_CONTROL_PATH_DIR",
        "ANSIBLE_STRATEGY",
        "ANSIBLE_STRATEGY_PLUGINS",
        "ANSIBLE_TIMEOUT",
        "SSH_AUTH_SOCK",
    }
)
#: Left out while Ansible is tried out: its module changes Ansible's own as it is imported, for good.
_RUNNERS_OWN = frozenset({"ANSIBLE_CALLBACK_PLUGINS", "ANSIBLE_STDOUT_CALLBACK"})
_TRIAL = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.command: "true"
      register: tried
      changed_when: tried.rc != 0
    - ansible.builtin.shell: "true"
      when: tried is success
      changed_when: false
    - ansible.builtin.debug: {msg: "{{ lookup('env', 'HOME') | default('', true) }}"}
"""


@dataclass(frozen=True)
class _Loaded:
    environment: dict[str, str]
    config: tuple[int, int]
    #: Ansible's own modules as they are sent to hosts, packed once for all forks.
    packed: Path


_loaded: _Loaded | None = None


class NotLoaded(RuntimeError):
    """Ansible was loaded in a way that no fork can go on from."""


def load(environment: Mapping[str, str], folder: Path) -> None:
    """Load Ansible as a run with this `environment` would, and let it do a first play.

    What it packs lies in `folder`, which begins empty. Takes about a second. Raises NotLoaded.
    """
    global _loaded
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update({name: value for name, value in environment.items() if name not in _RUNNERS_OWN})
    os.environ |= {"ANSIBLE_CACHE_PLUGIN": "memory", "ANSIBLE_LOCAL_TEMP": str(folder)}
    shutil.rmtree(folder, ignore_errors=True)
    try:
        _try_out(folder / "trial")
        if threading.active_count() > 1:
            raise NotLoaded("The first play left threads behind.")
    finally:
        os.environ.clear()
        os.environ.update(before)
    wanted = {name: value for name, value in environment.items() if name not in _PER_RUN}
    _loaded = _Loaded(wanted, _stamp(environment), _packed_modules())
    for _ in range(3):  # what the play leaves is freed in steps, and its connections are closed here, not in forks
        gc.collect()
    gc.freeze()  # what is shared with the forks is not touched by their collections


def is_stale() -> bool:
    """Whether ansible.cfg has changed since."""
    return _loaded is not None and _stamp(_loaded.environment) != _loaded.config


def become(argv: Sequence[str], environment: Mapping[str, str]) -> None:
    """Go on as the Ansible program `argv`, in a process forked for that alone; it ends in here.

    Returns, with nothing changed, where the program is to be started as usual.
    """
    program = Path(argv[0]).name
    if not _fits(program, environment):
        return
    if not processes.rename(f"{program} {environment[RUN_ID_VARIABLE]}", environment[RUN_ID_VARIABLE]):
        return
    code = 1
    try:
        os.closerange(3, 65536)
        os.environ.clear()
        os.environ.update(environment)
        _like_a_new_process(argv)
        _forget_the_trial()
        _share_packed_modules(argv)
        code = _run(program, argv)
    except BaseException:  # as the interpreter would: nothing may come back from here
        traceback.print_exc()
    finally:
        _end(code)


def _fits(program: str, environment: Mapping[str, str]) -> bool:
    if _loaded is None or program not in _PROGRAMS or is_stale():
        return False
    wanted = {name: value for name, value in environment.items() if name not in _PER_RUN}
    return wanted == _loaded.environment


def _stamp(environment: Mapping[str, str]) -> tuple[int, int]:
    """Tells one state of ansible.cfg from another."""
    try:
        stat = Path(environment["ANSIBLE_CONFIG"]).stat()
    except (KeyError, OSError):
        return (0, 0)
    return (stat.st_mtime_ns, stat.st_size)


def _try_out(folder: Path) -> None:
    from ansible.cli import adhoc, playbook  # noqa: F401 - both are what forks begin with

    folder.mkdir(mode=0o700, parents=True)
    path, output = folder / "first.yml", folder / "output"
    path.write_text(_TRIAL, encoding="utf-8")
    with _output_to(output), _signals_kept():
        words = ["-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}", str(path)]
        code = _code(playbook.PlaybookCLI, ["ansible-playbook", *words])
    for worker in multiprocessing.active_children():
        worker.join()
    if code:
        raise NotLoaded(f"The first play ended with {code}: {output.read_text(errors='replace')[-500:]}")
    shutil.rmtree(folder)


@contextmanager
def _signals_kept() -> Iterator[None]:
    """What is done at a signal is as before at the end; a play's own ways would keep all of it in memory."""
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    try:
        yield
    finally:
        for number, action in before.items():
            if signal.getsignal(number) != action:
                signal.signal(number, action)


@contextmanager
def _output_to(path: Path) -> Iterator[None]:
    """What is written within, also by child processes, goes to a file."""
    kept = os.dup(1), os.dup(2)
    sys.stdout.flush()
    with path.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        for descriptor, before in enumerate(kept, 1):
            os.dup2(before, descriptor)
            os.close(before)


def _like_a_new_process(argv: Sequence[str]) -> None:
    """What the interpreter does before a program's first line, and a fork does not."""
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.set_wakeup_fd(-1)
    atexit._clear()
    atexit.register(multiprocessing.util._exit_function)  # type: ignore[attr-defined]
    logging.root.handlers.clear()
    logging.root.setLevel(logging.WARNING)
    sys.stdin = io.TextIOWrapper(open(0, "rb", closefd=False), encoding="utf-8", errors="surrogateescape")  # noqa: SIM115
    sys.stdout = _writer(1, "surrogateescape")
    sys.stderr = _writer(2, "backslashreplace")
    sys.argv = list(argv)
    sys.path[0] = str(Path(argv[0]).parent)
    warnings.filterwarnings("ignore", message="AnsibleCollectionFinder has already been configured")


def _writer(descriptor: int, errors: str) -> io.TextIOWrapper:
    raw = open(descriptor, "wb", closefd=False)  # noqa: SIM115
    return io.TextIOWrapper(raw, encoding="utf-8", errors=errors, line_buffering=True)


def _forget_the_trial() -> None:
    """Make anew what Ansible keeps for a process, and took from the first play."""
    from ansible import constants, context
    from ansible.parsing.vault import VaultSecretsContext
    from ansible.playbook.play import Play
    from ansible.playbook.play_context import PlayContext
    from ansible.plugins.loader import callback_loader, strategy_loader
    from ansible.utils.collection_loader import AnsibleCollectionConfig
    from ansible.utils.context_objects import CLIArgs, GlobalCLIArgs
    from ansible.utils.display import Display, _synchronize_textiowrapper
    from ansible.utils.vars import load_extra_vars, load_options_vars

    for name in constants.config.get_configuration_definitions():  # as at the end of ansible/constants.py
        value = constants.config.get_config_value(name, variables=vars(constants))
        constants.set_constant(name, value, export=vars(constants))
    callback_loader.config = constants.DEFAULT_CALLBACK_PLUGIN_PATH
    callback_loader._clear_caches()
    Play.__dict__["strategy"].default = constants.DEFAULT_STRATEGY
    PlayContext.__dict__["timeout"].default = constants.DEFAULT_TIMEOUT
    strategy_loader.config = constants.DEFAULT_STRATEGY_PLUGIN_PATH
    strategy_loader._clear_caches()
    GlobalCLIArgs._Singleton__instance = None
    context.CLIARGS = CLIArgs({})
    load_extra_vars.extra_vars = load_options_vars.options_vars = None
    VaultSecretsContext._current = None
    AnsibleCollectionConfig.playbook_paths = []
    AnsibleCollectionConfig._default_collection = None
    display = Display()
    for said in (display._warns, display._deprecations, display._errors):
        said.clear()
    display._set_column_width()
    for stream in (sys.stdout, sys.stderr):
        _synchronize_textiowrapper(stream, display._lock)


def _packed_modules() -> Path:
    """Where Ansible keeps modules with all that they import, ready to be sent (executor/module_common.py)."""
    from ansible import constants

    return Path(constants.DEFAULT_LOCAL_TMP) / "ansiballz_cache"


def _share_packed_modules(argv: Sequence[str]) -> None:
    """Take Ansible's own modules as others have packed them, and leave there at the end what was packed here.

    Not where somebody brings module_utils: theirs may stand for Ansible's, in every module.
    """
    from ansible import constants

    if _loaded is None:
        return
    playbook_folder = Path(argv[-1]).parent if Path(argv[0]).name == "ansible-playbook" else Path()
    places = [playbook_folder, *(Path(each) for each in constants.DEFAULT_ROLES_PATH), playbook_folder / "roles"]
    if any(True for place in places for _ in (*place.glob("module_utils"), *place.glob("*/module_utils"))):
        return
    ours, shared = _packed_modules(), _loaded.packed
    ours.mkdir(parents=True, exist_ok=True)
    _link_modules(shared, ours)
    atexit.register(_link_modules, ours, shared)


def _link_modules(source: Path, target: Path) -> None:
    for path in source.glob("ansible.modules.*"):
        if path.suffix != ".lock" and not path.name.endswith("-part"):
            with suppress(OSError):  # there already, or no place for it: it is packed when it is needed
                os.link(path, target / path.name)


def _run(program: str, argv: Sequence[str]) -> int:
    if program == "ansible":
        from ansible.cli.adhoc import AdHocCLI

        return _code(AdHocCLI, argv)
    from ansible.cli.playbook import PlaybookCLI

    return _code(PlaybookCLI, argv)


def _code(cli: Any, argv: Sequence[str]) -> int:
    """The exit code of an Ansible program; its `cli_executor` ends with SystemExit."""
    try:
        cli.cli_executor(list(argv))
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def _end(code: int) -> None:
    """As the interpreter ends: what was registered for it, then what is still to be written."""
    try:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
