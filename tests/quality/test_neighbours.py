from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from english_texts import TEXTS

from oracle.corpus.sentences import split_sentences
from oracle.errors import EnvironmentFailure
from oracle.quality import neighbours
from oracle.quality.embedding import GRID, Vectors, embed
from oracle.quality.neighbours import Reference, nearest, nearest_cosines, open_reference
from oracle.quality.novelty import paper_novelty, robust_novelty

SENTENCES = list(dict.fromkeys(sentence for text in TEXTS[:8] for sentence in split_sentences(text)))[:60]


@pytest.fixture(scope="module")
def real() -> Vectors:
    return embed(SENTENCES, audited=True)


def mixtures(real: Vectors, count: int, seed: int) -> Vectors:
    """Unit vectors on the grid between real ones, with noise: near each other as sentences are."""
    draw = np.random.default_rng(seed)
    weights = draw.dirichlet([0.6] * 3, count)
    vectors = np.einsum("nk,nkd->nd", weights, real[draw.integers(0, len(real), (count, 3))])
    vectors += draw.normal(0, 0.02, vectors.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return (np.rint(vectors * GRID) / GRID).astype(np.float32)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything crosses a border: blocks of vectors, of queries, chunks, and the exact search itself."""
    for name, value in {"BLOCK": 16, "QUERIES": 7, "CHUNK": 25, "EXACT": 40}.items():
        monkeypatch.setattr(neighbours, name, value)


@pytest.mark.usefixtures("small")
def test_exact_search_is_brute_force(real: Vectors) -> None:
    vectors = np.concatenate((mixtures(real, 50, 1), mixtures(real, 50, 1)))  # every vector twice: the first counts
    queries = mixtures(real, 20, 2)
    products = queries.astype(np.float64) @ vectors.T.astype(np.float64)
    for stored in (vectors, np.rint(vectors * GRID).astype(np.int16)):
        places, cosines = nearest(queries, stored)
        assert np.array_equal(places, products.argmax(axis=1)) and places.max() < 50
        assert np.array_equal(cosines, products.max(axis=1))
        assert np.array_equal(nearest_cosines(queries, stored, 5), np.sort(products, axis=1)[:, -5:])
    assert nearest_cosines(queries, vectors, 1_000).shape == (20, 100)


def test_nothing_is_near_where_there_is_nothing(real: Vectors) -> None:
    places, cosines = nearest(real[:2], real[:0])
    assert (places.tolist(), cosines.tolist()) == ([-1, -1], [-1.0, -1.0])


def test_the_graph_finds_99_of_100_and_is_the_same_twice(real: Vectors) -> None:
    vectors = np.rint(mixtures(real, 4_000, 3) * GRID).astype(np.int16)
    queries = mixtures(real, 300, 4)
    expected, cosines = nearest(queries, vectors)
    graphs = [Reference("", [], vectors, neighbours._link(vectors, None)) for _ in range(2)]
    places, found = graphs[0].nearest(queries)
    assert np.mean(places == expected) >= 0.99
    assert np.array_equal(found[places == expected], cosines[places == expected])
    assert all(np.array_equal(*pair) for pair in zip(graphs[1].nearest(queries), (places, found), strict=True))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("count", [0, 1, 40, 60])
def test_a_reference_is_built_once(count: int, real: Vectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, int, int]] = []
    first = open_reference(SENTENCES[:count], tmp_path / "new", progress=lambda *step: told.append(step))
    places, cosines = first.nearest(real)
    assert len(first) == count
    if count:
        assert places[:count].tolist() == list(range(count)) and (abs(cosines[:count] - 1) < 1e-3).all()
        assert ("reference", count, count) in told and (("index", count, count) in told) == (count > 40)
        assert first.sentence(count - 1) == SENTENCES[count - 1]
    assert len(list((tmp_path / "new").iterdir())) == 1 + (count > 40)
    monkeypatch.setattr(neighbours, "embed", None)  # the second time nothing is embedded
    again = open_reference(SENTENCES[:count], tmp_path / "new")
    assert again.address == first.address
    assert all(np.array_equal(*pair) for pair in zip(again.nearest(real), (places, cosines), strict=True))


@pytest.mark.usefixtures("small")
def test_a_damaged_index_is_built_again(real: Vectors, tmp_path: Path) -> None:
    expected = open_reference(SENTENCES, tmp_path).nearest(real)
    files = sorted(tmp_path.iterdir())
    contents = [file.read_bytes() for file in files]
    for file, content in zip(files, contents, strict=True):
        middle = len(content) // 2
        flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        for damaged in (flipped, content[:-1], content[:middle], content + b"\0", b""):
            file.unlink()  # a new file: the mapped one stays what it is
            file.write_bytes(damaged)
            found = open_reference(SENTENCES, tmp_path).nearest(real)
            assert all(np.array_equal(*pair) for pair in zip(found, expected, strict=True))
            assert [one.read_bytes() for one in files] == contents


def test_the_address_names_the_sentences_in_order(tmp_path: Path) -> None:
    addresses = {open_reference(texts, tmp_path).address for texts in (["ab", "c"], ["a", "bc"], ["c", "ab"], ["abc"])}
    assert len(addresses) == 4
    assert open_reference(["ab", "c"], tmp_path / "elsewhere").address in addresses


def test_a_reference_is_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentences are asked for a chunk at a time, and only as many are held."""
    monkeypatch.setattr(neighbours, "CHUNK", 4)
    asked: list[int] = []

    class Lines:
        def __iter__(self) -> Iterator[str]:
            for number in range(10):
                asked.append(number)
                yield f"line {number}"

    held: list[int] = []
    monkeypatch.setattr(neighbours, "embed", lambda chunk: held.append(len(chunk)) or embed(chunk))
    assert len(open_reference(Lines(), tmp_path)) == 10
    assert (held, asked) == ([4, 4, 2], [*range(10), *range(10)])


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    with pytest.raises(EnvironmentFailure, match="cannot be kept") as caught:
        open_reference(["text"], file)
    assert "folder" in caught.value.hint


def test_novelty_counts_reference_earlier_and_own_sentences(real: Vectors, tmp_path: Path) -> None:
    reference = open_reference(SENTENCES[:10], tmp_path)
    alone = robust_novelty(real[10:20], SENTENCES[10:20], [1.0] * 10, real[:0], [])
    copied = robust_novelty(real[5:15], SENTENCES[5:15], [1.0] * 10, real[:0], [], reference=reference)
    sampled = robust_novelty(real[5:15], SENTENCES[5:15], [1.0] * 10, real[:10], SENTENCES[:10])
    assert (copied.value, copied.evidence) == (sampled.value, sampled.evidence)
    assert copied.value is not None and alone.value is not None and copied.value <= 5_000 < alone.value
    assert copied.evidence["compared_with"] == 10 and int(copied.measures["close"]) >= 5
    twice = robust_novelty(real[[3, 3]], [SENTENCES[3]] * 2, [1.0, 1.0], real[:0], [])
    assert twice.value == 5_000 and "(cosine 1.00)" in twice.explanation
    assert robust_novelty(real[:1], SENTENCES[:1], [1.0], real[:0], []).value is None
    assert robust_novelty(real[:2], SENTENCES[:2], [0.1, 0.1], real[:0], []).value == 0


def test_the_papers_novelty_takes_the_mean_or_the_nearest(real: Vectors) -> None:
    products = real[:9].astype(np.float64) @ real[9:].T.astype(np.float64)
    for count, mean in {None: products.mean(), 1: products.max(axis=1).mean(), 51: products.mean()}.items():
        assert paper_novelty(real[:9], real[9:], nearest=count).value == pytest.approx(10_000 * (1 - mean), abs=1)
    assert paper_novelty(real[:9], real[:0], nearest=1).value is None
