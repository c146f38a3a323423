"""`config show` and `schema`: what is in force and where each value comes from; what an editor completes and checks by.

Both only read. The token is never among what is shown.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from mvsep_watch import config as configuration
from mvsep_watch.cli import rendering
from mvsep_watch.cli.context import Command, Options, command, shared_options
from mvsep_watch.config import InForce
from mvsep_watch.config.problems import dotted
from mvsep_watch.data import schema_json
from mvsep_watch.naming import display, escape_path


class Group(click.Group):
    """Commands under one name; the shared options may stand before or after each."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += shared_options()


@click.group("config", cls=Group, short_help="Show the configuration in force.")
def config() -> None:
    """Show the configuration in force."""


@config.command("show", short_help="Show every value, and where it comes from.")
@click.pass_obj
def show(options: Options) -> None:
    """Show every value, and where it comes from: a line of the file, its defaults, the environment, or nobody.

    What is shown is a configuration itself; a token that stands in the file is replaced by a variable.
    """
    path = configuration.find(options.config, environ=os.environ, cwd=Path.cwd())
    values = configuration.in_force(path, environ=os.environ)
    if options.json:
        rendering.print_json({"path": escape_path(path.absolute()), "values": [_as_json(value) for value in values]})
    else:
        click.echo(f"# {display(path.absolute())}\n{configuration.as_yaml(values)}", nl=False)


def _as_json(value: InForce) -> dict[str, Any]:
    return {"key": dotted(value.keys), "value": value.value, "origin": value.origin}


@command("schema", short_help="Print the JSON Schema of the configuration.")
@click.pass_obj
def schema(_: Options) -> None:
    """Print the JSON Schema of the configuration, for editors.

    `mvsep-watch schema > mvsep-watch.schema.json` beside the configuration, whose first line names it.
    """
    click.echo(schema_json(), nl=False)
