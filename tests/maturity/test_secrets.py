"""A secret in the settings is refused without being repeated."""

from __future__ import annotations

from pathlib import Path

import pytest
from maturity.test_bad_settings import read, with_line

from terrace.errors import SettingsError


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("terrace:dataClass: {secure: v1:hunter2}", "terrace:dataClass is a secret"),
        ("terrace:packages: {source: index, index: {secure: v1:hunter2}}", "terrace:packages.index is a secret"),
        ("terrace:packages: {secure: v1:hunter2}", "terrace:packages is a secret"),
        ("terrace:packages: {source: index, index: 'https://me:hunter2@host.example/simple'}", "must be an https URL"),
    ],
)
def test_a_secret_is_refused_and_not_repeated(tmp_path: Path, line: str, says: str) -> None:
    """An encrypted value, or a password in a URL, is refused by key; the message has no part of it."""
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, with_line(line))
    assert says in str(refused.value)
    assert "hunter2" not in str(refused.value)
