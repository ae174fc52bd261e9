"""The secrets of a run."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.entrance.root_keys import RootKeys
from local_cloud.shared.errors import LocalCloudError

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNTS = st.from_regex(r"[0-9]{12}", fullmatch=True)
SEEDS = st.binary(min_size=32, max_size=32)


@given(seed=SEEDS, account=ACCOUNTS)
def test_an_account_is_known_by_its_key(seed: bytes, account: str) -> None:
    keys = RootKeys(seed)

    assert keys.account_of(keys.access_key(account)) == account
    # What botocore's model of IAM allows.
    assert re.fullmatch(r"\w{16,128}", keys.access_key(account))


@given(seeds=st.lists(SEEDS, min_size=2, max_size=2, unique=True), account=ACCOUNTS)
def test_another_run_has_other_keys(seeds: list[bytes], account: str) -> None:
    one, other = map(RootKeys, seeds)

    assert other.account_of(one.access_key(account)) is None
    assert one.secret_key(account) != other.secret_key(account)
    assert one.token != other.token


@given(seed=SEEDS, accounts=st.lists(ACCOUNTS, min_size=2, max_size=2, unique=True))
def test_an_account_does_not_have_anothers_secret(seed: bytes, accounts: list[str]) -> None:
    keys = RootKeys(seed)

    assert len({keys.token, *map(keys.secret_key, accounts)}) == 3


@given(
    seed=SEEDS,
    text=st.one_of(st.text(), ACCOUNTS, st.just("test"), ACCOUNTS.map(lambda each: f"LOCAL{each}{'0' * 16}")),
)
def test_no_other_text_is_a_roots_key(seed: bytes, text: str) -> None:
    assert RootKeys(seed).account_of(text) is None


def test_they_are_kept_for_their_owner_alone_whatever_was_there(tmp_path: Path) -> None:
    file, others = tmp_path / "keys.json", tmp_path / "others"
    others.write_text("somebody else's")
    others.chmod(0o666)
    file.symlink_to(others)

    made = RootKeys.create(file)

    assert stat.S_IMODE(file.lstat().st_mode) == 0o600
    assert others.read_text() == "somebody else's"
    assert RootKeys.read(file) == made


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"seed": 1}', '{"seed": "x"}'])
def test_a_damaged_file_is_told_in_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.json").write_text(text)

    with pytest.raises(LocalCloudError, match="does not hold the keys of a local cloud"):
        RootKeys.read(tmp_path / "keys.json")


def test_a_missing_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match="cannot be read: No such file"):
        RootKeys.read(tmp_path / "keys.json")
