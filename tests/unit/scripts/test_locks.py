from __future__ import annotations

from pathlib import Path

import pytest

from scripts import locks

HASH = "    --hash=sha256:" + "0" * 64
MACHINE = locks.Machine("3.12", "aarch64-apple-darwin")
UV = """#!/bin/sh
for option; do case "$option" in --requirements=*) lock="${option#--requirements=}";; esac; done
for name in spam eggs; do
  if grep -q "^$name==" "$lock"; then
    echo "error: No solution found" >&2
    echo "  cause: Because $name==1 has no usable wheels and you require $name==1, so it cannot be done." >&2
    exit 1
  fi
done
if grep -q ^broken== "$lock"; then echo "error: the hashes of broken do not match" >&2; exit 1; fi
"""


@pytest.fixture
def fake_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A uv that finds no wheels of spam and eggs, and refuses broken."""
    program = tmp_path / "uv"
    program.write_text(UV)
    program.chmod(0o755)
    monkeypatch.setattr(locks, "UV", str(program))


@pytest.fixture
def uv_that_publishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A uv that answers what is compiled with one hash for each pin, and refuses pins that bring hashes along."""
    program = tmp_path / "uv"
    hashes = HASH.replace("\\", "")
    program.write_text(
        f"#!/bin/sh\nwhile read -r pin; do case $pin in *hash*) exit 1;; esac; echo \"$pin\"; echo '{hashes}'; done\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(locks, "UV", str(program))


def pin(name: str, version: str = "1") -> str:
    return f"{name}=={version} \\\n{HASH}\n"


def test_a_lock_is_read_as_pins_with_their_hashes() -> None:
    assert locks.pins(f"# made\n{pin('spam')}{pin('zope.event')}") == {
        "spam": pin("spam"),
        "zope.event": pin("zope.event"),
    }


def test_a_package_pinned_twice_by_markers_keeps_both_pins() -> None:
    old, new = (
        f"spam==1 ; python_full_version < '3.12' \\\n{HASH}\n",
        f"spam==2 ; python_full_version >= '3.12' \\\n{HASH}\n",
    )
    assert locks.pins(old + new) == {"spam": old + new}


def test_equal_pins_of_two_locks_are_asked_for_once() -> None:
    assert locks.lots({"a": {"x": pin("x")}, "b": {"x": pin("x"), "y": pin("y")}}) == [{"x": pin("x"), "y": pin("y")}]


def test_different_versions_of_a_package_are_asked_for_apart() -> None:
    one, other = pin("x"), pin("x", "2")
    assert locks.lots({"a": {"x": one}, "b": {"x": other}}) == [{"x": one}, {"x": other}]


@pytest.mark.usefixtures("fake_uv")
def test_every_package_without_a_wheel_is_named_and_not_the_first_alone() -> None:
    blocks = {name: pin(name) for name in ("eggs", "ham", "spam")}
    assert sorted(locks.without_wheel(blocks, MACHINE)) == ["eggs", "spam"]


@pytest.mark.usefixtures("fake_uv")
def test_another_refusal_is_told_with_the_machine() -> None:
    with pytest.raises(locks.LockError, match=r"Python 3\.12 on aarch64-apple-darwin: .*hashes of broken do not match"):
        locks.without_wheel({"broken": pin("broken")}, MACHINE)


@pytest.mark.usefixtures("fake_uv")
def test_what_lacks_a_wheel_is_told_for_each_environment_that_has_it() -> None:
    missing = locks.check({"a": {"spam": pin("spam")}, "b": {"spam": pin("spam")}, "c": {"ham": pin("ham")}})
    assert {key: len(machines) for key, machines in missing.items()} == {
        ("a", "spam"): len(locks.MACHINES),
        ("b", "spam"): len(locks.MACHINES),
    }


@pytest.mark.usefixtures("uv_that_publishes")
def test_hashes_that_are_published_are_accepted() -> None:
    assert locks.unpublished({"spam": pin("spam"), "eggs": pin("eggs")}) == []


@pytest.mark.usefixtures("uv_that_publishes")
def test_a_hash_of_no_published_file_is_named() -> None:
    assert locks.unpublished({"spam": pin("spam"), "eggs": pin("eggs").replace("0" * 64, "1" * 64)}) == ["eggs"]


def test_a_package_that_nobody_accepted_is_told_as_such() -> None:
    assert locks.told("dev", "spam", [MACHINE]) == (
        "requirements/dev.txt: spam has no wheel for 3.12 aarch64-apple-darwin: NOT ACCEPTED"
    )


def test_another_word_than_write_or_check_ends_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert locks.main(["upgrade"]) == 2
    assert capsys.readouterr().err == "locks: say `write` or `check`\n"
