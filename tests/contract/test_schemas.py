"""Every JSON that a command writes fits its schema, which tells every key of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from jsonschema import Draft202012Validator

from vecattr.attribution import Attribution, FusedAttribution, Provenance
from vecattr.cli.main import COMMANDS, command_named, run
from vecattr.cli.rendering.answers import render
from vecattr.errors import UsageError
from vecattr.schemas.output_schemas import SCHEMAS, output_schema, schema_version

Capture = pytest.CaptureFixture[str]

#: The keys that version 1 promises: of the document, or of each of its items.
PROMISED = {
    "query": "query length topology labs verdict confidence threshold neighbors notes provenance "
    "work coverage source outside strength sentence",
    "evaluate": "n labs outside top1 top5 top10 top50 mrr macro_recall x95 x99 groups interval "
    "by_plasmids by_name features version model index",
    "info": "format version identity generation restores kept_generations plasmids labs "
    "pooled_plasmids lab_vectors sequences_stored bases_disclosed_by ranked_by model calibration "
    "labs_changed_since_calibration segments log",
    "list-labs": "lab plasmids origin",
    "verify": "generation identity segments plasmids labs findings searched recall ok",
    "cluster": "name group similarity",
    "map": "kind id lab x y",
    "doctor": "check state finding next_step",
    "log": "time level command message",
}


def parts_of(schema: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a schema, itself first."""
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from parts_of(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from parts_of(value)


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without room for keys that it does not tell."""
    strict = copy.deepcopy(schema)
    for part in list(parts_of(strict)):
        if part.get("type") == "object" and "properties" in part:
            part.setdefault("additionalProperties", False)
    return strict


def check(value: object, name: str, *, lines: bool = False) -> None:
    """Fails with the place of everything that does not fit, or that the schema does not tell."""
    schema = closed(output_schema(name, lines=lines))
    errors = [
        f"{error.json_path}: {error.message[:300]}"
        for error in Draft202012Validator(schema).iter_errors(value)
    ]
    assert not errors, f"describe it in vecattr/schemas/{name}.json: {errors}"


def written(capsys: Capture, *arguments: object, code: int = 0) -> None:
    """Run a command as JSON and as JSON lines; both fit, and say the same."""
    name = str(arguments[0])
    assert run([*map(str, arguments), "--format", "json", "-q"]) == code
    value = json.loads(capsys.readouterr().out)
    check(value, name)
    assert run([*map(str, arguments), "--format", "jsonl", "-q"]) == code
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for line in lines:
        check(line, name, lines=True)
    assert lines == (value if isinstance(value, list) else [value])


def test_every_command_that_writes_json_has_a_schema() -> None:
    writers = {
        name
        for name in COMMANDS
        for option in command_named(name).params
        if option.name == "form" and isinstance(option.type, click.Choice)
        if "json" in option.type.choices
    }
    # map writes JSON by the suffix of --table, and every command may write a log
    assert writers | {"map", "log"} == set(SCHEMAS)


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("lines", [False, True])
def test_a_schema_is_one_and_describes_every_key(name: str, lines: bool) -> None:
    schema = output_schema(name, lines=lines)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"].startswith(f"urn:vecattr:schema:{name}:{schema_version(schema)}")
    for part in parts_of(schema):
        for key, value in part.get("properties", {}).items():
            assert value.get("description"), f"{name}: {key}"


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_requires_what_its_version_promised(name: str) -> None:
    schema = output_schema(name, lines=True)
    assert schema_version(schema) == 1
    schema = schema.get("$defs", {}).get("answer", schema)
    assert set(PROMISED[name].split()) <= set(schema["required"])


def test_no_other_name_has_a_schema() -> None:
    with pytest.raises(UsageError, match="writes JSON"):
        output_schema("../query")


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_command_prints_the_schema(name: str, tmp_path: Path, capsys: Capture) -> None:
    assert run(["schema", name]) == 0
    assert json.loads(capsys.readouterr().out) == output_schema(name)
    target = tmp_path / "schema.json"
    assert run(["schema", name, "--lines", "-o", str(target)]) == 0
    assert json.loads(target.read_text()) == output_schema(name, lines=True)


def test_without_a_name_the_schemas_are_listed(capsys: Capture) -> None:
    assert run(["schema"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["name", *SCHEMAS]


def test_answers_fit(shelf: Any, tmp_path: Path, capsys: Capture) -> None:
    queries = shelf.fasta(tmp_path / "q.fa", shelf.plasmids[:3])
    written(capsys, "query", queries, "-i", shelf.index)
    written(capsys, "query", queries, "-i", shelf.index, "--neighbors", 2, "--evidence", "-k", 2)
    written(capsys, "query", queries, "-i", shelf.index, "--evidence-for", "Lab 02")
    written(capsys, "query", queries, "-i", shelf.index, "--together")
    written(capsys, "query", queries, "-i", shelf.index, "--linked")


def test_calibrated_answers_fit(calibrated_folds: Any, tmp_path: Path, capsys: Capture) -> None:
    queries = calibrated_folds.fasta(tmp_path / "q.fa", calibrated_folds.plasmids[:2])
    written(capsys, "query", queries, "-i", calibrated_folds.index, "--coverage", "0.9")
    written(capsys, "info", "-i", calibrated_folds.index / "fold-1")


def test_an_answer_without_labs_fits() -> None:
    empty = Attribution(
        *("q", 5, "linear", (), "unknown", float("nan"), None, (), (), Provenance("1", "a", "b"))
    )
    fused = FusedAttribution(*(getattr(empty, name) for name in empty.__match_args__))
    for answer in (empty, fused):
        [text] = render([answer], form="jsonl")
        check(json.loads(text), "query", lines=True)


def test_figures_fit(shelf: Any, capsys: Capture) -> None:
    usual = ["evaluate", shelf.table, "--where", "split=dev", "-i", shelf.index]
    written(capsys, *usual, "--exclude-near-copies")
    written(capsys, *usual, "--together-by", "publication", "--linked")


@pytest.mark.parametrize("fold", ["", "fold-1"])
def test_figures_of_calibrated_indexes_fit(
    fold: str, calibrated_folds: Any, capsys: Capture
) -> None:
    usual = ["evaluate", calibrated_folds.table, "--where", "split=dev", "--coverage", "0.9"]
    new = "split=new"
    shots = ["--few-shot-where", new, "--shots", "1,2", "--repeats", 2] if fold else []
    index = calibrated_folds.index / fold
    written(capsys, *usual, "-i", index, "--unknown-where", new, *shots)


def test_lists_and_reports_fit(shelf: Any, capsys: Capture) -> None:
    for name in ("info", "list-labs", "verify"):
        written(capsys, name, "-i", shelf.index)


def test_the_report_of_a_damaged_index_fits(shelf: Any, tmp_path: Path, capsys: Capture) -> None:
    import shutil

    index = tmp_path / "damaged.index"
    shutil.copytree(shelf.index, index)
    [segment] = (index / "segments").glob("*.h5")
    segment.write_bytes(segment.read_bytes()[:-1])
    written(capsys, "verify", "-i", index, code=4)


@pytest.mark.parametrize("what", ["labs", "sequences"])
def test_groups_fit(what: str, shelf: Any, capsys: Capture) -> None:
    pytest.importorskip("sklearn")
    written(capsys, "cluster", "-i", shelf.index, "--what", what, "--k", "2-3")


def test_coordinates_fit(shelf: Any, tmp_path: Path) -> None:
    pytest.importorskip("openTSNE")
    queries = shelf.fasta(tmp_path / "q.fa", shelf.plasmids[:2])
    table = tmp_path / "map.json"
    picture = tmp_path / "map.html"
    arguments = ["-i", shelf.index, "-o", picture, "--table", table, "--query", queries]
    assert run(["map", *map(str, arguments), "--perplexity", "5", "-q"]) == 0
    check(json.loads(table.read_text()), "map")


def test_a_lie_is_told(shelf: Any, tmp_path: Path, capsys: Capture) -> None:
    queries = shelf.fasta(tmp_path / "q.fa", shelf.plasmids[:1])
    assert run(["query", str(queries), "-i", str(shelf.index), "--format", "json", "-q"]) == 0
    [answer] = json.loads(capsys.readouterr().out)
    validator = Draft202012Validator(output_schema("query", lines=True))
    assert validator.is_valid({**answer, "a later key": 1})
    with pytest.raises(AssertionError, match=r"describe it in vecattr/schemas/query\.json"):
        check({**answer, "a later key": 1}, "query", lines=True)
    for key in PROMISED["query"].split():
        assert not validator.is_valid({name: answer[name] for name in answer if name != key}), key
        assert not validator.is_valid({**answer, key: {}}), key
    assert not validator.is_valid({**answer, "labs": [{**answer["labs"][0], "rank": 0}]})


def test_joint_and_linked_answers_fit(shelf: Any, tmp_path: Path, capsys: Capture) -> None:
    queries = shelf.fasta(tmp_path / "q.fa", shelf.plasmids[:3])
    written(capsys, "query", queries, "-i", shelf.index, "--together", "--neighbors", 1)
    written(capsys, "query", queries, "-i", shelf.index, "--linked", "-k", 2)
    table = [shelf.table, "--where", "split=dev", "-i", shelf.index]
    written(capsys, "query", *table, "--together-by", "lab")
    written(capsys, "evaluate", *table, "--together-by", "publication", "--linked")


def test_joint_answers_of_a_calibrated_index_fit(
    calibrated_folds: Any, tmp_path: Path, capsys: Capture
) -> None:
    queries = calibrated_folds.fasta(tmp_path / "q.fa", calibrated_folds.plasmids[:3])
    index = calibrated_folds.index / "fold-1"
    written(capsys, "query", queries, "-i", index, "--together", "--coverage", "0.9")
