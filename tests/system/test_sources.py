"""A real run of a playbook on hosts, both of a repository's commit: a sync changes nothing under it."""

from __future__ import annotations

from collections.abc import Callable

from selfservice.audit.actions import Actor
from selfservice.audit.journal import Journal
from selfservice.files.models import RepositoryKind
from selfservice.files.registry import Plan, Registry
from selfservice.files.repository import NewCommit, Write
from selfservice.files.sources import Sources, Use
from selfservice.nodes.inventory import Inventory
from selfservice.operations.operations import Operations, Order
from selfservice.runs.run import State
from selfservice.store.database import Database
from tests.files import cast
from tests.records import make_tables
from tests.system.conftest import Node, wait_for
from tests.system.test_operations import Alice
from tests.system.test_slow import LOCAL

ROOT = Actor("root", "terminal", "local")
HOSTS = "[web]\nr-1 ansible_connection=local ansible_python_interpreter={{ansible_playbook_python}} words=%s\n"
PLAY = """- hosts: web
  gather_facts: false
  tasks:
    - ansible.builtin.command: sh -c 'touch %(flag)s.started; while [ ! -e %(flag)s ]; do sleep 0.05; done'
    - ansible.builtin.import_tasks: later.yml
"""


def later(words: str) -> Write:
    return Write("later.yml", f"- ansible.builtin.debug: {{msg: 'host {{{{ words }}}}, file {words}'}}\n".encode())


def test_a_run_keeps_the_commit_it_began_with(make_node: Callable[..., Node]) -> None:
    node = make_node(LOCAL)
    settings, flag = node.settings, node.settings.home / "go-on"
    make_tables(settings)
    database, journal = Database(settings), Journal(settings.audit, settings.node_name)
    registry = Registry(settings, database, journal)
    record = registry.create(Plan("shop", "Shop", RepositoryKind.LOCAL, "shop.git"), ROOT)
    files = (Write("hosts", (HOSTS % "first").encode()), Write("site.yml", (PLAY % {"flag": flag}).encode()))
    repository = registry.open(record)
    first = repository.commit(NewCommit("main", "", (*files, later("first")), "First", cast.ALICE))
    sources = Sources(settings, database, journal, registry)
    sources.mark(record, Use("main", inventory="hosts"), ROOT)
    assert sources.sync(record, ROOT).commit == first
    inventory = Inventory(settings.inventory, sources.inventories)
    operations = Operations(settings, inventory, node.runs, sources)
    node.start_executor()

    run = operations.launch(Order("shop.site", "shop"), ROOT, Alice())
    wait_for(flag.with_name("go-on.started").exists)
    second = cast.change(repository, Write("hosts", (HOSTS % "second").encode()), later("second"))
    assert sources.sync(record, ROOT).commit == second
    flag.touch()
    assert node.finish(run).state is State.SUCCESSFUL, node.output(run)
    assert "host first, file first" in node.output(run)
    assert node.runs.get(run.id)[0].request.sources == {"shop": first}

    again = operations.launch(Order("shop.site", "shop"), ROOT, Alice())
    assert node.finish(again).state is State.SUCCESSFUL
    assert "host second, file second" in node.output(again)
    assert node.runs.get(again.id)[0].request.sources == {"shop": second}
    database.close()
