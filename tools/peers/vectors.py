"""An index of vecattr as a peer: sequences in, the cosines of its labs out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from peers.costs import Cost, own_cost
from peers.ranking import Scores
from peers.rows import Bench
from vecattr.errors import MismatchError
from vecattr.indexes.index import Panel, open_panel
from vecattr.plasmid import Plasmid
from vecattr.version import __version__


@dataclass(frozen=True)
class OpenIndex:
    """A panel of one index."""

    panel: Panel

    @property
    def names(self) -> tuple[str, ...]:
        return self.panel.lab_names

    def ask(self, plasmids: Sequence[Plasmid]) -> tuple[Scores, Cost]:
        """Scores (q, labs) and their cost, embedding included."""
        return own_cost(lambda: self.panel.judge(plasmids).scores)


@dataclass(frozen=True)
class VecattrPeer:
    """The index at a path, built from the rows `split=train` with the same list of labs."""

    index: Path

    name = "vecattr"

    def missing(self) -> str | None:
        return None

    def settings(self) -> dict[str, object]:
        """What the answers depend on."""
        return {"version": __version__, "index": self._panel().identity}

    def open(self, bench: Bench) -> OpenIndex:
        """Open the index, and query it once, so that no query is charged for loading.

        MismatchError when its classes are not those of the stored plasmids."""
        opened = OpenIndex(self._panel())
        classes = {bench.rule.label(plasmid.lab or "") for plasmid in bench.train()}
        differences = classes.symmetric_difference(opened.names)
        if differences:
            raise MismatchError(
                f"the index and the rows split=train differ in {len(differences)} classes, "
                f"{min(differences)!r} among them",
                where=str(self.index),
                hint="give an index built from those rows with the same list of labs",
            )
        opened.ask([next(bench.train())])
        return opened

    def _panel(self) -> Panel:
        return open_panel([self.index], threads=1)
