"""Compiled templates are kept between starts, and nothing depends on it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from selfservice.web.compiled_templates import CompiledTemplates


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "templates"


def environment(folder: Path, text: str = "Hello {{ name }}") -> Environment:
    return Environment(loader=DictLoader({"page": text}), bytecode_cache=CompiledTemplates(folder), autoescape=True)


@pytest.fixture
def compiling(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    compiled: list[str] = []
    real = Environment._compile

    def compile_and_note(self: Environment, source: str, filename: str) -> object:
        compiled.append(filename)
        return real(self, source, filename)

    monkeypatch.setattr(Environment, "_compile", compile_and_note)
    yield compiled


def test_the_next_start_compiles_nothing(folder: Path, compiling: list[str]) -> None:
    assert environment(folder).get_template("page").render(name="Alice") == "Hello Alice"
    assert len(compiling) == 1
    assert environment(folder).get_template("page").render(name="Bob") == "Hello Bob"
    assert len(compiling) == 1


def test_a_changed_template_is_compiled_anew(folder: Path) -> None:
    environment(folder).get_template("page")
    assert environment(folder, "Bye {{ name }}").get_template("page").render(name="Alice") == "Bye Alice"


@pytest.mark.parametrize("content", [b"", b"j2", b"\0" * 4096])
def test_a_torn_one_is_compiled_anew(folder: Path, content: bytes) -> None:
    environment(folder).get_template("page")
    (kept,) = folder.iterdir()
    kept.write_bytes(content)
    assert environment(folder).get_template("page").render(name="Alice") == "Hello Alice"


def test_half_of_one_is_compiled_anew(folder: Path) -> None:
    environment(folder).get_template("page")
    (kept,) = folder.iterdir()
    kept.write_bytes(kept.read_bytes()[: kept.stat().st_size // 2])
    assert environment(folder).get_template("page").render(name="Alice") == "Hello Alice"


def test_where_none_can_be_kept_pages_are_shown_all_the_same(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    pages = environment(folder)
    folder.rmdir()
    with caplog.at_level(logging.WARNING):
        assert pages.get_template("page").render(name="Alice") == "Hello Alice"
    assert "is not kept" in caplog.text


def test_what_a_kill_left_goes_at_the_next_start(folder: Path) -> None:
    folder.mkdir()
    (folder / "__jinja2_1.cache_x.tmp").touch()
    CompiledTemplates(folder)
    assert list(folder.iterdir()) == []


def test_nobody_else_may_write_there(folder: Path) -> None:
    CompiledTemplates(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
