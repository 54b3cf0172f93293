"""Ansible's side of the recorder: hands what Ansible tells its callbacks to selfservice.terminal.

Loaded by any ansible-playbook that reads this checkout's ansible.cfg, also one of another Python; so nothing of
Selfservice is imported before it is known that there is something to record.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible import context
from ansible.plugins.callback import CallbackBase

if TYPE_CHECKING:
    from selfservice.terminal.recorder import Recorder

DOCUMENTATION = """
    name: selfservice_recorder
    type: notification
    short_description: Records this run as the dashboard records its own
    description:
        - Writes what ansible-playbook does in a terminal to Selfservice's artifacts/, while it happens.
"""

_CHECKOUT = str(Path(__file__).resolve().parents[3])


def _harmless(method: Callable[..., None]) -> Callable[..., None]:
    """Whatever goes wrong with recording, the playbook goes on, and the person is told once."""

    @functools.wraps(method)
    def wrapped(self: CallbackModule, *arguments: Any, **named: Any) -> None:
        if self.recorder is None:
            return
        try:
            method(self, self.recorder, *arguments, **named)
        except Exception as error:
            self.recorder.give_up(f"a fault of the recorder: {type(error).__name__}: {error}")
        self.disabled = self.recorder.given_up

    return wrapped


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Told by Ansible, in its process, after the callback that prints."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "selfservice_recorder"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Record, unless a run of the dashboard is what is running here."""
        super().__init__(*arguments, **named)
        self.recorder = None if "SELFSERVICE_RUN_ID" in os.environ else _recorder()
        self.disabled = self.recorder is None

    @_harmless
    def v2_playbook_on_start(self, recorder: Recorder, playbook: Any) -> None:
        """A playbook begins."""
        recorder.playbook_started(playbook)

    @_harmless
    def v2_playbook_on_play_start(self, recorder: Recorder, play: Any) -> None:
        """A play begins."""
        recorder.play_started(play)

    @_harmless
    def v2_playbook_on_task_start(self, recorder: Recorder, task: Any, is_conditional: bool) -> None:
        """A task begins."""
        recorder.add(recorder.events.task_started(task, recorder.lines(), is_conditional=is_conditional))

    @_harmless
    def v2_playbook_on_handler_task_start(self, recorder: Recorder, task: Any) -> None:
        """A handler begins."""
        recorder.add(recorder.events.task_started(task, recorder.lines(), is_conditional=True))

    @_harmless
    def v2_runner_on_start(self, recorder: Recorder, host: Any, task: Any) -> None:
        """A host begins a task."""
        recorder.add(recorder.events.host_started(host, task, recorder.lines()))

    @_harmless
    def v2_runner_on_ok(self, recorder: Recorder, result: Any) -> None:
        """A host has done a task."""
        recorder.add(recorder.events.result("runner_on_ok", result, recorder.lines()))

    @_harmless
    def v2_runner_on_failed(self, recorder: Recorder, result: Any, ignore_errors: bool = False) -> None:
        """A host has failed at a task."""
        event = recorder.events.result("runner_on_failed", result, recorder.lines(), ignore_errors=ignore_errors)
        recorder.add(event)

    @_harmless
    def v2_runner_on_skipped(self, recorder: Recorder, result: Any) -> None:
        """A host had no need of a task."""
        recorder.add(recorder.events.result("runner_on_skipped", result, recorder.lines()))

    @_harmless
    def v2_runner_on_unreachable(self, recorder: Recorder, result: Any) -> None:
        """A host does not answer."""
        recorder.add(recorder.events.result("runner_on_unreachable", result, recorder.lines()))

    @_harmless
    def v2_runner_item_on_ok(self, recorder: Recorder, result: Any) -> None:
        """One item of a loop is done."""
        recorder.add(recorder.events.result("runner_item_on_ok", result, recorder.lines()))

    @_harmless
    def v2_runner_item_on_failed(self, recorder: Recorder, result: Any) -> None:
        """One item of a loop has failed."""
        recorder.add(recorder.events.result("runner_item_on_failed", result, recorder.lines()))

    @_harmless
    def v2_runner_item_on_skipped(self, recorder: Recorder, result: Any) -> None:
        """One item of a loop was not needed."""
        recorder.add(recorder.events.result("runner_item_on_skipped", result, recorder.lines()))

    @_harmless
    def v2_runner_retry(self, recorder: Recorder, result: Any) -> None:
        """A task is tried again."""
        recorder.add(recorder.events.result("runner_retry", result, recorder.lines()))

    @_harmless
    def v2_playbook_on_notify(self, recorder: Recorder, handler: Any, host: Any) -> None:
        """A handler is to run at the end."""
        recorder.add(recorder.events.notified(handler, host, recorder.lines()))

    @_harmless
    def v2_playbook_on_no_hosts_matched(self, recorder: Recorder) -> None:
        """A play has no hosts."""
        recorder.add(recorder.events.plain("playbook_on_no_hosts_matched", recorder.lines()))

    @_harmless
    def v2_playbook_on_no_hosts_remaining(self, recorder: Recorder) -> None:
        """All hosts of a play have failed."""
        recorder.add(recorder.events.plain("playbook_on_no_hosts_remaining", recorder.lines()))

    @_harmless
    def v2_playbook_on_stats(self, recorder: Recorder, stats: Any) -> None:
        """A playbook has ended."""
        recorder.add(recorder.events.ended(stats, recorder.lines()))


def _recorder() -> Recorder | None:
    """A recorder, or None where there can be none; the person is told why."""
    write = sys.stderr.write  # before the recorder listens to it: a warning is no output of the playbook

    def warn(why: str) -> None:
        write(f"[WARNING]: Selfservice does not record this run: {why}\n")

    if sys.version_info < (3, 11):  # noqa: UP036 - Ansible's Python need not be that of the service
        warn(f"it needs Python 3.11, and this ansible-playbook has {sys.version.split()[0]}.")
        return None
    sys.path.append(_CHECKOUT)
    try:
        from selfservice import settings
        from selfservice.terminal.recorder import Recorder

        return Recorder(settings.load(), context.CLIARGS, warn)
    except Exception as error:
        warn(str(error))
        return None
    finally:
        sys.path.remove(_CHECKOUT)
