"""Ansible's way in: a callback plugin that hands everything to `selfservice.terminal.recorder`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: selfservice_record
type: notification
short_description: Records a playbook that is run by hand
description:
  - Makes an C(ansible-playbook) call a run of the dashboard, with its output, events and result in C(artifacts/).
  - Where that cannot be, the playbook runs all the same and one warning says why.
"""

CHECKOUT = Path(__file__).resolve().parents[3]


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Passes on what happens; never stands in the playbook's way."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "selfservice_record"
    #: Being in the folder that ansible.cfg names is enough. The dashboard's own runs have another folder.
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self) -> None:
        """Does nothing inside a run of the dashboard, which records by itself."""
        super().__init__()
        self.disabled = "SELFSERVICE_RUN_ID" in os.environ
        self._recorder: Any = None

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """A playbook begins."""
        try:
            sys.path.insert(0, str(CHECKOUT))
            from selfservice.terminal.recorder import Recorder

            self._recorder = Recorder(self._warn)
        except Exception as error:  # another Python, a broken checkout: the playbook matters more
            self._warn(error)
        finally:
            sys.path.remove(str(CHECKOUT))
        self._pass_on("playbook_started", playbook)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """A play begins."""
        self._pass_on("play_started", play)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """A task begins."""
        self._pass_on("task_started", task)

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """A handler begins."""
        self._pass_on("task_started", task)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """A host begins a task."""
        self._pass_on("host_started", host, task)

    def v2_runner_on_ok(self, result: Any) -> None:
        """A host has done a task."""
        self._pass_on("host_done", "runner_on_ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A host has failed at a task."""
        self._pass_on("host_done", "runner_on_failed", result, ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """A host cannot be reached."""
        self._pass_on("host_done", "runner_on_unreachable", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """A host has left a task out."""
        self._pass_on("host_done", "runner_on_skipped", result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """The playbook is done."""
        self._pass_on("playbook_done", stats)

    def _pass_on(self, what: str, *about: Any) -> None:
        if self._recorder is None:
            return
        try:
            getattr(self._recorder, what)(*about)
        except Exception as error:  # whatever is wrong with the record, the playbook goes on
            self._recorder.give_up()
            self._warn(error)

    def _warn(self, error: Exception) -> None:
        """Say once why there is no record (any more)."""
        self._recorder = None
        reason = getattr(error, "sentence", None) or f"{type(error).__name__}: {error}"
        self._display.warning(f"This call is not recorded in the dashboard: {reason}")
