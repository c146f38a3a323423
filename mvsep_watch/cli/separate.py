"""`separate`: one file or link, straight, by the same engine and the same memory as everything else.

It asks whoever has the state, and watches; where nobody has it, it is the daemon itself until this one thing is done.
The state is the configuration's, or where there is no configuration the user's own. The surprise: asking twice is
harmless. What was done before is found, and paid for once.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from mvsep_watch.cli.cataloguing import Listing, listing
from mvsep_watch.cli.context import Options, find_config, load_config, own_config
from mvsep_watch.cli.dropping import link_file
from mvsep_watch.cli.errand import Errand
from mvsep_watch.cli.reaching import reach, service_command
from mvsep_watch.daemon.oneoffs import OneOff
from mvsep_watch.daemon.run import refuse_network
from mvsep_watch.errors import RequestRefusedError, StateError, UsageError
from mvsep_watch.model import FORMATS, Catalogue, Config, InputKind, Rule, Scope
from mvsep_watch.naming import display
from mvsep_watch.options import resolve_model
from mvsep_watch.planner import Offer, misfit, settings_of

FORMAT_WORDS = [*(output.name for output in FORMATS), *(str(output.number) for output in FORMATS)]
LINK_FILES = frozenset({".url", ".webloc", ".desktop"})


@service_command("separate", short_help="Separate one file or link, straight.")
@click.argument("what", metavar="FILE|LINK")
@click.option("--sep-type", required=True, metavar="MODEL", help="The model's number or name.")
@click.option(
    "--option", "options_", multiple=True, metavar="KEY=VALUE",
    help="add_optN or the field's label, and the option's key or label; may be given several times.",
)  # fmt: skip
@click.option(
    "--format", "format_", type=click.Choice(FORMAT_WORDS, case_sensitive=False), default=FORMATS[0].name,
    show_default=True, metavar="FORMAT", help=f"{', '.join(output.name for output in FORMATS)}, or 0 to 5.",
)  # fmt: skip
@click.option("--stems", default="all", metavar="LIST", help="Publish only these, with commas; the default is all.")
@click.option(
    "--reference", type=click.Path(path_type=Path), metavar="FILE", help="What a pair's other file is to sound like."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), default=Path(), metavar="DIR",
    help="Where to make the folder with the outputs; the default is here.",
)  # fmt: skip
@click.option("-y", "--yes", is_flag=True, help="Agree to the price without being asked.")
def separate(
    options: Options,
    *,
    what: str,
    sep_type: str,
    options_: Sequence[str],
    format_: str,
    stems: str,
    reference: Path | None,
    output: Path,
    yes: bool,
) -> int:
    """Separate one file or link, straight, and wait for the outputs.

    A running daemon does it, else this command itself does it alone. What was done before is not paid for again. With
    --reference the two files are a pair; a text file is the prompt of a model that needs no audio.

    Works without a configuration: the token is then that of MVSEP_API_TOKEN.
    """
    config = _config(options)
    models = listing(options, offline=False)
    source, kind = _source(what, reference, sep_type, config, models.models)
    rule = Rule(
        sep_type=_number(sep_type, models.models),
        options=tuple(_option(word) for word in options_),
        output_format=_format(format_),
        stems=_stems(stems),
        input=kind,
        reference=None if reference is None else _real(reference),
    )
    _refuse_misfit(rule, models)
    one_off = OneOff(source=source, output=_real(output), rule=rule)
    return Errand(options, config, one_off, models.models, yes=yes).run()


def _config(options: Options) -> Config:
    """Give the configuration, or what holds for a user without one."""
    if find_config(options) is None:
        config = own_config(reach(options).service)
        _make_private(config.state.parent)
        refuse_network(config)
        return config
    if options.base_url:
        raise UsageError("the configuration says which service it is", hint="leave --base-url out, or change base_url")
    return load_config(options, needs_token=False)


def _make_private(folder: Path) -> None:
    """Make the folder of a user's own state, readable by that user alone."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StateError(
            f"the folder {display(folder)} cannot be made: {error.strerror}",
            hint="set XDG_STATE_HOME to a folder that you may write, or name a configuration with -c",
        ) from error


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _source(
    what: str, reference: Path | None, sep_type: str, config: Config, models: Catalogue
) -> tuple[Path, InputKind]:
    """Say which file the source is, and how it is taken.

    Raises:
        UsageError: It is not there, or no pair can be made of it.
    """
    is_link = what.partition("://")[0].lower() in {"http", "https"}
    if is_link and reference is not None:
        raise UsageError("a pair is made of two files, and this is a link", hint="download it first")
    if is_link:
        return link_file(what, config.state), InputKind.LINK
    source = _real(Path(what))
    for path in (source, reference):
        if path is not None and not os.path.isfile(path):  # noqa: PTH113 - what may not be looked at is not there
            raise UsageError(f"{display(path)} is not there, or no file", hint="name a file, or an http or https link")
    return source, InputKind.PAIR if reference else _kind(source, sep_type, models)


def _kind(source: Path, sep_type: str, models: Catalogue) -> InputKind:
    suffix = source.suffix.lower()
    if suffix != ".txt":
        return InputKind.LINK if suffix in LINK_FILES else InputKind.FILE
    with suppress(RequestRefusedError):
        if resolve_model(_meant(sep_type), models).scope == Scope.NO_UPLOAD:
            return InputKind.TEXT
    return InputKind.LINK


def _meant(sep_type: str) -> int | str:
    return int(sep_type) if sep_type.isascii() and sep_type.isdigit() else sep_type


def _number(sep_type: str, models: Catalogue) -> int | str:
    """Give the model's number where the catalogue tells it: a name may come to stand for another model."""
    with suppress(RequestRefusedError):
        return resolve_model(_meant(sep_type), models).sep_type
    return _meant(sep_type)


def _option(word: str) -> tuple[str, str]:
    key, sign, value = word.partition("=")
    if not sign or not key.strip():
        raise UsageError(f'--option takes KEY=VALUE, and "{word}" is none', hint="such as --option add_opt1=81")
    return key.strip(), value.strip()


def _format(word: str) -> int:
    return next(output.number for output in FORMATS if word.lower() in (output.name, str(output.number)))


def _stems(words: str) -> tuple[str, ...] | None:
    stems = tuple(stem for word in words.split(",") if (stem := word.strip().lower()))
    return None if not stems or stems == ("all",) else stems


def _refuse_misfit(rule: Rule, models: Listing) -> None:
    """Refuse what the service would not take, as far as its own list tells; an old list refuses nothing."""
    if models.origin != "service":
        return
    try:
        unfit = misfit(settings_of(rule, models.models), rule.input, Offer(catalogue=models.models))
    except RequestRefusedError as error:
        unfit = error
    if unfit is not None:
        raise UsageError(unfit.message, hint=unfit.hint)
