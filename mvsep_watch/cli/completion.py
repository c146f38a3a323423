"""`completion`: the script that lets a shell complete commands, options and jobs."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from mvsep_watch.cli.context import COMPLETE_VARIABLE, Options, command

SHELLS = ("bash", "zsh", "fish")


@command("completion", short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, /, *, shell: str) -> None:
    """Print the completion script of a shell; the shell reads it at its start.

    \b
    bash: eval "$(mvsep-watch completion bash)"      in ~/.bashrc
    zsh:  eval "$(mvsep-watch completion zsh)"       in ~/.zshrc, after compinit
    fish: mvsep-watch completion fish | source       in ~/.config/fish/config.fish
    """  # noqa: D301 - click reads the backspace as "leave these lines alone"
    made = get_completion_class(shell)
    assert made is not None, "click knows the three"
    group = context.find_root().command
    script = made(group, {"obj": Options()}, "mvsep-watch", COMPLETE_VARIABLE)
    click.echo(made.source_template % script.source_vars())
