"""The encoder that comes with vecattr: the path of its model folder.

It was trained on public plasmids (its MODEL_CARD.md says which and how) and holds only an encoder
and an evidence ranker (`vecattr.ranking.evidence_ranker`): no lab vectors, plasmids or names. An
index computes the rest from its own plasmids.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from vecattr.encoders.model_folder import CONFIG_FILE, model_identity
from vecattr.errors import MissingError
from vecattr.files.atomic import translated_errors
from vecattr.files.folder import Location, OpenFolder

FOLDER = "pretrained"


def shipped_encoder() -> Path:
    """The shipped encoder's model folder; MissingError when it was not installed.

    >>> sorted(path.name for path in shipped_encoder().iterdir())
    ['MODEL_CARD.md', 'config.json', 'encoder.safetensors', 'fusion.json']
    """
    folder = files("vecattr") / FOLDER
    if not isinstance(folder, Path) or not (folder / CONFIG_FILE).is_file():
        raise MissingError(
            "the encoder that comes with vecattr is not installed",
            where=str(folder),
            hint="install vecattr again, unpacked, or name a model folder with --model",
        )
    return folder


@contextmanager
def opened_model(folder: Path) -> Iterator[Location]:
    """A model folder, opened, so that no link in it is followed: it may be a stranger's. In the
    shipped one links are followed, since some installers make them."""
    if not folder.is_dir() or folder == files("vecattr") / FOLDER:
        yield folder
        return
    with translated_errors(folder):
        opened = OpenFolder(folder)
    with opened:
        yield opened.root


@lru_cache(maxsize=1)
def shipped_identity() -> str | None:
    """The identity of the shipped encoder; None when it was not installed."""
    try:
        return model_identity(shipped_encoder())
    except MissingError:
        return None
