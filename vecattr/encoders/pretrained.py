"""The encoder that comes with vecattr: nothing in, the path of its model folder out.

It was trained on public plasmids (its MODEL_CARD.md says which and how) and holds an encoder and a
fusion (`vecattr.ranking.evidence_ranker`) alone: no lab vectors, no plasmid, no name. An index
makes all else of its own plasmids.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from vecattr.encoders.model_folder import CONFIG_FILE
from vecattr.errors import MissingError

FOLDER = "pretrained"


def shipped_encoder() -> Path:
    """Its model folder; MissingError when it was not installed with the package."""
    folder = files("vecattr") / FOLDER
    if not isinstance(folder, Path) or not (folder / CONFIG_FILE).is_file():
        raise MissingError(
            "the encoder that comes with vecattr is not installed",
            where=str(folder),
            hint="install vecattr again, unpacked, or name a model folder with --model",
        )
    return folder
