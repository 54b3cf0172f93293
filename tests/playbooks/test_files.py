"""Copying files and running scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.playbooks.conftest import Operation, Play, together

CHECK = ("--check", "--diff")


def test_copying_a_file(play: Play, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("new\n")
    target.write_text("old\n")
    copy = Operation("copy_file", {"source_file": str(source), "target": str(target), "file_mode": "0600"})
    foreseen = play(copy, switches=CHECK)
    assert (foreseen.changed, target.read_text()) == ([1], "old\n"), foreseen.output
    assert "+new" in foreseen.output
    played = play(copy, copy)
    assert (played.rc, played.changed) == (0, [1, 0]), played.output
    assert (target.read_text(), target.stat().st_mode & 0o777) == ("new\n", 0o600)
    assert [path.read_text() for path in tmp_path.glob("target.*~")] == ["old\n"]


def test_running_scripts(play: Play, tmp_path: Path) -> None:
    made, script = tmp_path / "made", tmp_path / "script"
    script.write_text("echo from a file\n")
    typed: dict[str, Any] = {
        "script_text": f'echo "{{{{ $1 }}}}" > {made}; echo done; ls $0', "arguments": ["it's $HOME; {# x"],
    }  # fmt: skip
    literal = {name: _literal(value) for name, value in typed.items()}
    by_text = Operation("run_script", literal)
    by_file = Operation("run_script", {"source": "file", "script_file": str(script)})
    foreseen = play(by_text, by_file, switches=CHECK)
    assert (foreseen.rc, foreseen.changed, made.exists()) == (0, [1, 1], False), foreseen.output
    assert f"/bin/sh would run {script}." in foreseen.output
    typed_one, other = together(lambda: play(by_text), lambda: play(by_file))
    assert (typed_one.rc, typed_one.changed) == (0, [1]), typed_one.output
    assert made.read_text() == "{{ it's $HOME; {# x }}\n"
    assert "from a file" in other.output
    place = next(line for line in typed_one.output.splitlines() if "selfservice-" in line).strip(' ",')
    assert not Path(place).exists()


def _literal(value: Any) -> Any:
    """What a person typed, as the program hands it over: never a template."""
    if isinstance(value, list):
        return [_literal(each) for each in value]
    return value if "{" not in value else f"{{% raw %}}{value}{{% endraw %}}"
