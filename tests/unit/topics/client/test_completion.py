"""The scripts that complete the command, in the shells themselves where they are installed."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from topics_client.command import main
from topics_client.completion import SHELLS

CASES = [
    (("topics", "--format", "c"), ["csv"]),
    (("topics", "sc"), ["score"]),
    (("topics", "--qui"), ["--quiet"]),
    (("topics", "--quiet", "score", "--id"), ["--id-field"]),
    (("topics", "score", "--as", "js"), ["jsonl"]),
]


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["--completion", shell])
    assert ended.value.code == 0
    return capsys.readouterr().out


def completed(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What bash offers for the last of the words."""
    line = " ".join(f"'{word}'" for word in words)
    asks = f'COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _topics; printf "%s\\n" "${{COMPREPLY[@]}}"'
    ran = subprocess.run(
        ["bash", "-c", script("bash", capsys) + asks], capture_output=True, text=True, check=True, timeout=60
    )
    return ran.stdout.split()


@pytest.mark.parametrize(("words", "offers"), CASES)
def test_bash_offers_commands_options_and_values(
    words: tuple[str, ...], offers: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert completed(words, capsys) == offers


def test_bash_leaves_files_to_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert completed(("topics", "score", "let"), capsys) == []
    assert "complete -o default" in script("bash", capsys)


def test_zsh_runs_the_script_of_bash(capsys: pytest.CaptureFixture[str]) -> None:
    of_zsh = script("zsh", capsys)

    assert of_zsh.startswith("autoload -Uz compinit bashcompinit")
    assert of_zsh.endswith(script("bash", capsys))


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish")
@pytest.mark.parametrize(("words", "offers"), CASES)
def test_fish_offers_commands_options_and_values(
    words: tuple[str, ...], offers: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    asks = f"complete -C '{' '.join(words)}'"
    ran = subprocess.run(
        ["fish", "-c", script("fish", capsys) + asks], capture_output=True, text=True, check=True, timeout=60
    )

    assert [line.split("\t")[0] for line in ran.stdout.splitlines()] == offers


def test_fish_knows_each_option_by_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    lines = script("fish", capsys).splitlines()

    assert any("seen_subcommand_from similar'" in line and " -l number " in line for line in lines)
    assert any("use_subcommand" in line and "-l format -x -a 'table json csv'" in line for line in lines)
    assert not any("seen_subcommand_from list'" in line and " -l number " in line for line in lines)


def test_another_shell_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--completion", "tcsh"])

    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert all(shell in told for shell in SHELLS)
