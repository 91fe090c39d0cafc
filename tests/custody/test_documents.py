from __future__ import annotations

import pytest

from oracle.corpus.canonical import canonical_line
from oracle.corpus.document import Document
from oracle.custody.context import Context
from oracle.custody.documents import Opening, Tree, leaves, prove, read_opening, salt, salt_key, verify
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import merkle

CONTEXT = Context.new()
RUN = b"\x0c" * 32
SALTS = salt_key(b"\x2a" * 32, CONTEXT, RUN)
LINES = [canonical_line(Document(str(n), f"text ü {n}")) for n in range(70)]


def tree(lines: list[bytes]) -> Tree:
    made = Tree()
    for leaf in leaves(SALTS, 0, lines):
        made.add(leaf)
    return made


@pytest.mark.parametrize("count", [*range(20), 31, 32, 33, 63, 64, 65])
def test_the_streamed_tree_is_the_tree_of_rfc_6962(count: int) -> None:
    entries = [salt(SALTS, index) + line for index, line in enumerate(LINES[:count])]
    assert tree(LINES[:count]).root() == merkle.document_root(entries)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 9, 64, 70])
def test_every_document_can_be_opened(count: int) -> None:
    root = tree(LINES[:count]).root()
    entries = [salt(SALTS, index) + line for index, line in enumerate(LINES[:count])]
    for index in range(count):
        opening = prove(SALTS, iter(LINES[:count]), count, index)
        assert opening.path == merkle.document_proof(entries, index).path
        assert verify(root, read_opening(opening.to_bytes())) == Document(str(index), f"text ü {index}")


@pytest.mark.parametrize(
    "lie",
    [
        {"index": 6},
        {"index": 70},
        {"count": 71},
        {"salt": bytes(32)},
        {"document": LINES[6].decode()},
        {"path": ()},
        {"path": (bytes(32),) * 7},
    ],
)
def test_a_proof_that_lies_is_found(lie: dict[str, object]) -> None:
    opening = prove(SALTS, LINES, 70, 5)
    with pytest.raises(CheckFailed) as failure:
        verify(tree(LINES).root(), Opening.model_validate(dict(opening) | lie))
    assert "document" in failure.value.input


def test_a_proof_says_nothing_about_neighbours() -> None:
    """A guessed neighbour cannot be confirmed: its leaf is salted with what the proof does not hold."""
    opening = prove(SALTS, LINES, 70, 5)
    guess = tree([]).root()
    assert merkle._document_leaf(LINES[4]) not in opening.path and guess not in opening.path
    assert opening.path[0] == next(leaves(SALTS, 4, [LINES[4]]))


def test_salts_differ_between_documents_keys_and_data_sets() -> None:
    keys = [
        SALTS,
        salt_key(b"\x2b" * 32, CONTEXT, RUN),
        salt_key(b"\x2a" * 32, Context.new(), RUN),
        salt_key(b"\x2a" * 32, CONTEXT, bytes(32)),
    ]
    assert len({salt(key, index) for key in keys for index in range(10)}) == 40


def test_there_is_no_such_document() -> None:
    for index in (-1, 70):
        with pytest.raises(BadInput):
            prove(SALTS, LINES, 70, index)
    with pytest.raises(CheckFailed):
        prove(SALTS, LINES[:69], 70, 5)


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"\xff", b'{"kind":"mixed-mia/opening/1"}'])
def test_no_proof_at_all(data: bytes) -> None:
    with pytest.raises(CheckFailed):
        read_opening(data)


def test_a_line_in_another_spelling_is_no_document() -> None:
    spaced = LINES[0].replace(b":", b": ")
    root = tree([spaced]).root()
    with pytest.raises(CheckFailed):
        verify(root, prove(SALTS, [spaced], 1, 0))
