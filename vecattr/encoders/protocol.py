"""What other parts must offer to stand in for each other: structural types, no code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vecattr.plasmid import Plasmid
from vecattr.vectors import Vectors


class SequenceEmbedder(Protocol):
    """Plasmids in, unit vectors out; the only thing an index asks of a model."""

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
