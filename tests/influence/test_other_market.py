"""A second market out of one: nothing is both wanted and for sale, and it is the same every time."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks are not installed

from benchmarks.influence.other_market import NATURAL, SPOILT, build
from oracle.corpus.document import Document
from oracle.errors import BadInput
from oracle.lab.market import load_market, write_corpus


def make_market(folder: Path, owners: tuple[str, ...]) -> Path:
    (folder / "providers").mkdir(parents=True)
    rows = []
    for own in owners:
        documents = [Document(f"{own}/{at}", f"Sentence {at} of {own} is here. " * 9) for at in range(40)]
        rows.append({"id": f"{own}-corpus", **write_corpus(folder, f"providers/{own}-corpus.jsonl.gz", documents)})
    for name in ("seed", "reference", "validation"):
        write_corpus(folder, f"{name}.jsonl.gz", [Document(name, f"The {name} text.")])
    (folder / "manifest.json").write_text(json.dumps({"providers": rows}))
    return folder


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_market(tmp_path_factory.mktemp("markets") / "one", NATURAL)


def test_what_is_wanted_is_not_for_sale_and_what_is_spoilt_is_not_sold_clean(market: Path, tmp_path: Path) -> None:
    build(market, tmp_path / "other")
    found = load_market(tmp_path / "other")
    assert [provider.id for provider in found.providers] == [*(f"{own}-corpus" for own in NATURAL), *SPOILT]
    sold = {document.text for provider in found.providers for document in provider.documents}
    wanted = {document.text for document in found.validation}
    assert wanted and not wanted & sold
    assert {text.split(" of ")[1].split()[0] for text in wanted} == {"p03", "p06", "p08", "p11", "p14"}
    clean = {document.id for provider in found.providers[: len(NATURAL)] for document in provider.documents}
    for provider in found.providers[len(NATURAL) :]:
        origins = {document.id.removeprefix(f"{provider.id}/") for document in provider.documents}
        assert origins and not origins & clean
    again = tmp_path / "again"
    build(market, again)
    assert (again / "manifest.json").read_bytes() == (tmp_path / "other" / "manifest.json").read_bytes()


def test_a_folder_that_exists_or_a_market_without_a_provider_is_refused(market: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="exists"):
        build(market, tmp_path)
    fewer = make_market(tmp_path / "fewer", NATURAL[:-1])
    with pytest.raises(BadInput, match="no provider p14"):
        build(fewer, tmp_path / "other")
    assert not (tmp_path / "other").exists()
