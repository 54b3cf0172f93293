"""The commands that use a dashboard, as a person types them: against a master, in a terminal and out of one."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from selfservice.settings import CHECKOUT
from tests.ports import free_port
from tests.system import master as masters
from tests.system.conftest import wait_for
from tests.system.master import Master

INVENTORY = """\
all:
  hosts:
    master:
      ansible_connection: local
      ansible_python_interpreter: "{{ ansible_playbook_python }}"
    gone:
      ansible_host: 127.0.0.77
"""


@dataclass
class Person:
    """Somebody with a home of their own and a token."""

    home: Path
    master: Master
    token: str

    @property
    def environment(self) -> dict[str, str]:
        # Nor the width of the terminal in which the tests run.
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("SELFSERVICE_") and name not in ("COLUMNS", "LINES")
        }
        return {**inherited, "XDG_CONFIG_HOME": str(self.home), "TERM": "xterm-256color", "TZ": "UTC"}

    def types(self, *words: str, typed: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """What the command answers where no terminal is."""
        return subprocess.run(
            [sys.executable, "run.py", *words], cwd=CHECKOUT, env={**self.environment, **environment},
            input=typed, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    def is_offered(self, *words: str, **environment: str) -> list[str]:
        """What the shell offers at Tab behind the last of `words`."""
        asked = {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
        done = self.types(_RUN_PY_COMPLETE="bash_complete", **asked, **environment)
        return [line.split(",", 1)[1] for line in done.stdout.splitlines() if line]

    def starts(self, command: str) -> str:
        """The id of a run of it, started and not waited for."""
        return self.types("command", command, "--hosts", "master", "--no-wait").stdout.strip()


class Terminal:
    """A terminal in which one command runs."""

    def __init__(self, person: Person, *words: str, columns: int = 80) -> None:
        self.screen = b""
        pid, self._end = pty.fork()
        if pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))  # before anybody asks
            os.chdir(CHECKOUT)
            os.execve(sys.executable, [sys.executable, "run.py", *words], person.environment)
        self.pid = pid

    def until(self, text: str, seconds: float = 60) -> None:
        """Wait until the screen has shown `text`."""
        deadline = time.monotonic() + seconds
        while text.encode() not in self.screen:
            assert time.monotonic() < deadline and self._read(), self.screen.decode()

    def types(self, text: str) -> None:
        os.write(self._end, text.encode())

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._end)[3] & termios.ECHO)

    def ends(self) -> int:
        """Its exit code, when it has ended."""
        while self._read():
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self._end)
        return os.waitstatus_to_exitcode(status)

    def _read(self) -> bool:
        if not select.select([self._end], [], [], 60)[0]:
            return False
        try:
            content = os.read(self._end, 65536)
        except OSError:  # nobody has the other end open any more
            return False
        self.screen += content
        return bool(content)


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Master]:
    started = masters.start(tmp_path_factory.mktemp("master"), INVENTORY)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def token(master: Master) -> str:
    return master.command("token", "create", "--name", "alice", "--scope", "administer").split()[-1]


@pytest.fixture
def alice(master: Master, token: str, tmp_path: Path) -> Person:
    person = Person(tmp_path, master, token)
    assert person.types("login", master.url, "--name", "here", typed=f"{token}\n").returncode == 0
    return person


def test_a_login_in_a_terminal_asks_without_echo_and_is_kept_for_its_owner(
    master: Master, token: str, tmp_path: Path
) -> None:
    person = Person(tmp_path, master, token)
    terminal = Terminal(person, "login", master.url)
    terminal.until("Token: ")
    wait_for(lambda: not terminal.echoes())
    terminal.types(f"{token}\n")
    assert terminal.ends() == 0
    assert token.encode() not in terminal.screen
    (kept,) = tmp_path.rglob("dashboards.json")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert person.types("runs").returncode == 0


def test_a_wrong_token_is_not_kept(master: Master, token: str, tmp_path: Path) -> None:
    person = Person(tmp_path, master, token)
    done = person.types("login", master.url, typed="wrong\n")
    assert done.returncode == 2
    assert "does not accept the token" in done.stderr
    assert "You are not logged in" in person.types("runs").stderr


def test_ci_needs_no_login(master: Master, token: str, tmp_path: Path) -> None:
    nobody = Person(tmp_path, master, token)
    done = nobody.types("runs", SELFSERVICE_URL=master.url, SELFSERVICE_TOKEN=token)
    assert (done.returncode, done.stderr) == (0, "")


def test_several_dashboards_are_told_apart_by_name(alice: Person) -> None:
    alice.types("login", alice.master.url, "--name", "there", typed=f"{alice.token}\n")
    listed = json.loads(alice.types("dashboards", "--json").stdout)["dashboards"]
    assert [(each["name"], each["current"]) for each in listed] == [("here", False), ("there", True)]
    assert alice.types("runs", "--dashboard", "here").returncode == 0
    refused = alice.types("runs", "--dashboard", "nowhere")
    assert (refused.returncode, refused.stderr) == (
        2,
        "selfservice: No dashboard is called “nowhere” here (known: here, there); `selfservice login` adds one.\n",
    )
    assert alice.types("logout").returncode == 0
    assert alice.types("dashboards").stdout.splitlines()[1].split("\t")[::2] == ["here", "yes"]


def test_a_command_ends_with_the_code_of_its_run(alice: Person) -> None:
    done = alice.types("command", "echo it works", "--hosts", "master")
    assert done.returncode == 0
    assert done.stdout.endswith("rc=0 >>\nit works\n")
    assert done.stderr.endswith("\nSuccessful.\n")
    failed = alice.types("command", "false", "--hosts", "master")
    assert (failed.returncode, failed.stderr.splitlines()[-1]) == (2, "Failed: Of 1 host: failed on master.")
    assert alice.types("command", "id", "--hosts", "gone").returncode == 4


def test_an_operation_runs_with_its_variables(alice: Person, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "a file").mkdir(parents=True)
    done = alice.types("run", "list_folder", "--hosts", "master", "-e", f"folder={folder}")
    assert done.returncode == 0, done.stderr
    assert "a file" in done.stdout
    (tmp_path / "variables.json").write_text(json.dumps({"folder": str(folder), "hidden": True}))
    checked = alice.types("run", "list_folder", "--hosts=master", "--check", f"-e@{tmp_path}/variables.json")
    assert checked.returncode == 0, checked.stderr
    assert json.loads(alice.types("runs", "--json", "--limit", "1").stdout)["runs"][0]["is_check"] is True


@pytest.mark.parametrize(
    "words, sentence",
    [
        (("command", "id", "--hosts", "nowhere"), "No host or group is called 'nowhere'."),
        (("run", "no_such", "--hosts", "master"), "no_such"),
        (("run", "ping"), "Say on which hosts ping shall run: --hosts PATTERN."),
        (("run", "list_folder", "--hosts", "master", "-e", "colour=red"), "has no such variable"),
        (("run", "ping", "--hosts", "master", "-e", "colour"), "“colour” is no variable"),
        (("run", "ping", "--hosts", "master", "-e", "@/nowhere"), "cannot be read"),
        (("logs", "no-run"), "is not the id of a run"),
        (("cancel", "../runs"), "nothing at this address"),
        (("audit", "--since", "yesterday"), "is no date"),
        (("login", "http://192.0.2.1"), "unencrypted"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_code_2(alice: Person, words: tuple[str, ...], sentence: str) -> None:
    done = alice.types(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert done.stderr.startswith("selfservice: ")
    assert done.stderr.count("\n") == 1


def test_a_dashboard_that_is_not_there_is_one_sentence(alice: Person) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = alice.types("runs", SELFSERVICE_URL=url, SELFSERVICE_TOKEN="x")
    assert (done.returncode, done.stderr) == (2, f"selfservice: {url} cannot be reached, or the connection broke.\n")


def test_a_run_that_nobody_waited_for_is_followed_later_and_canceled(alice: Person) -> None:
    run_id = alice.starts("sleep 300")
    assert alice.types("cancel", run_id).returncode == 0
    done = alice.types("logs", "-f", run_id)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (130, "Canceled by admin/alice.")
    again = alice.types("cancel", run_id)
    assert (again.returncode, again.stderr) == (2, "selfservice: sleep 300 has already ended: canceled.\n")


def test_logs_show_all_of_a_long_output_and_stop_where_nobody_reads_on(alice: Person) -> None:
    done = alice.types("command", "seq 400000", "--hosts", "master")
    assert done.stdout.splitlines()[-1] == "400000"
    run_id = json.loads(alice.types("runs", "--json", "--limit", "1").stdout)["runs"][0]["id"]
    assert alice.types("logs", run_id).stdout == done.stdout
    head = subprocess.run(
        f"{sys.executable} run.py logs {run_id} | head -n 1", shell=True, cwd=CHECKOUT, env=alice.environment,
        capture_output=True, text=True,
    )  # fmt: skip
    assert head.stderr == ""
    assert head.stdout == done.stdout.splitlines()[0] + "\n"


def test_listings_are_tables_with_tabs_or_one_json_document(alice: Person) -> None:
    run_id = alice.starts("sleep 300")
    alice.types("cancel", run_id)
    for words, member in (
        (("runs",), "runs"), (("operations",), "operations"), (("nodes",), "nodes"),
        (("audit", "--since", "2020-01-01"), "actions"), (("dashboards",), "dashboards"),
    ):  # fmt: skip
        document = json.loads(alice.types(*words, "--json").stdout)
        head, *lines = alice.types(*words).stdout.splitlines()
        assert len(lines) == len(document[member]) > 0, words
        assert {line.count("\t") for line in lines} == {head.count("\t")}, words
    assert alice.types("nodes").stdout.splitlines()[1].split("\t")[0] == "master"


def test_a_table_fits_its_terminal(alice: Person) -> None:
    alice.types("cancel", alice.starts(f"sleep 300{' ' * 100}# a long command, longer than any terminal is wide"))
    terminal = Terminal(alice, "runs", columns=60)
    assert terminal.ends() == 0
    lines = terminal.screen.decode().replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()
    assert max(len(line) for line in lines) <= 60
    assert any("…" in line for line in lines)


def test_a_terminal_sees_output_live_and_in_colour(alice: Person) -> None:
    terminal = Terminal(alice, "run", "ping", "--hosts", "master")
    terminal.until("PLAY [Ping]")
    assert terminal.ends() == 0
    assert b"\x1b[0;32mok: [master]\x1b[0m" in terminal.screen
    assert terminal.screen.endswith(b"Successful.\r\n")


def test_ctrl_c_asks_and_yes_cancels(alice: Person, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    terminal = Terminal(alice, "command", "--shell", f"touch {begun}; sleep 300", "--hosts", "master")
    wait_for(begun.exists)
    terminal.types("\x03")
    terminal.until("Cancel the run?")
    terminal.types("y\n")
    assert terminal.ends() == 130
    assert terminal.screen.endswith(b"Canceled by admin/alice.\r\n")


def test_ctrl_c_and_no_goes_on_to_the_end(alice: Person, tmp_path: Path) -> None:
    waits = f"while [ ! -e {tmp_path}/go ]; do sleep 0.1; done; echo went on"
    terminal = Terminal(alice, "command", "--shell", waits, "--hosts", "master")
    terminal.until("/runs/")
    terminal.types("\x03")
    terminal.until("Cancel the run?")
    terminal.types("n\n")
    (tmp_path / "go").touch()
    assert terminal.ends() == 0
    assert terminal.screen.endswith(b"went on\x1b[0m\r\n\x1b[0mSuccessful.\r\n")


def test_a_second_ctrl_c_leaves_the_run_running(alice: Person) -> None:
    terminal = Terminal(alice, "command", "sleep 300", "--hosts", "master")
    terminal.until("/runs/")
    terminal.types("\x03")
    terminal.until("Cancel the run?")
    terminal.types("\x03")
    assert terminal.ends() == 130
    assert b"The run goes on" in terminal.screen
    (run,) = going_on(alice)
    assert alice.types("cancel", run).returncode == 0


def test_ctrl_c_while_only_following_never_asks(alice: Person) -> None:
    run_id = alice.starts("sleep 300")
    terminal = Terminal(alice, "logs", "-f", run_id)
    terminal.until("/runs/")
    terminal.types("\x03")
    assert terminal.ends() == 130
    assert b"Cancel the run?" not in terminal.screen
    assert going_on(alice) == [run_id]
    alice.types("cancel", run_id)


def test_where_nobody_can_be_asked_an_interrupt_leaves_the_run_running(alice: Person) -> None:
    process = subprocess.Popen(
        [sys.executable, "run.py", "command", "sleep 300", "--hosts", "master"], cwd=CHECKOUT, env=alice.environment,
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    run_id = process.stderr.readline().split()[1].rstrip(":")
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert (process.returncode, told) == (
        130,
        f"\nThe run goes on; `selfservice logs -f {run_id}` follows it.\n",
    )
    alice.types("cancel", run_id)


def test_a_restart_of_the_master_is_survived_and_nothing_is_lost_or_shown_twice(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    master = masters.start(home, INVENTORY)
    try:
        token = master.command("token", "create", "--name", "alice", "--scope", "administer").split()[-1]
        person = Person(tmp_path, master, token)
        person.types("login", master.url, typed=f"{token}\n")
        waits = f"echo before; while [ ! -e {tmp_path}/go ]; do sleep 0.1; done; echo after"
        process = subprocess.Popen(
            [sys.executable, "run.py", "command", "--shell", waits, "--hosts", "master"], cwd=CHECKOUT,
            env=person.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stderr is not None
        process.stderr.readline()
        wait_for(lambda: going_on(person, "running"))
        master.stop()
        assert "Trying again; the run goes on meanwhile." in process.stderr.readline()
        master = masters.start(home, SELFSERVICE_PORT=master.environment["SELFSERVICE_PORT"])
        (tmp_path / "go").touch()
        out, told = process.communicate(timeout=60)
        assert (process.returncode, told) == (0, "The connection is back.\nSuccessful.\n")
        assert out.endswith(">>\nbefore\nafter\n")
    finally:
        if master.process.poll() is None:
            master.stop()


def test_the_shell_completes_operations_hosts_and_runs(alice: Person) -> None:
    run_id = alice.starts("true")

    assert alice.is_offered("run.py", "run", "pin") == ["ping"]
    assert alice.is_offered("run.py", "command", "id", "--hosts", "mas") == ["master"]
    assert alice.is_offered("run.py", "logs", run_id[:-1]) == [run_id]
    alice.types("logout")
    assert alice.is_offered("run.py", "run", "pin") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_each_shell(alice: Person, shell: str) -> None:
    assert f"_SELFSERVICE_COMPLETE={shell}_complete" in alice.types("completion", shell).stdout


def going_on(person: Person, *states: str) -> list[str]:
    """The runs that have not ended."""
    found = []
    for state in states or ("queued", "running"):
        found += json.loads(person.types("runs", "--state", state, "--json").stdout)["runs"]
    return [run["id"] for run in found]
