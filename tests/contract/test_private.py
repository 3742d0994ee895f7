"""An index without sequences tells nobody the bases of its plasmids: an attacker who knows every
format and every hash tries each artifact."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vecattr import Index, Plasmid
from vecattr.cli.commands.demo import encoder_lexicon
from vecattr.cli.main import run
from vecattr.datasets.classes import ClassRule
from vecattr.encoders.embedder import load_embedder
from vecattr.encoders.lookup_file import table_bytes
from vecattr.encoders.model_folder import TABLES_FILE, TOKENIZER_FILE, WEIGHTS_FILE, model_identity
from vecattr.encoders.pretrained import shipped_encoder
from vecattr.encoders.weights import StoredKmerVectors, read_weights, vocabulary_hashes
from vecattr.errors import UsageError
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing.add import add_labs
from vecattr.indexes.editing.build import build_index
from vecattr.indexes.editing.edit import compact
from vecattr.indexes.storage.index_folder import MODEL_FOLDER
from vecattr.plasmid import reverse_complement
from vecattr.sequences.canonical import canonical_sequence
from vecattr.sequences.kmers import Hashes, mix, sampled_kmers, windows_of
from vecattr.sequences.synthetic import synthetic_plasmids

#: The share of bases that an artifact may disclose when it is called free of sequences. (By chance
#: alone a word of 64 bits is one of some 10^5 in less than one file in 10^6.)
MOST = 0.001
#: And that must be found where sequences or k-mers are stored, or the attack is none.
LEAST = 0.9

#: Lengths of the k-mers that are looked for.
KMERS = (15, 21, 31)
#: Bases of a piece that is looked for as packed bytes, four to a byte.
PACKED = 24

Mask = NDArray[np.bool_]
#: Words that stand for windows, ascending, and where each begins.
Table = tuple[Hashes, NDArray[np.int64]]


class Attack:
    """Looks for pieces of the plasmids in bytes, as somebody who would know them on sight; what is
    not found so is not there for somebody who guesses them either."""

    def __init__(self, plasmids: Sequence[Plasmid]) -> None:
        self.plasmids = plasmids
        self.starts = np.cumsum([0, *map(len, plasmids)])
        self.words = {k: self._table(k, _spellings_in_words) for k in KMERS}
        self.packed = self._table(PACKED, _spellings_in_bytes)

    def _table(self, k: int, spellings: Callable[[str, int], list[Hashes]]) -> Table:
        """What can stand for a window of k bases, ascending, and where it begins."""
        words, places = [], []
        for start, plasmid in zip(self.starts.tolist(), self.plasmids, strict=False):
            for spelling in spellings(plasmid.sequence, k):
                words.append(spelling)
                places.append(start + np.arange(len(spelling)))
        order = np.argsort(np.concatenate(words), kind="stable")
        return np.concatenate(words)[order], np.concatenate(places)[order]

    def share(self, data: bytes) -> float:
        """The share of all bases that are in some piece that the bytes hold."""
        found = np.zeros(int(self.starts[-1]), dtype=bool)
        self._find_text(data, found)
        for words in _words_of(data):
            for k, table in self.words.items():
                _mark(found, table, words, k)
        for words in _packed_words_of(data):
            _mark(found, self.packed, words, PACKED)
        return float(found.mean())

    def _find_text(self, data: bytes, found: Mask) -> None:
        for word in set(re.findall(rb"[ACGTacgt]{12,}", data)):
            text = word.decode().upper()
            for spelling in (text, reverse_complement(text)):
                for start, plasmid in zip(self.starts.tolist(), self.plasmids, strict=False):
                    for match in re.finditer(f"(?={spelling})", plasmid.sequence):
                        place = start + match.start()
                        found[place : place + len(spelling)] = True

    def confirms(self, data: bytes) -> bool:
        """Whether the bytes hold a digest of a plasmid, by which a guess of all of it could be
        confirmed, as bytes or as hexadecimal digits."""
        text = data.lower()
        spellings = [
            spelling.encode()
            for plasmid in self.plasmids
            for bases in (plasmid.sequence, canonical_sequence(plasmid))
            for spelling in (bases, reverse_complement(bases), bases.lower())
        ]
        digests = [digest for spelling in spellings for digest in _digests(spelling)]
        return any(digest in data or digest.hex().encode() in text for digest in digests)


def _spellings_in_words(bases: str, k: int) -> list[Hashes]:
    """The words of 64 bits that can stand for each window: two bits a base, plain or scrambled."""
    windows = windows_of(bases, k=k, circular=False)
    codes = [windows.forward, windows.backward, np.minimum(windows.forward, windows.backward)]
    return [*codes, *map(mix, codes)]


def _spellings_in_bytes(bases: str, k: int) -> list[Hashes]:
    """Each window as bytes of four bases, the first base in high bits or in low ones."""
    spellings = []
    for strand in (bases, reverse_complement(bases)):
        windows = [strand[place : place + k] for place in range(len(bases) - k + 1)]
        if strand != bases:
            windows.reverse()  # so that each stands at its place on the first strand
        for order in (1, -1):
            codes = [int(window[::order].translate(_DIGITS), 4) for window in windows]
            spellings.append(np.array(codes, dtype=np.uint64))
    return spellings


def _words_of(data: bytes) -> Iterator[Hashes]:
    """All words of 64 bits, wherever they begin and whichever byte comes first."""
    for offset in range(8):
        whole = data[offset : offset + (len(data) - offset) // 8 * 8]
        for order in "<>":
            yield np.frombuffer(whole, dtype=f"{order}u8").astype(np.uint64)


def _packed_words_of(data: bytes) -> Iterator[Hashes]:
    """PACKED bases from each byte on as a number, whichever byte comes first."""
    size = PACKED // 4
    letters = np.frombuffer(data, dtype=np.uint8).astype(np.uint64)
    count = max(0, len(letters) - size + 1)
    for order in (range(size), range(size)[::-1]):
        words = np.zeros(count, dtype=np.uint64)
        for place in order:
            words = words << np.uint64(8) | letters[place : place + count]
        yield words


def _mark(found: Mask, table: Table, words: Hashes, k: int) -> None:
    """Mark every place of the words that the table has. Small words are no attack: 0 is everywhere,
    and also the code of a run of A."""
    known, places = table
    words = np.unique(words[words > 1 << 20])
    first, last = (np.searchsorted(known, words, side=side) for side in ("left", "right"))
    for begin, end in zip(first[first < last].tolist(), last[first < last].tolist(), strict=True):
        for place in places[begin:end].tolist():
            found[place : place + k] = True


def _digests(data: bytes) -> list[bytes]:
    named = [hashlib.new(name, data).digest() for name in ("md5", "sha1", "sha256")]
    return named + [hashlib.blake2b(data, digest_size=size).digest() for size in (8, 16, 32)]


_DIGITS = str.maketrans("ACGT", "0123")


def secrets(labs: int = 3, *, each: int = 4, length: int = 900, seed: int = 0) -> list[Plasmid]:
    """Plasmids made of shared parts that nobody else has, with features and publications."""
    chance = np.random.default_rng(seed)

    def bases(count: int) -> str:
        return "".join(chance.choice(list("ACGT"), size=count))

    parts = [bases(length // 3) for _ in range(2 * labs)]
    return [
        Plasmid(
            f"s{seed}-{lab}-{number}",
            parts[lab] + parts[chance.integers(len(parts))] + bases(length // 3),
            topology="circular" if number % 2 else "linear",
            features={"amp": number % 2},
            lab=f"Lab {lab}",
            group=f"paper {lab} {number // 2}",
        )
        for lab in range(labs)
        for number in range(each)
    ]


def artifacts(index: Path, *, besides: Sequence[str] = ()) -> Iterator[Path]:
    return (
        path for path in sorted(index.rglob("*")) if path.is_file() and path.name not in besides
    )


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Attack]:
    """An index without sequences that was built, added to, and merged; and what to find in it."""
    path, first, more = tmp_path_factory.mktemp("private") / "i", secrets(), secrets(2, seed=1)
    options: dict[str, Any] = {"model": shipped_encoder(), "rule": ClassRule(None)}
    build_index(path, first, keep_sequences=False, search="approximate", **options)
    add_labs(path, [*more])
    compact(path)
    return path, Attack([*first, *more])


def test_no_file_of_an_index_without_sequences_holds_a_base(private: tuple[Path, Attack]) -> None:
    path, attack = private
    public = (WEIGHTS_FILE, TABLES_FILE)
    files = list(artifacts(path, besides=public))
    assert {".h5", ".faiss", ".cells", ".json", ".jsonl"} <= {file.suffix for file in files}
    for file in files:
        data = file.read_bytes()
        assert attack.share(data) <= MOST, file
        assert not attack.confirms(data), file


def test_its_model_is_what_everybody_has(private: tuple[Path, Attack]) -> None:
    folder, shipped = private[0] / MODEL_FOLDER, shipped_encoder()
    assert (folder / WEIGHTS_FILE).read_bytes() == (shipped / WEIGHTS_FILE).read_bytes()
    tables = table_bytes(shipped, identity=model_identity(shipped))
    assert (folder / TABLES_FILE).read_bytes() == tables


def test_info_and_verify_call_it_private(private: tuple[Path, Attack]) -> None:
    assert Index.open(private[0]).info()["bases_disclosed_by"] == []
    assert verify_index(private[0]).findings == ()


def test_the_attack_reads_an_index_with_sequences(tmp_path: Path) -> None:
    plasmids = secrets()
    build_index(tmp_path / "i", plasmids, model=shipped_encoder(), rule=ClassRule(None))
    [segment] = (tmp_path / "i" / "segments").glob("*.h5")
    attack, data = Attack(plasmids), segment.read_bytes()
    assert attack.share(data) >= LEAST
    assert "sequences" in str(Index.open(tmp_path / "i").info()["bases_disclosed_by"])
    assert attack.share("\n".join(plasmid.sequence for plasmid in plasmids).encode()) == 1
    [digest] = {hashlib.sha256(plasmids[0].sequence.encode()).hexdigest()}
    assert attack.confirms(b"x" + digest.encode())


def built_without_sequences(made: Any, path: Path, *more: str) -> int:
    """The exit code of a build with the model that was trained on the same table."""
    command = ["build-index", f"{made.table}", "--where", "split=train", "-m", f"{made.model}"]
    return run([*command, "-i", f"{path}", "--no-sequences", "--threads", "1", *more])


def test_a_bag_of_the_same_plasmids_is_refused(
    shelf: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert built_without_sequences(shelf, tmp_path / "i") == 2
    message = capsys.readouterr().err
    assert re.search("21-mers of the plasmids that it was trained on", message)
    assert "--disclose-model-kmers" in message
    options: dict[str, Any] = {"model": shelf.model, "rule": ClassRule(None)}
    with pytest.raises(UsageError, match="turn them back into bases"):
        build_index(tmp_path / "i", shelf.plasmids, keep_sequences=False, **options)
    assert list(tmp_path.iterdir()) == []


def test_who_takes_it_all_the_same_is_told_everywhere(
    shelf: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "i"
    assert built_without_sequences(shelf, path, "--disclose-model-kmers") == 0
    assert "NOT private" in capsys.readouterr().err
    attack = Attack(shelf.plasmids)
    assert attack.share((path / MODEL_FOLDER / TABLES_FILE).read_bytes()) >= 0.5
    assert run(["info", "-i", f"{path}", "--format", "json"]) == 0
    [disclosure] = json.loads(capsys.readouterr().out)["bases_disclosed_by"]
    assert "21-mers of the plasmids that it was trained on" in disclosure
    [finding] = verify_index(path).findings
    assert finding.level == "warning"
    assert "turned back into bases" in finding.what
    for file in artifacts(path, besides=(WEIGHTS_FILE, TABLES_FILE)):
        assert attack.share(file.read_bytes()) <= MOST, file


def test_folds_of_bags_are_refused(calibrated_folds: Any, tmp_path: Path) -> None:
    assert built_without_sequences(calibrated_folds, tmp_path / "i", "-q") == 2
    assert list(tmp_path.iterdir()) == []


def test_with_sequences_info_names_both(shelf: Any) -> None:
    sources = Index.open(shelf.index).info()["bases_disclosed_by"]
    assert isinstance(sources, list)
    assert [source.split()[0] for source in sources] == ["sequences", "the"]


def test_a_text_cnn_of_few_plasmids_holds_long_pieces_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plasmids = secrets(2, each=4, length=450)
    rows = [f"{p.id},{p.lab},{p.sequence}" for p in plasmids]
    (tmp_path / "t.csv").write_text("\n".join(["sequence_id,lab,sequence", *rows]) + "\n")
    small = "--encoder cnn --width 8 --filters 4 --kernels 1,2 --epochs 1 --threads 1 -q"
    assert run(["train", f"{tmp_path / 't.csv'}", "-o", f"{tmp_path / 'm'}", *small.split()]) == 0
    command = ["build-index", f"{tmp_path / 't.csv'}", "-m", f"{tmp_path / 'm'}", "--no-sequences"]
    assert run([*command, "-i", f"{tmp_path / 'i'}"]) == 0
    assert re.search("NOT private.*pieces of 12 to 16 bases", capsys.readouterr().err)
    attack = Attack(plasmids)
    for file in artifacts(tmp_path / "i", besides=(TOKENIZER_FILE,)):
        assert attack.share(file.read_bytes()) <= MOST, file
    [finding] = verify_index(tmp_path / "i").findings
    assert "pieces of 12 to 16 bases" in finding.what


def test_vectors_name_few_of_the_kmers_that_they_are_means_of() -> None:
    """The attacker knows the model, so every k-mer's vector, and how many to look for, and takes
    those that point most in the vector's direction."""
    plasmids = synthetic_plasmids(labs=6, plasmids_per_lab=4, seed=9, lexicon=encoder_lexicon())
    shipped = shipped_encoder()
    embedder, weights = load_embedder(shipped, device="cpu"), read_weights(shipped)
    config = json.loads((shipped / "config.json").read_text())["encoder"]
    hashes = vocabulary_hashes(shipped, weights)
    vectors = kmer_directions(shipped, weights, config)
    found = total = 0
    for plasmid, vector in zip(plasmids, embedder.embed(plasmids), strict=True):
        kmers = np.unique(sampled_kmers(plasmid.sequence, k=config["k"], scaled=config["scaled"]))
        known = np.isin(hashes, kmers)
        count = int(known.sum())
        assert count > 20
        guesses = np.argpartition(-(vectors @ vector), count)[:count]
        found, total = found + int(known[guesses].sum()), total + count
    assert found / total <= 0.01


def kmer_directions(shipped: Path, weights: Any, config: Any) -> NDArray[np.float32]:
    """Unit vectors of the vocabulary's k-mers, as wide as those of plasmids (n, d)."""
    from vecattr.encoders.config import encoder_config

    parsed: Any = encoder_config(config)
    size = len(vocabulary_hashes(shipped, weights)) + 1
    stored = StoredKmerVectors.from_arrays(shipped, weights, parsed, size=size).all()[1:]
    wide = stored @ np.asarray(weights["widen.weight"], dtype=np.float32).T
    return wide / np.linalg.norm(wide, axis=1, keepdims=True)
