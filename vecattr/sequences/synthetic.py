"""Synthetic collections: a seed in; labelled plasmids of invented labs out, for demo and tests.

Everything is drawn from one generator, so the same arguments give the same plasmids. Most bases
of a plasmid are a backbone that all labs share. What is characteristic of a lab is the rest: the
backbones and parts it prefers, the scars its cloning leaves, and genes of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import UsageError
from vecattr.plasmid import Plasmid
from vecattr.sequences.letters import BASES, Letters, letters_from_text, text_from_letters

_COMPLEMENT = np.zeros(256, dtype=np.uint8)
_COMPLEMENT[BASES] = BASES[::-1]

#: How many pieces of each kind the whole collection shares, and their lengths in bases.
_SHARED_PARTS: Mapping[str, tuple[int, int, int]] = {
    "backbone": (10, 1300, 2400),
    "promoter": (16, 80, 250),
    "terminator": (12, 60, 200),
    "linker": (20, 18, 45),
    "gene": (60, 350, 800),
}
_MARKERS = ("ampicillin", "kanamycin", "chloramphenicol", "spectinomycin")
_HOSTS = ("human", "mouse", "budding_yeast", "other")

#: How strongly a lab prefers some shared parts: the Dirichlet concentration, smaller is stronger.
_PREFERENCE = 0.35
_OWN_GENES = 4
_OWN_GENE_CHANGES = 0.08
_SCAR = 10
_GENES_OF_WORDS = 2
_TAG = 336
_POINT_MUTATIONS = 0.002
_SCAR_PROBABILITY = 0.8


@dataclass(frozen=True)
class Lexicon:
    """Words that parts are made of: those all labs share, and those that are a lab's own."""

    shared: Sequence[str]
    own: Sequence[str]


@dataclass(frozen=True)
class _Habits:
    """One lab's way of building: how often it takes each shared part, and what is its own."""

    name: str
    preferences: Mapping[str, NDArray[np.float64]]
    own_genes: Sequence[Letters]
    scar: Letters
    hosts: NDArray[np.float64]


@dataclass(frozen=True)
class _Project:
    """One publication: its plasmids share a backbone, a promoter and most of their gene."""

    name: str
    backbone: int
    promoter: int
    gene: Letters
    host: int


def synthetic_plasmids(
    *,
    labs: int,
    plasmids_per_lab: int,
    seed: int,
    own_gene_share: float = 0.5,
    lexicon: Lexicon | None = None,
) -> list[Plasmid]:
    """`labs` x `plasmids_per_lab` labelled circular plasmids of about 2 to 5 kb, sorted by lab.

    `own_gene_share` is the share of publications about one of the lab's own genes: 0 leaves only
    preferences and scars to recognize a lab by. Labs are called `Lab 01` and so on; `group` is an
    invented publication of one lab, with about five plasmids. Strand and rotation are random.
    Features are resistances (from the backbone), copy number and the host species. With a
    `lexicon` parts are concatenated words of it, and a lab has two new genes and a tag of its own:
    an encoder whose vocabulary has these words can read such plasmids. Raises UsageError for counts
    below 1 or a share outside 0 to 1.

    >>> [plasmid.lab for plasmid in synthetic_plasmids(labs=2, plasmids_per_lab=1, seed=1)]
    ['Lab 01', 'Lab 02']
    """
    if labs < 1 or plasmids_per_lab < 1 or not 0 <= own_gene_share <= 1:
        raise UsageError(
            f"a collection of {labs} labs x {plasmids_per_lab} plasmids with"
            f" {own_gene_share} own genes cannot be made"
        )
    rng = np.random.default_rng(seed)
    shared = lexicon.shared if lexicon else ()
    parts = {
        kind: [_piece(rng, int(rng.integers(shortest, longest)), shared) for _ in range(count)]
        for kind, (count, shortest, longest) in _SHARED_PARTS.items()
    }
    digits = max(2, len(str(labs)))
    plasmids: list[Plasmid] = []
    for number in range(1, labs + 1):
        habits = _habits(rng, f"Lab {number:0{digits}d}", parts)
        if lexicon:
            habits = _in_words(rng, habits, lexicon.own)
        plasmids += _plasmids(rng, habits, parts, plasmids_per_lab, own_gene_share, len(plasmids))
    return plasmids


def _habits(rng: np.random.Generator, name: str, parts: Mapping[str, list[Letters]]) -> _Habits:
    preferences = {
        kind: rng.dirichlet(np.full(len(pool), _PREFERENCE)) for kind, pool in parts.items()
    }
    models = rng.integers(len(parts["gene"]), size=_OWN_GENES)
    own_genes = [_mutated(rng, parts["gene"][model], _OWN_GENE_CHANGES) for model in models]
    scar = _random_bases(rng, _SCAR)
    return _Habits(name, preferences, own_genes, scar, rng.dirichlet(np.full(len(_HOSTS), 0.5)))


def _in_words(rng: np.random.Generator, habits: _Habits, words: Sequence[str]) -> _Habits:
    """The same habits with genes and a tag of the lab's own words: a mutated k-mer would be out of
    the vocabulary, and every word is longer than a scar."""
    genes = [_piece(rng, len(gene), words) for gene in habits.own_genes[:_GENES_OF_WORDS]]
    return replace(habits, own_genes=genes, scar=_piece(rng, _TAG, words))


def _plasmids(
    rng: np.random.Generator,
    habits: _Habits,
    parts: Mapping[str, list[Letters]],
    count: int,
    own_gene_share: float,
    before: int,
) -> list[Plasmid]:
    """`count` plasmids of one lab, a few from each of its publications."""
    projects = [
        _project(rng, habits, parts, own_gene_share, f"{habits.name} paper {number}")
        for number in range(1, 2 + count // 5)
    ]
    plasmids = []
    for number in range(before + 1, before + count + 1):
        project = projects[int(rng.integers(len(projects)))]
        bases = _as_deposited(rng, _built(rng, project, habits, parts))
        plasmids.append(
            Plasmid(
                f"made{number:05d}",
                text_from_letters(bases),
                features=_features(project),
                lab=habits.name,
                group=project.name,
            )
        )
    return plasmids


def _project(
    rng: np.random.Generator,
    habits: _Habits,
    parts: Mapping[str, list[Letters]],
    own_gene_share: float,
    name: str,
) -> _Project:
    if rng.random() < own_gene_share:
        gene = habits.own_genes[int(rng.integers(len(habits.own_genes)))]
    else:
        gene = parts["gene"][_preferred(rng, habits, "gene")]
    return _Project(
        name,
        _preferred(rng, habits, "backbone"),
        _preferred(rng, habits, "promoter"),
        gene,
        int(rng.choice(len(_HOSTS), p=habits.hosts)),
    )


def _preferred(rng: np.random.Generator, habits: _Habits, kind: str) -> int:
    return int(rng.choice(len(habits.preferences[kind]), p=habits.preferences[kind]))


def _built(
    rng: np.random.Generator, project: _Project, habits: _Habits, parts: Mapping[str, list[Letters]]
) -> Letters:
    """Backbone, then promoter, gene, linker, a second gene or none, terminator, with scars."""
    scar = habits.scar if rng.random() < _SCAR_PROBABILITY else _random_bases(rng, _SCAR)
    pieces = [parts["backbone"][project.backbone], scar, parts["promoter"][project.promoter]]
    pieces.append(project.gene)
    if rng.random() < 0.6:
        pieces.append(parts["linker"][_preferred(rng, habits, "linker")])
        pieces.append(parts["gene"][int(rng.integers(len(parts["gene"])))])
    pieces += [scar, parts["terminator"][_preferred(rng, habits, "terminator")]]
    return np.concatenate(pieces)


def _as_deposited(rng: np.random.Generator, bases: Letters) -> Letters:
    """With point mutations, on either strand, rotated at random."""
    bases = _mutated(rng, bases, _POINT_MUTATIONS)
    if rng.random() < 0.5:
        bases = _COMPLEMENT[bases[::-1]]
    return np.roll(bases, int(rng.integers(len(bases))))


def _features(project: _Project) -> dict[str, int]:
    marker = _MARKERS[project.backbone % len(_MARKERS)]
    features = {f"bacterial_resistance_{name}": int(name == marker) for name in _MARKERS}
    features["copy_number_high"] = int(project.backbone % 3 > 0)
    features |= {f"species_{name}": int(name == _HOSTS[project.host]) for name in _HOSTS}
    return features


def _piece(rng: np.random.Generator, length: int, words: Sequence[str]) -> Letters:
    """Random bases or, when there are words, random words, cut to the length."""
    if not words:
        return _random_bases(rng, length)
    text = ""
    while len(text) < length:
        text += words[int(rng.integers(len(words)))]
    return letters_from_text(text[:length])


def _random_bases(rng: np.random.Generator, length: int) -> Letters:
    return BASES[rng.integers(4, size=length)]


def _mutated(rng: np.random.Generator, bases: Letters, share: float) -> Letters:
    """A copy in which about `share` of the bases are replaced by random ones."""
    drawn = BASES[rng.integers(4, size=len(bases))]
    return np.where(rng.random(len(bases)) < share, drawn, bases)
