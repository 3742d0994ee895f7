"""The interface of an embedder: a structural type that models and tests implement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from vecattr.encoders.axes import Axes, are_orthonormal
from vecattr.errors import MismatchError
from vecattr.plasmid import Plasmid
from vecattr.vectors import Vectors


class SequenceEmbedder(Protocol):
    """Plasmids in, unit vectors out: all that an index needs of a model."""

    @property
    def identity(self) -> str:
        """The model's identity (hex): equal identities give equal vectors."""
        ...

    @property
    def width(self) -> int:
        """Numbers in one vector, d."""
        ...

    def embed(self, plasmids: Sequence[Plasmid]) -> Vectors:
        """Unit rows (n, d), float32; a plasmid's row does not depend on its batch mates."""
        ...


@runtime_checkable
class FeatureReader(Protocol):
    """An embedder that tells which features it reads."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features that change a vector."""
        ...


@runtime_checkable
class NarrowEmbedder(Protocol):
    """An embedder whose vectors lie in a space of fewer dimensions than they have numbers."""

    @property
    def axes(self) -> Axes | None:
        """Orthonormal axes (r, d) of the space of plasmids without features; None where it is not
        narrow."""
        ...


def axes_of(embedder: SequenceEmbedder) -> Axes | None:
    """The axes along which an embedder's vectors are compared; None when it tells none.
    MismatchError for axes that are not orthonormal float32 rows of its width."""
    axes = embedder.axes if isinstance(embedder, NarrowEmbedder) else None
    if axes is not None and not are_orthonormal(axes, width=embedder.width):
        raise MismatchError(
            f"the axes of the embedder are not orthonormal float32 rows of {embedder.width}",
            hint="its property `axes` is for the space that its vectors lie in, or None",
        )
    return axes


def features_read(embedder: SequenceEmbedder) -> frozenset[str] | None:
    """The features that change the vectors of an embedder; None when it does not tell."""
    return frozenset(embedder.feature_names) if isinstance(embedder, FeatureReader) else None
