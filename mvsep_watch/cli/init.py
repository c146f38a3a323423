"""`init`: from nothing to a working configuration, with few questions; each of them can be answered by an option.

Writes two files: the configuration, and beside it the one with the token, which only its owner may read. Nothing that
is there is written over; with `--force` a configuration is kept under another name first. What a service needs besides
is the business of `installing`.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from mvsep_watch.cli import drafting, finding, installing, prompting, rendering
from mvsep_watch.cli.cataloguing import Listing, listing_of
from mvsep_watch.cli.check import check
from mvsep_watch.cli.context import Exit, Options, command
from mvsep_watch.cli.drafting import Answers
from mvsep_watch.cli.installing import Asked, Installed, install
from mvsep_watch.cli.reaching import TOKEN_VARIABLE
from mvsep_watch.config import places
from mvsep_watch.config.credentials import CREDENTIAL
from mvsep_watch.errors import ConfigError, UsageError
from mvsep_watch.model import FORMATS, Algorithm, Scope, Service
from mvsep_watch.naming import display

SANDBOX_URL = "http://127.0.0.1:8642"
SANDBOX_TOKEN = "try-it"  # noqa: S105 - of the sandbox, which takes whatever it is started with
OFFERED = 6
MEND_ANSWERED = "leave out what it says already, and the service is installed for it; or replace it with --force"
SAID = {
    "transcribe": "whisper",
    "transcription": "whisper",
    "lyrics": "whisper",
    "subtitles": "whisper",
    "midi": "transkun",
    "noise": "denoise",
}
"""What people want, and what models call it, where no model's name or stem says so."""


@command("init", short_help="Write a first configuration.")
@click.option("--folder", type=click.Path(path_type=Path), metavar="PATH", help="The folder to watch.")
@click.option(
    "--model", metavar="ID|NAME|WORD", help="The model, or what it is to take out: vocals, drums, karaoke, ..."
)
@click.option("--format", "output_format", metavar="FORMAT", help="The format of the results; flac if not said.")
@click.option("--output", type=click.Path(path_type=Path), metavar="PATH", help="Where the results go.")
@click.option("--token-file", type=click.Path(path_type=Path), metavar="PATH", help="The file with the token.")
@click.option("--sandbox", is_flag=True, help="Use a local sandbox instead of MVSEP.")
@click.option("--offline", is_flag=True, help="Do not ask the service.")
@click.option("--service", "is_service", is_flag=True, help="Install the unit of systemd, for what is configured.")
@click.option("--user", metavar="NAME", help="Who runs the service; the owner of the watched folder if not said.")
@click.option("--force", is_flag=True, help="Replace what is there, or was changed by hand; the old is kept beside it.")
@click.option("-y", "--yes", is_flag=True, help="Take the defaults and the best model without being asked.")
@click.pass_obj
def init(
    options: Options,
    *,
    folder: Path | None,
    model: str | None,
    output_format: str | None,
    output: Path | None,
    token_file: Path | None,
    sandbox: bool,
    offline: bool,
    is_service: bool,
    user: str | None,
    force: bool,
    yes: bool,
) -> int:
    """Write a first configuration: asks for a folder, what to take out of the music, and the token.

    The token goes into a file of its own that only you can read. The place is that of -c, else
    ~/.config/mvsep-watch/config.yaml, for root /etc/mvsep-watch/config.yaml.

    With --service it installs the unit of systemd as well, for root the machine's, else your own, and what the
    configuration needs of it: who runs it, where it may write, the token. With a configuration that is there it does
    only that; again after every change of the folders.

    \b
    mvsep-watch init
    mvsep-watch init --folder /srv/music/drop --model vocals --yes
    sudo mvsep-watch init --service --user anna
    """  # noqa: D301 - click reads the backspace as "leave these lines alone"
    path = _place(options, is_service=is_service)
    is_asking = sys.stdin.isatty() and not yes
    service = _service(path, user, token_file, is_service=is_service, yes=yes, force=force)
    is_answered = any((folder, model, output_format, output, sandbox))
    if service and os.path.lexists(path) and not is_answered:
        return _tell_service(options, install(service))
    if os.path.lexists(path) and not force:
        raise drafting.taken(path, hint=MEND_ANSWERED if service else drafting.MEND_TAKEN)
    base_url = SANDBOX_URL if sandbox else ""
    is_of_machine = service is not None and not service.is_users
    is_handed_over = token_file is None and (is_of_machine or (path.parent == places.SYSTEM_FOLDER and not sandbox))
    name = "sandbox-token" if sandbox and not is_handed_over else CREDENTIAL
    token_file = _absolute(token_file) if token_file else path.parent / name
    _require_answers(folder, model, None if sandbox else token_file)
    watched = _folder(folder)
    models = listing_of(Service(token="", base_url=base_url or Service(token="").base_url), offline=offline)
    answers = Answers(
        path=path,
        folder=watched,
        algorithm=_model(model, models, is_asking=is_asking, yes=yes),
        output_format=_format(output_format),
        output=_output(output, watched, is_asking=is_asking),
        token_file=token_file,
        is_handed_over=is_handed_over,
        is_public=is_handed_over or is_of_machine,
        base_url=base_url,
    )
    if service:
        installing.runner(service, [watched])  # before anything is written
        service = replace(service, token_file=answers.token_file)
    has_token = os.path.lexists(answers.token_file)
    token = "" if has_token else SANDBOX_TOKEN if sandbox else _token(answers.token_file)
    if not service or service.is_users:  # else it is made for whoever runs the service
        _make(answers.folder, is_asking=is_asking, yes=yes)
    kept = drafting.write(answers, token=token, force=force)
    installed = install(service) if service else None
    can_ask = not (offline or sandbox or models.origin != "service")
    return _tell(options, answers, kept, installed, can_ask=can_ask)


def _place(options: Options, *, is_service: bool) -> Path:
    """Name the file that is meant: for a service one that commands find, else the one to be written."""
    is_root = os.geteuid() == 0
    if is_service and options.config is None:
        with suppress(ConfigError):
            found = places.find(None, environ=os.environ, cwd=Path.cwd())
            if is_root or found.parent != places.SYSTEM_FOLDER:
                return found
    return places.first(options.config, environ=os.environ, cwd=Path.cwd(), is_root=is_root)


def _service(
    path: Path, user: str | None, token_file: Path | None, *, is_service: bool, yes: bool, force: bool
) -> Asked | None:
    """Say what is to be installed for a configuration; None for nothing."""
    is_root = os.geteuid() == 0
    if user and not (is_service and is_root):
        raise UsageError("--user is for the machine's service", hint="ask as root, with --service")
    if not is_service:
        return None
    return Asked(
        config=path,
        environ=os.environ,
        is_users=not is_root,
        user=user or "",
        token_file=_absolute(token_file) if token_file else None,
        is_asking=sys.stdin.isatty() and not yes,
        yes=yes,
        force=force,
    )


# Questions


def _require_answers(folder: Path | None, model: str | None, token_file: Path | None) -> None:
    """Name all that is missing at once where nobody is there to be asked; `token_file`: None needs no token.

    Raises:
        UsageError: More than one thing is missing. Whoever needs it says so of a single one.
    """
    if sys.stdin.isatty():
        return
    lacking = {} if folder else {"the folder to watch": "--folder PATH"}
    lacking |= {} if model else {"what to take out of the music": "--model vocals, or a model's number"}
    has_token = token_file is None or os.path.lexists(token_file) or os.environ.get(TOKEN_VARIABLE, "").strip()
    lacking |= {} if has_token else {"the API token": f"{TOKEN_VARIABLE} in the environment, or --token-file PATH"}
    if len(lacking) > 1:
        raise UsageError(
            f"nobody is there to ask for {rendering.joined(list(lacking))}", hint=f"give {'; '.join(lacking.values())}"
        )


def _folder(given: Path | None) -> Path:
    word = prompting.word("the folder to watch", None if given is None else str(given), hint="give --folder PATH")
    found = _absolute(Path(word))
    if found.exists() and not found.is_dir():
        raise UsageError(f"{display(found)} is no folder", hint="name the folder that files are dropped into")
    return found


def _absolute(path: Path) -> Path:
    try:
        return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - without following links
    except RuntimeError as error:
        raise UsageError(f"{display(path)}: there is no such home folder", hint="give the whole path") from error


def _model(given: str | None, models: Listing, *, is_asking: bool, yes: bool) -> Algorithm:
    """Find the model that is meant; several are offered, and the first of them is taken where nobody is to be asked.

    Raises:
        UsageError: There is none, or nobody to say which.
    """
    question = "what to take out of the music (vocals, drums, karaoke, ...)"
    words = _as_models_say(prompting.word(question, given, hint="give --model vocals, or a model's number"))
    while True:
        try:
            found = _fitting(words, models)
        except UsageError as error:
            if not is_asking:
                raise
            click.echo(f"{error.message}: {error.hint}", err=True)
            words = _as_models_say(prompting.word(question, None, hint=""))
            continue
        if len(found) == 1 or yes:
            return found[0]
        if not is_asking:
            return finding.only(words, {algorithm.sep_type: algorithm for algorithm in found})
        chosen = _choice(found[:OFFERED], models)
        if isinstance(chosen, Algorithm):
            return chosen
        words = _as_models_say(chosen)


def _as_models_say(text: str) -> list[str]:
    return [SAID.get(word.casefold(), word) for word in text.split()]


def _fitting(words: Sequence[str], models: Listing) -> list[Algorithm]:
    """Give the models for audio files that words mean, the best first, those that everybody may use before the others.

    Raises:
        UsageError: There is none.
    """
    usable = {
        algorithm.sep_type: algorithm
        for algorithm in models.within([Scope.SINGLE_UPLOAD]).values()
        if algorithm.is_active
    }
    if named := finding.one(words, usable):
        return [named]
    sort = "rating" if models.origin == "service" else None
    found = finding.ordered(finding.matching(words, usable), sort=sort, words=words)
    return sorted(found, key=lambda algorithm: algorithm.needs_premium)


def _choice(offered: Sequence[Algorithm], models: Listing) -> Algorithm | str:
    """Show some models and let a person choose; words that are no number look for others."""
    for number, algorithm in enumerate(offered, start=1):
        click.echo(f"  {number}  {_words(algorithm, models)}", err=True)
    said = str(click.prompt("Which? A number above, or other words", default="1", err=True)).strip()
    if said.isascii() and said.isdigit() and 1 <= int(said) <= len(offered):
        return offered[int(said) - 1]
    return said


def _words(algorithm: Algorithm, models: Listing) -> str:
    price = finding.credits_per_minute(algorithm)
    cost = "price unknown" if price is None or models.note else f"{price:g} credits a minute"
    rating = "" if algorithm.rating is None else f", rated {algorithm.rating:.2f} of 5 by {algorithm.votes}"
    premium = ", for premium accounts" if algorithm.needs_premium else ""
    return f"{algorithm.name} ({algorithm.sep_type}): {cost}{rating}{premium}"


def _format(given: str | None) -> int:
    names = {output.name: output.number for output in FORMATS}
    if (word := (given or "flac").lower()) not in names:
        raise UsageError(f'there is no format "{display(word)}"', hint=f"formats are {rendering.joined(names)}")
    return names[word]


def _output(given: Path | None, folder: Path, *, is_asking: bool) -> Path:
    usual = folder.parent / f"{folder.name}-stems"
    if given is None and is_asking:
        given = Path(click.prompt("Where the results go", default=str(usual), err=True))
    return usual if given is None else _absolute(given)


def _token(path: Path) -> str:
    """Take the token of the environment, else ask for it."""
    if found := os.environ.get(TOKEN_VARIABLE, "").strip():
        return found
    hint = f"set {TOKEN_VARIABLE}, or write it into {display(path)}, which is not there (--token-file names another)"
    return prompting.secret("the API token", hint=hint)


def _make(folder: Path, *, is_asking: bool, yes: bool) -> None:
    """Make the watched folder, if that is wanted; one that is not there may be a disk that is not mounted."""
    if folder.exists() or not (yes or is_asking):
        return
    if is_asking and not click.confirm(f"There is no folder {display(folder)} yet. Make it?", default=True, err=True):
        return
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise drafting.unwritable(folder, error) from error


# What was done


def _tell_service(options: Options, installed: Installed) -> int:
    if options.json:
        rendering.print_json({"service": installing.as_json(installed)})
    else:
        installing.tell(installed, rendering.console())
    return Exit.PERSON if installed.has_problems else Exit.OK


def _tell(options: Options, answers: Answers, kept: Path | None, installed: Installed | None, *, can_ask: bool) -> int:
    """Say what was written, check it, and say what comes next."""
    options.config = answers.path
    trouble = Exit.PERSON if installed and installed.has_problems else Exit.OK
    if options.json:
        service = {"service": installing.as_json(installed)} if installed else {}
        rendering.print_json(_as_json(answers, kept) | service)
        return trouble
    console = rendering.console()
    if kept:
        console.print(f"kept     {rendering.path(kept)}, as it was")
    console.print(f"written  {rendering.path(answers.path)}")
    console.print(f"token    {rendering.path(answers.token_file)}")
    console.print()
    code = _checked(answers, can_ask=can_ask)
    console.print()
    if installed:
        installing.tell(installed, console)
        return code or trouble
    for line in _next(answers, can_ask=can_ask):
        console.print(line)
    return code


def _checked(answers: Answers, *, can_ask: bool) -> int:
    """Check what was written as `check` does; where systemd hands the token over, as if it did."""
    if answers.is_handed_over:
        os.environ.setdefault("CREDENTIALS_DIRECTORY", str(answers.token_file.parent))
    code: int = click.get_current_context().invoke(check, online=can_ask)
    return code


def _next(answers: Answers, *, can_ask: bool) -> Iterator[str]:
    """Name the next commands, so that they can be typed."""
    program = rendering.program()
    if answers.base_url:
        port = SANDBOX_URL.rpartition(":")[2]
        yield f"First, in another terminal: {program} sandbox --port {port} --token {SANDBOX_TOKEN}"
    if not _is_found(answers.path):
        program = f"{program} -c {shlex.quote(display(answers.path))}"
    if not can_ask:
        yield f"The service was not asked. When it can be: {program} check --online"
    if answers.is_handed_over:
        yield f"Next: {program} init --service"
    else:
        yield f"What it would cost: {program} plan"
        yield f"Next: {program} run, or as a service: {program} init --service"


def _is_found(path: Path) -> bool:
    """Say whether commands find the configuration without being told where it is."""
    try:
        return places.find(None, environ=os.environ, cwd=Path.cwd()) == path
    except ConfigError:
        return False


def _as_json(answers: Answers, kept: Path | None) -> dict[str, Any]:
    return {
        "configuration": rendering.full_path(answers.path),
        "kept": None if kept is None else rendering.full_path(kept),
        "token_file": rendering.full_path(answers.token_file),
        "folder": rendering.full_path(answers.folder),
        "output": rendering.full_path(answers.output),
        "sep_type": answers.algorithm.sep_type,
        "model": answers.algorithm.name,
        "format": FORMATS[answers.output_format].name,
    }
