"""What commands read when they are run within the test."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.crypto import new_master_key

PointAt = Callable[..., None]


@pytest.fixture
def point_at(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PointAt:
    """Return what points commands at this test's database; further variables may be given."""

    def point(**more: str) -> None:
        values = {
            "PARKER_DATABASE_URL": database_url,
            "PARKER_MASTER_KEYS": new_master_key("k1"),
            "PARKER_HMAC_SECRET": "s" * 40,
            "PARKER_STATE_DIR": str(tmp_path),
            "PARKER_KEYS_DIR": str(tmp_path / "keys"),
            "PARKER_ENV_FILE": "",
        }
        for name, value in (values | more).items():
            monkeypatch.setenv(name, value)

    return point
