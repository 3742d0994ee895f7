"""Answers of `vecattr query` as JSON or JSON lines in; a table and a bar graph for MultiQC out.

    python vecattr_mqc.py answers/*.jsonl -o multiqc/vecattr_mqc.json && multiqc multiqc

MultiQC reads files called `*_mqc.json` as custom content. Needs Python alone. A record that could
not be read has its error in the place of a lab. Ids of two files that are alike are told apart by
the name of the file.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

STRENGTHS = ("strong", "moderate", "weak", "none", "unrated", "bad record")

HEADERS = {
    "lab": {"title": "Lab", "description": "The first lab, or what is wrong with the record"},
    "probability": {
        "title": "Probability",
        "description": "Of the first lab",
        "min": 0,
        "max": 1,
        "format": "{:,.3f}",
        "scale": "Blues",
    },
    "outside": {
        "title": "Outside",
        "description": "Probability of a lab that the index does not know",
        "min": 0,
        "max": 1,
        "format": "{:,.3f}",
        "scale": "Oranges",
    },
    "verdict": {"title": "Verdict", "description": "known, unknown or uncalibrated"},
    "strength": {"title": "Strength", "description": "How much the answer can be relied on"},
    "length": {"title": "Bases", "description": "Of the record", "format": "{:,.0f}"},
}


def read_answers(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON or JSON lines."""
    text = path.read_text(encoding="utf-8")
    if text.lstrip().startswith("["):
        return list(json.loads(text))
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def row_of(answer: dict[str, Any]) -> dict[str, Any]:
    """The cells of one record; empty ones are left out, as MultiQC wants it."""
    if "error" in answer:
        return {"lab": answer["error"]["what"], "verdict": "bad record"}
    first = answer["labs"][0] if answer["labs"] else {}
    cells = {
        "lab": first.get("name"),
        "probability": first.get("probability"),
        "outside": answer["outside"],
        "verdict": answer["verdict"],
        "strength": answer["strength"],
        "length": answer["length"],
    }
    return {name: cell for name, cell in cells.items() if cell is not None}


def strength_of(answer: dict[str, Any]) -> str:
    """The bar of the graph that a record counts for."""
    return "bad record" if "error" in answer else answer["strength"] or "unrated"


def content(answers: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """MultiQC's custom content: a table of the records of files of these names."""
    counts = Counter(answer["query"] for found in answers.values() for answer in found)
    rows = {}
    for name, found in answers.items():
        for answer in found:
            query = answer["query"]
            rows[query if counts[query] == 1 else f"{name} {query}"] = row_of(answer)
    return {
        "id": "vecattr",
        "section_name": "Labs of origin",
        "description": "The lab most likely to have designed each plasmid (vecattr). A rank is a "
        "lead, not proof.",
        "plot_type": "table",
        "pconfig": {"id": "vecattr_labs", "title": "vecattr: labs of origin"},
        "headers": HEADERS,
        "data": rows,
    }


def graph(answers: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """MultiQC's custom content: a bar a file, by the strength of its answers."""
    counts = {name: Counter(map(strength_of, found)) for name, found in answers.items()}
    return {
        "id": "vecattr_strength",
        "section_name": "Strength of answers",
        "description": "How much the answers of each file can be relied on.",
        "plot_type": "bargraph",
        "pconfig": {"id": "vecattr_strengths", "title": "vecattr: strength", "ylab": "Records"},
        "data": {
            name: {strength: count[strength] for strength in STRENGTHS if count[strength]}
            for name, count in counts.items()
        },
    }


def main() -> None:
    """Write the table to -o, and the graph beside it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("answers", nargs="+", type=Path)
    parser.add_argument("-o", "--output", required=True, type=Path)
    options = parser.parse_args()
    if not options.output.name.endswith("_mqc.json"):
        parser.error("MultiQC reads custom content from names that end with _mqc.json")
    answers = {path.stem: read_answers(path) for path in options.answers}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(content(answers), indent=1) + "\n")
    beside = options.output.with_name(options.output.name.replace("_mqc", "_strength_mqc"))
    beside.write_text(json.dumps(graph(answers), indent=1) + "\n")


if __name__ == "__main__":
    main()
