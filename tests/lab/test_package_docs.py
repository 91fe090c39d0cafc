from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from oracle.corpus.sentences import split_sentences
from oracle.corpus.tokens import count_tokens
from oracle.errors import BadInput, EnvironmentFailure
from oracle.lab.market import DemoMarket, load_market
from oracle.lab.package_docs import NATURAL, Cut, Cutter, build_market, find_installed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("market") / "built"
    build_market(folder)
    return folder


@pytest.fixture(scope="module")
def market(folder: Path) -> DemoMarket:
    return load_market(folder)


def texts(market: DemoMarket, provider: str) -> list[str]:
    return [d.text for name, _, documents in market.providers if name == provider for d in documents]


def test_eight_natural_providers_are_large_enough(folder: Path, market: DemoMarket) -> None:
    rows = json.loads((folder / "manifest.json").read_text())["providers"]
    natural = {row["id"] for row in rows if row["kind"] == "natural"}
    assert len(natural) >= 8 and len(rows) - len(natural) >= 3
    for name, _, documents in market.providers:
        assert sum(count_tokens(document.text) for document in documents) >= 8_000, name
        if name in natural:
            assert sum(len(split_sentences(document.text)) for document in documents) >= 100, name


def test_every_document_says_where_it_is_from_and_under_which_licence(market: DemoMarket) -> None:
    for name, _, documents in market.providers:
        assert all(d.source and d.licence and d.lang == "en" for d in documents), name
        assert len({d.id for d in documents}) == len(documents), name


def test_the_seed_is_large_enough_and_the_reference_is_sentences(market: DemoMarket) -> None:
    assert sum(count_tokens(document.text) for document in market.seed) >= 300_000
    assert len(market.reference) >= 1_000
    assert max(len(split_sentences(document.text)) for document in market.reference) == 1


def test_no_paragraph_is_in_two_places(market: DemoMarket) -> None:
    natural = {cut.id for cut in NATURAL}
    places = [documents for name, _, documents in market.providers if name in natural]
    seen = Counter(
        paragraph
        for documents in (*places, market.seed, market.validation)
        for paragraph in {p for d in documents for p in d.text.split("\n\n")}
    )
    assert not [paragraph for paragraph, count in seen.items() if count > 1]


def test_the_copy_is_exact_and_comes_later(market: DemoMarket) -> None:
    names = [name for name, _, _ in market.providers]
    assert names.index("p09-copy") > names.index("p02-machine-learning")
    assert sorted(texts(market, "p09-copy")) == sorted(texts(market, "p02-machine-learning"))


def test_the_spoilt_ones_are_spoilt(market: DemoMarket) -> None:
    clean, noisy = "".join(texts(market, "p01-statistics")), "".join(texts(market, "p10-noisy"))
    assert 0.15 < sum(a != b for a, b in zip(clean, noisy, strict=True)) / len(clean) < 0.25
    words = [text.split() for text in texts(market, "p03-signals")]
    shuffled = [text.split() for text in texts(market, "p11-shuffled")]
    assert all(Counter(a) == Counter(b) and a != b for a, b in zip(words, shuffled, strict=True))


def test_the_same_packages_give_the_same_documents(market: DemoMarket) -> None:
    again = Cutter().cut(NATURAL[5], 3_000)
    assert again == list(market.providers[5].documents[: len(again)])


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep")
    with pytest.raises(BadInput, match="not empty"):
        build_market(tmp_path)
    assert (tmp_path / "mine").read_text() == "keep"


def test_packages_that_are_not_installed_are_named() -> None:
    with pytest.raises(EnvironmentFailure) as caught:
        find_installed(["numpy", "no-such-package", "nor-this-one"])
    assert caught.value.input == "no-such-package, nor-this-one"


def test_too_little_documentation_is_named() -> None:
    with pytest.raises(EnvironmentFailure, match="too little for p00"):
        Cutter().cut(Cut("p00", "", "", (("numpy", ("numpy/absent",)),)), 1_000)
