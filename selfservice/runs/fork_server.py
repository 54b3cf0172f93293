"""The process that runs fork from: Ansible is loaded in it already.

It belongs to one executor and ends with it. The forks do not: each is a run's process like one that
was started anew, in a session of its own.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys

from selfservice import logs
from selfservice import settings as settings_module
from selfservice.runs import ansible, process, processes, warm_ansible
from selfservice.runs.fork_client import LONGEST_MESSAGE, PLACEHOLDER, READY
from selfservice.settings import Settings

log = logging.getLogger(__name__)

_REAP_SECONDS = 5


def serve(settings: Settings, connection: socket.socket) -> None:
    """Load Ansible, say so, and fork a process for each run id that is sent, until nobody is there to send one.

    The answer to an id is a pid and, beside it, its pidfd. No answer but the end: ansible.cfg has changed.
    """
    folder = settings.instance / "cache" / "ansible"  # whatever a killed server leaves there goes at the next start
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    warm_ansible.load(ansible.program_environment(settings, PLACEHOLDER, folder), folder)
    connection.settimeout(_REAP_SECONDS)
    connection.send(READY)
    while True:
        try:
            message, descriptors, _, _ = socket.recv_fds(connection, LONGEST_MESSAGE, 1)
        except TimeoutError:
            _reap()
            continue
        if not message or warm_ansible.is_stale():
            return
        _fork(settings, connection, message.decode(), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        _reap()


def _fork(settings: Settings, connection: socket.socket, run_id: str, stdin: list[int]) -> None:
    pid = os.fork()
    if pid == 0:
        _be_the_run(settings, connection, run_id, stdin)
    pidfd = os.pidfd_open(pid)  # nobody reaps it before `_reap`
    socket.send_fds(connection, [str(pid).encode()], [pidfd])
    os.close(pidfd)


def _be_the_run(settings: Settings, connection: socket.socket, run_id: str, stdin: list[int]) -> None:
    code = 1
    try:
        os.setsid()
        connection.close()
        for descriptor in stdin:
            os.dup2(descriptor, 0)
            os.close(descriptor)
        processes.rename(f"selfservice run {run_id}", run_id)
        code = process.take(settings, run_id)
    except BaseException:
        log.exception("the process of the run broke", extra={"run_id": run_id})
    finally:
        logging.shutdown()
        os._exit(code)


def _reap() -> None:
    """Let go of the forks that have ended; the executor knows them by their pidfd."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return


def main(descriptor: int) -> int:
    """Serve the executor at the other end of the socket `descriptor`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # typed in the executor's terminal: that one ends, and so does this
    settings = settings_module.load()
    logs.configure(settings)
    os.umask(0o077)
    gc.disable()  # until all is loaded
    with socket.socket(fileno=descriptor) as connection:
        try:
            serve(settings, connection)
        except warm_ansible.NotLoaded as error:
            log.error("Ansible cannot be loaded ahead: %s", error)
            return 1
        except (BrokenPipeError, ConnectionResetError):  # the executor is gone
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
