"""What completes the command in bash, zsh and fish, written from its own parser."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHELLS: Final = ("bash", "zsh", "fish")
_ZSH: Final = "autoload -Uz compinit bashcompinit && compinit && bashcompinit\n"
_BASH: Final = """\
_{prog}() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} command= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in {commands}) command=${{COMP_WORDS[i]}}; break;; esac
  done
  case ${{COMP_WORDS[COMP_CWORD - 1]}} in
{values}
    *) case $command in
{options}
    esac
    [[ -z $command || $cur == -* ]] || words=;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}}
complete -o default -F _{prog} {prog}
"""


class Completion(argparse.Action):
    """Writes the script for a shell, and ends the command, as `--version` does."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        _namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        _option: str | None = None,
    ) -> NoReturn:
        """Write it to standard output."""
        sys.stdout.write(_fish(parser) if values == "fish" else _bash(parser, is_zsh=values == "zsh"))
        parser.exit()


def _commands(parser: argparse.ArgumentParser) -> dict[str, tuple[argparse.ArgumentParser, str]]:
    """Return the parser and the help of each command."""
    actions = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]  # noqa: SLF001
    return {
        choice.dest: (each.choices[choice.dest], choice.help or "")
        for each in actions
        for choice in each._choices_actions  # noqa: SLF001
    }


def _options(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [each for each in parser._actions if each.option_strings]  # noqa: SLF001


def _bash(parser: argparse.ArgumentParser, *, is_zsh: bool) -> str:
    commands = _commands(parser)
    parsers = {"''": parser, **{name: each for name, (each, _) in commands.items()}}
    values, options = [], []
    for name, each in parsers.items():
        names = [option for action in _options(each) for option in action.option_strings]
        words = " ".join([*names, *(commands if each is parser else ())])
        options.append(f'      {name}) words="{words}";;')
        # What a value is, where it is none of some, nobody knows: then files are offered.
        values += [
            f'    {"|".join(action.option_strings)}) words="{" ".join(map(str, action.choices or ()))}";;'
            for action in _options(each)
            if action.nargs != 0
        ]
    script = _BASH.format(
        prog=parser.prog, commands="|".join(commands), values="\n".join(values), options="\n".join(options)
    )
    return (_ZSH if is_zsh else "") + script


def _fish(parser: argparse.ArgumentParser) -> str:
    lines = list(_fish_options(parser, parser.prog, "__fish_use_subcommand"))
    for name, (each, description) in _commands(parser).items():
        lines.append(f"complete -c {parser.prog} -f -n __fish_use_subcommand -a {name} -d {_quoted(description)}")
        lines += _fish_options(each, parser.prog, f"'__fish_seen_subcommand_from {name}'")
    return "\n".join([*lines, ""])


def _fish_options(parser: argparse.ArgumentParser, prog: str, when: str) -> Iterator[str]:
    for action in _options(parser):
        names = " ".join(
            f"-{'l' if name.startswith('--') else 's'} {name.lstrip('-')}" for name in action.option_strings
        )
        takes = (
            "" if action.nargs == 0 else f" -x -a '{' '.join(map(str, action.choices))}'" if action.choices else " -r"
        )
        yield f"complete -c {prog} -n {when} {names}{takes} -d {_quoted(action.help or '')}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
