"""`vecattr schema`: a command's name in, the JSON Schema of its JSON out."""

from __future__ import annotations

import json
from pathlib import Path

import click

from vecattr.cli.options.types import FILE, check_folder
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.rendering.formats import aligned
from vecattr.cli.rendering.output import write_results
from vecattr.schemas.output_schemas import SCHEMAS, output_schema, schema_version

COLUMNS = ("name", "version", "title")


@click.command("schema")
@click.argument("name", required=False, type=click.Choice(SCHEMAS), metavar="[COMMAND]")
@click.option("--lines", is_flag=True, help="The schema of one line of --format jsonl.")
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="FILE",
    callback=check_folder,
    help="Write the schema to this file, atomically, instead of standard output.",
)
@verbosity_options
def command(name: str | None, lines: bool, output: Path | None) -> None:
    """Print the JSON Schema of what a command writes with --format json; without a name, list the
    commands that have one.

    A schema keeps its version while keys are only added.
    """
    text = _list() if name is None else _schema(name, lines=lines)
    write_results([text], output)


def _schema(name: str, *, lines: bool) -> str:
    """The schema as text, in the letters of its file."""
    return json.dumps(output_schema(name, lines=lines), indent=2, ensure_ascii=False) + "\n"


def _list() -> str:
    schemas = [(name, output_schema(name)) for name in SCHEMAS]
    rows = [(name, schema_version(schema), str(schema["title"])) for name, schema in schemas]
    return aligned(COLUMNS, rows)
