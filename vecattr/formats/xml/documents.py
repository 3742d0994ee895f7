"""XML of sequences (Geneious, JBEI's `seq`, INSDSeq, GBSeq, TinySeq): an open file in; records out.

Each kind is an element for a record, with elements for its name, its bases and its topology inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers.expat import ExpatError, ParserCreate

from vecattr.errors import InputError
from vecattr.formats.record import Record, id_and_names
from vecattr.formats.topology import topology_of
from vecattr.inputs.input_files import InputFile

#: More elements inside each other than any program writes.
_DEEPEST = 1000


class _Kind(NamedTuple):
    """The elements of one kind of document, by the last word of their names: of a record, of its
    names (the best first), bases, topology and length, and of what says that it is protein."""

    names: tuple[str, ...]
    bases: str
    topology: str
    length: str = ""
    molecule: str = ""
    is_direct: bool = True


_KINDS = {
    "seq": _Kind(("name",), "sequence", "circular"),
    "geneiousDocument": _Kind(
        ("override_cache_name", "cache_name", "name"),
        "charSequence",
        "isCircular",
        molecule="class",
        is_direct=False,
    ),
    "TSeq": _Kind(
        ("TSeq_accver", "TSeq_defline"), "TSeq_sequence", "", "TSeq_length", "TSeq_seqtype"
    ),
    **{
        f"{word}Seq": _Kind(
            (f"{word}Seq_accession-version", f"{word}Seq_locus"),
            f"{word}Seq_sequence",
            f"{word}Seq_topology",
            f"{word}Seq_length",
            f"{word}Seq_moltype",
        )
        for word in ("INSD", "GB")
    },
}

#: What says that letters are amino acids.
_PROTEIN = ("aminoacid", "protein", "aa")


@dataclass
class _Draft:
    """A record that is being read: its kind, the depth of its element, and the texts found."""

    kind: _Kind
    depth: int
    texts: dict[str, str] = field(default_factory=dict)


@dataclass
class _Documents:
    """Collects the records of a document as its elements begin and end."""

    file_name: str
    records: list[Record] = field(default_factory=list)
    drafts: list[_Draft] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    depth: int = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise InputError(
                "the XML is nested too deeply", where=self.file_name, hint="export it as GenBank"
            )
        self.pieces = []
        word = name.rpartition(":")[2]
        kind = _KINDS.get(word)
        if kind is not None and not self.drafts:
            self.drafts.append(_Draft(kind, self.depth))
        if self.drafts and (draft := self.drafts[-1]).kind.molecule:
            if draft.depth == self.depth and draft.kind.molecule in attributes:
                draft.texts[draft.kind.molecule] = attributes[draft.kind.molecule]
            elif word == draft.kind.molecule and "value" in attributes:
                draft.texts[word] = attributes["value"]

    def text(self, text: str) -> None:
        self.pieces.append(text)

    def end(self, name: str) -> None:
        word = name.rpartition(":")[2]
        if self.drafts:
            draft = self.drafts[-1]
            if draft.depth == self.depth:
                self.drafts.pop()
                self._finish(draft)
            elif not draft.kind.is_direct or draft.depth == self.depth - 1:
                kind = draft.kind
                if word in (*kind.names, kind.bases, kind.topology, kind.length, kind.molecule):
                    draft.texts.setdefault(word, "".join(self.pieces).strip())
        self.pieces = []
        self.depth -= 1

    def _finish(self, draft: _Draft) -> None:
        kind, texts = draft.kind, draft.texts
        if kind.bases not in texts:
            return  # a document beside the sequences, such as Geneious's history
        name, names = id_and_names(*(texts.get(word, "") for word in kind.names))
        number = len(self.records) + 1
        shown = repr(name) if name else f"number {number}"
        topology = texts.get(kind.topology, "")
        self.records.append(
            Record(
                name,
                f"{self.file_name}, record {shown}",
                texts[kind.bases],
                topology=topology_of("circular", topology) or topology_of("topology", topology),
                problem=_problem(kind, texts),
                names=names,
            )
        )


def _problem(kind: _Kind, texts: dict[str, str]) -> InputError | None:
    molecule = texts.get(kind.molecule, "").lower().rpartition(".")[2]
    if any(word in molecule if word != "aa" else molecule == word for word in _PROTEIN):
        return InputError("this is a protein record", hint="vecattr reads nucleotide sequences")
    stated, held = texts.get(kind.length, ""), len("".join(texts[kind.bases].split()))
    if stated.isdecimal() and stated.lstrip("0") != str(held):
        return InputError(
            f"the record states {stated[:12]} bases and holds {held}",
            hint="the file is damaged or was edited by hand; export it again",
        )
    return None


def read_documents(file: InputFile) -> Iterator[Record]:
    """One record for each element that holds bases.

    Raises InputError when the file is no sound XML, is nested too deeply, or declares entities,
    whose text may be without end.
    """
    content = file.limited().read()
    documents = _Documents(file.name)
    try:
        content.decode()
        encoding = "utf-8"
    except UnicodeDecodeError:
        encoding = None  # what the file declares
    parser = ParserCreate(encoding)
    parser.buffer_text = True
    parser.StartElementHandler = documents.start
    parser.EndElementHandler = documents.end
    parser.CharacterDataHandler = documents.text

    def refuse_entities(*_: object) -> None:
        raise InputError(
            "the XML declares entities", where=file.name, hint="export it as GenBank or FASTA"
        )

    parser.EntityDeclHandler = refuse_entities
    try:
        parser.Parse(content, True)
    except (ExpatError, LookupError, ValueError) as error:  # the last two: of its encoding
        raise InputError(
            f"the XML is damaged ({error})", where=file.name, hint="copy or download it again"
        ) from error
    yield from documents.records
