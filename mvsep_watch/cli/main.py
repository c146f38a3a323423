"""The group of commands, and the border where errors become words and exit codes.

A command's module is imported when that command is used, so that `--help` comes at once on a slow machine. The
surprise: the one-line helps stand here a second time for that reason; a test compares them.
"""

from __future__ import annotations

import difflib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module

import click
from click.shell_completion import CompletionItem, shell_complete

from mvsep_watch import __version__
from mvsep_watch.cli.context import COMPLETE_VARIABLE, EXIT_CODES, Exit, Options, shared_options
from mvsep_watch.errors import AlreadyRunningError, ConfigError, MvsepWatchError, UsageError

SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Try it without an account": {
        "demo": ("demo", "Show everything at work, with a song and a service of its own."),
        "sandbox": ("sandbox", "Serve a local MVSEP, for demos and tests."),
    },
    "Work": {
        "init": ("init", "Write a first configuration."),
        "check": ("check", "Check the configuration."),
        "config": ("configuring", "Show the configuration in force."),
        "schema": ("configuring", "Print the JSON Schema of the configuration."),
        "run": ("running", "Watch the folders until told to stop."),
        "once": ("running", "Do everything there is to do, then exit."),
        "separate": ("separate", "Separate one file or link, straight."),
    },
    "Look": {
        "status": ("looking", "Show what is going on."),
        "jobs": ("looking", "List jobs."),
        "show": ("looking", "Show everything about a job or a file."),
        "plan": ("plan", "Show what it would cost, before you pay."),
        "spend": ("spending", "Show what was spent."),
    },
    "Act": {
        "approve": ("acting", "Let held jobs go on that wait for their price."),
        "retry": ("acting", "Try again what needs no payment."),
        "cancel": ("acting", "End jobs that are not finished."),
        "redo": ("acting", "Separate again, and pay again."),
        "forget": ("acting", "Ignore files from now on."),
        "pause": ("pausing", "Begin no new uploads until told."),
        "resume": ("pausing", "Let uploads begin again."),
    },
    "Mend": {
        "doctor": ("doctor", "Examine the machine; say what is wrong and what mends it."),
        "notify": ("notifying", "Try whether notices arrive."),
        "rebuild": ("rebuild", "Rebuild the state from outputs and history."),
    },
    "The rest of the service": {
        "algorithms": ("algorithms", "Find models, their options and prices."),
        "get": ("getting", "Fetch the results of a separation."),
        "account": ("account", "Show and switch the account."),
        "site": ("site", "Show the service's queues, news and demos."),
        "quality": ("quality", "Use the service's quality checker."),
    },
    "For your shell": {
        "completion": ("completion", "Print the completion script of a shell."),
    },
}
"""Commands by section: the module of this folder that has each, and its help in one line."""


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names, in the order of the sections."""
        del ctx
        return [name for commands in SECTIONS.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        del ctx
        for commands in SECTIONS.values():
            if cmd_name in commands:
                module = import_module(f"mvsep_watch.cli.{commands[cmd_name][0]}")
                command: click.Command = getattr(module, cmd_name)
                return command
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the words name, or say which was meant."""
        is_meant = bool(args) and not ctx.resilient_parsing and not args[0].startswith("-")
        if is_meant and self.get_command(ctx, args[0]) is None:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f"did you mean `{near[0]}`?" if near else "`mvsep-watch --help` lists the commands"
            raise UsageError(f'there is no command "{args[0]}"', hint=hint)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Suggest commands, without importing them."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        lines = {name: line for commands in SECTIONS.values() for name, (_, line) in commands.items()}
        return [CompletionItem(name, help=line) for name, line in lines.items() if name.startswith(incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by section, without importing them."""
        del ctx
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, line) for name, (_, line) in commands.items()], col_max=12)
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(code)), text) for code, text in EXIT_CODES.items()], col_max=12)


@click.group(
    cls=LazyGroup,
    params=shared_options(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    subcommand_metavar="COMMAND [ARGS]...",
)
@click.version_option(__version__, prog_name="mvsep-watch", message="%(prog)s %(version)s")
def group() -> None:
    """Drop an audio file into a folder; its stems come back from MVSEP, and nothing is paid for twice.

    \b
    The configuration is named by -c or $MVSEP_WATCH_CONFIG, else it is
    ./mvsep-watch.yaml, ~/.config/mvsep-watch/config.yaml or
    /etc/mvsep-watch/config.yaml, whichever is found first.
    """  # noqa: D301 - click reads the backspace as "leave these lines alone"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and give its exit code.

    Args:
        argv: The words after the program's name; those of the process by default.
    """
    _never_fail_on_a_character()
    options = Options()
    if asked := os.environ.get(COMPLETE_VARIABLE):
        return shell_complete(group, {"obj": options}, "mvsep-watch", COMPLETE_VARIABLE, asked)
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        with group.make_context("mvsep-watch", words, obj=options) as context:
            code = group.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except (KeyboardInterrupt, click.Abort):
        return Exit.INTERRUPTED
    except BrokenPipeError:
        return _reader_has_gone()
    except Exception as error:  # noqa: BLE001 - the border: whatever it is, it becomes words and a code
        return explain(error, options)
    return int(code or Exit.OK)


def explain(error: Exception, options: Options) -> Exit:
    """Say on stderr what went wrong and what to do about it, and give the exit code."""
    if options.debug:
        click.echo(redact("".join(traceback.format_exception(error))), err=True, nl=False)
    match error:
        case ConfigError():
            tell(error.message, problems=error.problems, hint=error.hint)
        case MvsepWatchError():
            tell(error.message, hint=error.hint)
        case click.exceptions.NoArgsIsHelpError():
            click.echo(error.format_message(), err=True)
        case click.ClickException():
            text = error.format_message().removesuffix(".")
            tell(text[:1].lower() + text[1:], hint=_help_of(error))
        case _:
            tell(
                f"this is a bug in mvsep-watch: {type(error).__name__}: {error}",
                hint="" if options.debug else "please report it, with what --debug shows",
            )
    return exit_code(error)


def exit_code(error: Exception) -> Exit:
    """Say which exit code an error has."""
    match error:
        case AlreadyRunningError():
            return Exit.RUNNING
        case UsageError() | click.ClickException():
            return Exit.USAGE
        case MvsepWatchError():
            return Exit.PERSON
        case _:
            return Exit.BUG


def tell(message: str, *, problems: Sequence[str] = (), hint: str = "") -> None:
    """Write an error, every problem in it, and the hint to stderr, for the journal as an error; no secret passes."""
    from mvsep_watch import log  # noqa: PLC0415 - only where something went wrong

    lines = [click.style("error: ", fg="red", bold=True) + message, *(f"  {problem}" for problem in problems)]
    if hint:
        lines.append(click.style("hint: ", fg="cyan", bold=True) + hint)
    priority = log.priority("error") if log.is_journal() else ""
    for line in lines:
        click.echo(priority + redact(line), err=True)


def redact(text: str) -> str:
    """Take the secrets out of a text."""
    from mvsep_watch import log  # noqa: PLC0415 - only where something went wrong

    return log.redact(text)


def _help_of(error: click.ClickException) -> str:
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f"`{error.ctx.command_path} --help` says what it takes"
    return ""


def _never_fail_on_a_character() -> None:
    """Escape what a terminal's encoding has no character for, instead of failing in the middle of a listing."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _reader_has_gone() -> Exit:
    """End quietly: whoever read our output has had enough. Python would complain once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.OK
