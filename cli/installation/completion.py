"""`vecattr completion`: a shell's name in, a script that completes command lines there out.

Click knows what to offer, and its script for zsh is used. Its script for bash breaks names with
blanks, as most labs have, and its script for fish (8.4) fails at every offer; those two are ours.
"""

from __future__ import annotations

import os
from typing import ClassVar

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    shell_complete,
)

from vecattr.cli.options.verbosity import verbosity_options

PROGRAM = "vecattr"

#: The variable in which the script tells what it asks for.
VARIABLE = "_VECATTR_COMPLETE"

#: `filenames` has readline quote what is offered, within quotation marks that are open, too.
_BASH = """\
%(complete_func)s() {
    local type value
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain)
                COMPREPLY+=("$value")
                case $value in *[!A-Za-z0-9_./-]*) compopt -o filenames ;; esac
                ;;
        esac
    done < <(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \\
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

_FISH = """\
function %(complete_func)s
    for offer in (COMP_WORDS=(commandline -cp) COMP_CWORD=(commandline -t) \\
            %(complete_var)s=fish_complete %(prog_name)s 2>/dev/null)
        set -l parts (string split --max 2 \\t -- $offer)
        switch $parts[1]
            case dir
                __fish_complete_directories $parts[2]
            case file
                __fish_complete_path $parts[2]
            case plain
                printf '%%s\\t%%s\\n' $parts[2] $parts[3]
        end
    end
end
complete --no-files --command %(prog_name)s --arguments '(%(complete_func)s)'
"""


class _Bash(BashComplete):
    source_template: ClassVar[str] = _BASH

    def source(self) -> str:
        return self.source_template % self.source_vars()  # click's runs bash, to ask its version


class _Fish(FishComplete):
    source_template: ClassVar[str] = _FISH

    def format_completion(self, item: CompletionItem) -> str:
        texts = (item.type, item.value, item.help or "")
        return "\t".join(" ".join(text.split("\n")) for text in texts)


SHELLS: dict[str, type[ShellComplete]] = {"bash": _Bash, "zsh": ZshComplete, "fish": _Fish}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SHELLS)))
@verbosity_options
def command(shell: str) -> None:
    """Print a script with which SHELL completes commands, options, indexes and names of labs.

    \b
    bash: eval "$(vecattr completion bash)"     in ~/.bashrc
    zsh:  eval "$(vecattr completion zsh)"      in ~/.zshrc, after compinit
    fish: vecattr completion fish | source      in ~/.config/fish/config.fish
    """
    root = click.get_current_context().find_root().command
    click.echo(SHELLS[shell](root, {}, PROGRAM, VARIABLE).source(), nl=False)


def offer(cli: click.Command) -> int:
    """Print what the shell asks for, and return the exit code."""
    for shell, kind in SHELLS.items():
        add_completion_class(kind, shell)
    return shell_complete(cli, {}, PROGRAM, VARIABLE, os.environ[VARIABLE])
