"""Keys are made once and read by nobody else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from selfservice.settings import Settings
from selfservice.web.keys import secret_key


def test_a_key_is_made_once_with_mode_0600(settings: Settings) -> None:
    first = secret_key(settings)
    assert secret_key(settings) == first
    assert (settings.instance / "secret_key").stat().st_mode & 0o777 == 0o600


def test_many_starting_at_once_get_the_same_key(settings: Settings) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: secret_key(settings), range(64)))
    assert len(keys) == 1
    assert [path.name for path in settings.instance.iterdir() if "key" in path.name] == ["secret_key"]
