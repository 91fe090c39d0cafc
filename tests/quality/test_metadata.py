from __future__ import annotations

import datetime
import hashlib
import json
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlcroissant as mlc
import pytest

from oracle.corpus.document import Document
from oracle.quality import croissant
from oracle.quality.axis import Axis
from oracle.quality.card import read_card
from oracle.quality.checks import Findings, check
from oracle.quality.claims import Claims, claims_of
from oracle.quality.days import days, interval
from oracle.quality.metadata import FIELDS, describe
from oracle.quality.statement import Statement, Verdict
from oracle.quality.tags import one_code

DOCUMENTS = [Document(f"d{n}", f"text {n}", "a book", "2019", "en", "CC-BY-4.0") for n in range(20)]
DATA = b"".join(json.dumps({"id": d.id, "text": d.text, "date": d.date}).encode() + b"\n" for d in DOCUMENTS)
FOUND = Findings(
    20, 20, 740_000, {"en": 20}, {"CC-BY-4.0": 20}, 0, {(737_060, 737_424): 20}, {"id": 20, "text": 20, "date": 20}
)


def metadata(*arguments: Any, **options: Any) -> Axis:
    return describe(*arguments, **options).metadata


def written(folder: Path, **changes: Any) -> Path:
    """A Croissant file by mlcroissant about a data file in ``folder``; ``changes`` are made to its JSON."""
    (folder / "data.jsonl").write_bytes(DATA)
    file = mlc.FileObject(
        id="data.jsonl",
        name="data.jsonl",
        content_url="data.jsonl",
        content_size=f"{len(DATA)} B",
        encoding_formats=["application/jsonlines"],
        sha256=hashlib.sha256(DATA).hexdigest(),
    )
    fields = [
        mlc.Field(
            id=f"docs/{name}",
            name=name,
            data_types=mlc.DataType.TEXT,
            source=mlc.Source(file_object="data.jsonl", extract=mlc.Extract(column=name)),
        )
        for name in ("id", "text", "date")
    ]
    made = mlc.Metadata(
        name="demo",
        description="Twenty texts.",
        license=["https://creativecommons.org/licenses/by/4.0/"],
        url="https://example.org/demo",
        in_language=["en"],
        date_published=datetime.datetime(2020, 5, 1),
        version="1.0.0",
        distribution=[file],
        record_sets=[mlc.RecordSet(id="docs", name="docs", fields=fields)],
    )
    path = folder / "croissant.json"
    path.write_text(json.dumps(made.to_json() | changes, default=str), encoding="utf-8")
    return path


def card(folder: Path, front: str) -> Claims:
    (folder / "README.md").write_text(f"---\n{front}\n---\n# Data\n", encoding="utf-8")
    claims = claims_of(folder)
    assert claims is not None
    return claims


def verdicts(claims: Claims | None, found: Findings = FOUND) -> dict[str, Verdict]:
    assert claims is not None
    return {entry.field: entry.verdict for statement in claims.statements for entry in check(statement, found)}


def sentence(statement: Statement, field: str) -> str:
    return next(entry.sentence for entry in statement.checked if entry.field == field)


def distribution(**changes: Any) -> list[dict[str, Any]]:
    return [{"@type": "cr:FileObject", "@id": "data.jsonl", "name": "data.jsonl", "contentUrl": "data.jsonl"} | changes]


def test_five_fields_document_by_document() -> None:
    full = metadata(DOCUMENTS, ["en"] * 20)
    assert full.value == 10_000 and "no dataset card" in full.explanation
    bare = metadata([Document("same", "text")] * 4, ["en"] * 4)
    assert bare.value == 0 and bare.evidence["id"] == 0
    half = metadata([*DOCUMENTS[:1], replace(DOCUMENTS[1], lang="de", date="soon", source=" ")], ["en"] * 2)
    assert half.value == 7_000
    assert metadata([], []).value is None


def test_it_takes_a_stream_and_keeps_no_text() -> None:
    stream = (Document(f"d{n}", "text", "s", "2019", "en", "MIT") for n in range(5_000))
    assert metadata(stream, ("en" for _ in range(5_000))).value == 10_000
    with pytest.raises(ValueError):
        metadata(iter(DOCUMENTS), ["en"] * 19)


def test_dates_after_as_of_are_disproved() -> None:
    late = [replace(document, date="2026-03-01") for document in DOCUMENTS]
    found = metadata(late, ["en"] * 20)
    assert found.evidence["date"] == 0 and found.evidence["future_dates"] == 20
    assert "dated after 2026-01-01" in found.explanation
    assert metadata(late, ["en"] * 20, as_of=datetime.date(2027, 1, 1)).evidence["date"] == 20


@pytest.mark.parametrize(
    ("date", "lowest", "highest"),
    [
        ("2025-12-31", 9_990, 10_000),
        ("2016-01-01", 4_990, 5_010),
        ("1916", 0, 10),
        ("1771", 0, 0),
        ("2025", 9_600, 9_700),
    ],
)
def test_recency_halves_every_ten_years(date: str, lowest: int, highest: int) -> None:
    value = describe([replace(DOCUMENTS[0], date=date)], ["en"]).recency.value
    assert value is not None and lowest <= value <= highest


def test_recency_abstains_without_dates_and_asks_the_dated_only() -> None:
    undated = [replace(document, date=None) for document in DOCUMENTS]
    assert describe(undated, ["en"] * 20).recency.value is None
    some = [*undated[:10], replace(DOCUMENTS[0], date="2016-01-01")]
    found = describe(some, ["en"] * 11).recency
    assert found.value == describe(some[10:], ["en"]).recency.value
    assert found.evidence["dated"] == 1 and "1 of 11" in found.explanation


def test_recency_does_not_depend_on_order() -> None:
    dated = [replace(DOCUMENTS[0], id=str(year), date=str(year)) for year in range(1771, 2026)]
    assert describe(dated, ["en"] * 255) == describe(dated[::-1], ["en"] * 255)


@pytest.mark.parametrize("value", ["19", "0999", "2019-13", "2019-02-30", "yesterday", "2019-1", "２０１９", ""])
def test_what_is_no_date(value: str) -> None:
    assert days(value) is None


def test_dates_and_intervals_are_spans_of_days() -> None:
    first, last = days("2016-02") or (0, 0)
    assert last - first == 28
    assert days("9999-12") == (3_652_029, 3_652_059)
    assert days("2019-05-04T10:00:00Z") == days("2019-05-04")
    assert interval("2019/2020-06") == (days("2019")[0], days("2020-06")[1])  # type: ignore[index]
    assert interval("2020/2019") is None and interval("../2019") is not None


def test_a_croissant_file_by_mlcroissant_is_confirmed_field_by_field(tmp_path: Path) -> None:
    written(tmp_path)
    claims = claims_of(tmp_path)
    found = verdicts(claims)
    assert found == dict.fromkeys(("format", "files", "languages", "licence", "dates", "fields"), Verdict.CONFIRMED)
    axis = metadata(DOCUMENTS, ["en"] * 20, claims)
    assert axis.value == 10_000 and "believed: name, description" in axis.explanation
    assert json.loads(json.dumps(axis.evidence)) == axis.evidence


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [
        ({"distribution": distribution(sha256="0" * 64)}, "files", "another sha256"),
        ({"distribution": distribution(contentSize="12 B", sha256="0" * 64)}, "files", "not 12 B"),
        ({"distribution": distribution(contentUrl="gone.jsonl")}, "files", "gone.jsonl is missing"),
        ({"inLanguage": ["en", "fr"]}, "languages", "claims 2 languages, 1 found (not fr)"),
        ({"inLanguage": "de"}, "languages", "20 documents in others (en)"),
        ({"license": "https://creativecommons.org/publicdomain/zero/1.0/"}, "licence", "20 documents say otherwise"),
        ({"license": "do what you like"}, "licence", "no SPDX id"),
        ({"datePublished": "2018-01-01"}, "dates", "20 of 20"),
        ({"datePublished": "2031-01-01"}, "datePublished", "in the future"),
        ({"temporalCoverage": "1990/1995"}, "coverage", "100.0 %"),
        ({"temporalCoverage": "long ago"}, "coverage", "no interval"),
    ],
)
def test_a_false_claim_is_disproved_and_lowers_the_axis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], field: str, told: str
) -> None:
    monkeypatch.setattr(croissant, "_issues", lambda *_: ([], []))  # its own tests validate; this one is about claims
    written(tmp_path, **changes)
    claims = claims_of(tmp_path)
    assert verdicts(claims)[field] is Verdict.DISPROVED
    axis = metadata(DOCUMENTS, ["en"] * 20, claims)
    assert axis.value is not None and axis.value < 10_000 and told in axis.explanation


def test_sizes_may_be_rounded_and_remote_files_may_lie_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(croissant, "_issues", lambda *_: ([], []))
    near = distribution(
        contentUrl="https://example.org/data.jsonl?download=1", contentSize=f"{len(DATA) / 1000:.2f} kB"
    )
    written(tmp_path, distribution=near)
    assert verdicts(claims_of(tmp_path))["files"] is Verdict.CONFIRMED
    written(tmp_path, distribution=distribution(contentUrl="https://example.org/other.jsonl", name="other"))
    assert verdicts(claims_of(tmp_path))["files elsewhere"] is Verdict.UNCHECKED
    outside = tmp_path / "inner"
    outside.mkdir()
    written(outside, distribution=distribution(contentUrl="../data.jsonl"))
    assert verdicts(claims_of(outside))["files elsewhere"] is Verdict.UNCHECKED


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A listening address, and who has called there."""
    calls: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            try:
                while True:
                    connection, address = listener.accept()
                    calls.append(str(address))
                    connection.close()
            except OSError:
                return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", calls
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_nothing_is_ever_fetched(
    tmp_path: Path, server: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, calls = server
    path = written(tmp_path, distribution=distribution(contentUrl=f"{address}/data.csv", name="x", sha256="0" * 64))
    claims_of(tmp_path)
    fields = json.loads(path.read_text(encoding="utf-8"))
    for context in (f"{address}/context", [f"{address}/context"], {"@import": f"{address}/context"}):
        path.write_text(json.dumps(fields | {"@context": context}), encoding="utf-8")
        claims = claims_of(tmp_path)
        assert verdicts(claims)["format"] is Verdict.DISPROVED
        assert claims and "not fetched" in sentence(claims.statements[0], "format")
    monkeypatch.setattr(croissant, "_refusal", lambda _: "")  # the process that validates has no network either
    path.write_text(json.dumps(fields | {"recordSet": {"@context": f"{address}/context"}}), encoding="utf-8")
    assert verdicts(claims_of(tmp_path))["format"] is Verdict.DISPROVED
    assert calls == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"@type": "sc:Dataset", ', "no JSON"),
        ("\xff\xfe", "no JSON"),
        ('{"@type": ' + "[" * 100_000 + "]" * 100_000 + "}", "no JSON"),
        ('{"@type": ' + "[" * 100 + "]" * 100 + "}", "more than 40 deep"),
        ('{"@type": "sc:Dataset", "name": "' + "x" * 2**22 + '"}', "above 4 MiB"),
        ('{"@context": {}, "@type": "sc:Dataset"}', "not valid Croissant"),
    ],
)
def test_a_croissant_file_that_cannot_be_used_is_a_claim_disproved(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "croissant.json").write_bytes(text.encode("latin-1"))
    claims = claims_of(tmp_path)
    assert verdicts(claims)["format"] is Verdict.DISPROVED
    assert claims and told in sentence(claims.statements[0], "format")


@pytest.mark.parametrize(
    "address", ["y" * 300, "http://a.example/" + "z" * 300, "round", "round/and/round", "\x07" * 40, 5]
)
def test_a_file_of_any_name_is_missing_or_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: object
) -> None:
    (tmp_path / "round").symlink_to(tmp_path / "round")
    monkeypatch.setattr(croissant, "_issues", lambda file, fields: ([], []))
    file = {"@type": "cr:FileObject", "name": "x", "contentUrl": address, "contentSize": [1], "sha256": {}}
    fields = {"@context": {}, "@type": "sc:Dataset", "distribution": [file]}
    (tmp_path / "croissant.json").write_text(json.dumps(fields), encoding="utf-8")
    assert verdicts(claims_of(tmp_path)).get("files") is not Verdict.CONFIRMED


def test_half_a_character_in_a_claim_is_no_character(tmp_path: Path) -> None:
    (tmp_path / "croissant.json").write_text('{"@context": {}, "@type": "sc:Dataset", "name": "\\ud800"}')
    (tmp_path / "README.md").write_text('---\nlicense: "\\ud800"\n---\n')
    claims = claims_of(tmp_path)
    assert claims and "no JSON" in sentence(claims.statements[0], "format")
    assert claims.statements[1].licences == ("?",)


def test_missing_fields_and_circles_are_told_by_the_library(tmp_path: Path) -> None:
    path = written(tmp_path)
    fields = json.loads(path.read_text(encoding="utf-8"))
    del fields["recordSet"][0]["field"][0]["dataType"]
    path.write_text(json.dumps(fields), encoding="utf-8")
    claims = claims_of(tmp_path)
    assert claims and "Field(id)" in sentence(claims.statements[0], "format")
    circle = [
        {
            "@type": "cr:FileObject",
            "@id": a,
            "name": a,
            "contentUrl": a,
            "encodingFormat": "text/csv",
            "containedIn": {"@id": b},
        }
        for a, b in (("a", "b"), ("b", "a"))
    ]
    written(tmp_path, distribution=circle)
    assert verdicts(claims_of(tmp_path))["format"] is Verdict.DISPROVED


def test_validation_that_does_not_end_is_broken_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(croissant, "TIME_LIMIT", 0.01)
    written(tmp_path)
    assert verdicts(claims_of(tmp_path))["format"] is Verdict.DISPROVED


def test_other_json_claims_nothing(tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_text('{"rows": 3}', encoding="utf-8")
    (tmp_path / "README.md").write_text("# Only words\n", encoding="utf-8")
    assert claims_of(tmp_path) is None


CARD = """\
license: cc-by-4.0
language: [en]
pretty_name: Twenty texts
size_categories:
- n<1K
dataset_info:
  features:
  - {name: text, dtype: string}
  - {name: label, dtype: int64}
  splits:
  - {name: train, num_examples: 15, num_bytes: 900}
  - {name: test, num_examples: 5, num_bytes: 300}"""


def test_a_true_dataset_card_is_confirmed(tmp_path: Path) -> None:
    claims = card(tmp_path, CARD)
    assert verdicts(claims) == dict.fromkeys(("records", "size", "languages", "licence", "fields"), Verdict.CONFIRMED)
    assert claims.statements[0].believed == ("pretty_name",)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("num_examples: 15", "num_examples: 1500", "records"),
        ("n<1K", "1M<n<10M", "size"),
        ("n<1K", "huge", "size"),
        ("[en]", "[en, de]", "languages"),
        ("[en]", "{en: 1}", "language"),
        ("cc-by-4.0", "mit", "licence"),
        ("name: text", "name: source", "fields"),
    ],
)
def test_a_false_dataset_card_is_disproved(tmp_path: Path, old: str, new: str, field: str) -> None:
    assert verdicts(card(tmp_path, CARD.replace(old, new)))[field] is Verdict.DISPROVED


@pytest.mark.parametrize(
    "front",
    [
        "license: [mit",
        "- a\n- b",
        "a: !!python/object/apply:os.system [true]",
        "\t\tx",
        "a: &a [*b]",
        "[" * 5000,
        "x: \x00",
    ],
)
def test_a_card_that_cannot_be_parsed_is_a_claim_disproved(tmp_path: Path, front: str) -> None:
    claims = card(tmp_path, front)
    assert verdicts(claims) == {"format": Verdict.DISPROVED}
    assert metadata(DOCUMENTS, ["en"] * 20, claims).value == 8_333


def test_a_card_without_an_end_or_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\nlicense: mit\n", encoding="utf-8")
    assert verdicts(claims_of(tmp_path)) == {"format": Verdict.DISPROVED}
    claims = card(tmp_path, "license: mit\nx: " + "y" * 2**18)
    assert "256 KiB" in sentence(claims.statements[0], "format")


def test_yaml_that_multiplies_itself_costs_nothing(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)), "language: *a59"]
    assert verdicts(card(tmp_path, "\n".join(lines))) == {"language": Verdict.DISPROVED}


MERGES = "a0: &a0 {k: v}\n" + "".join(f"a{n}: &a{n} {{<<: [{f'*a{n - 1},' * 9}]}}\n" for n in range(1, 12))
"""Each mapping holds nine times what the one before does."""


@pytest.mark.parametrize(
    ("front", "told"),
    [
        (MERGES, "32768 values"),
        ("a: &a x\nb: [" + "*a ," * 40_000 + "]", "32768 values"),
        ("a: " + "[" * 100_000, "40 deep"),
        ("a: " + "{b: " * 50 + "c" + "}" * 50, "40 deep"),
        ("n: !!float " + "1:" * 400 + "1", "constructor"),
        ("n: !!int " + "1:" * 100_000 + "1", "whole number"),
        ("n: !!timestamp 9999-12-31T23:59:59-23:59", "constructor"),
    ],
)
def test_yaml_that_would_take_time_or_memory_is_refused(tmp_path: Path, front: str, told: str) -> None:
    (tmp_path / "README.md").write_text(f"---\n{front}\n---\n")
    began = time.process_time()
    statement = read_card(tmp_path / "README.md")
    assert time.process_time() - began < 2
    assert statement is not None and told in statement.checked[0].sentence


def test_licences_are_compared_by_what_they_mean() -> None:
    found = replace(FOUND, licences={"MIT OR Apache-2.0": 5, "mit or apache-2.0": 15})
    assert check(Statement("x", licences=("MIT or Apache-2.0",)), found)[0].verdict is Verdict.CONFIRMED
    none = replace(FOUND, licences={}, unlicensed=20)
    believed = check(Statement("x", licences=("mit",)), none)[0]
    assert believed.verdict is Verdict.UNCHECKED and "missing for 20 documents" in believed.sentence


def test_a_few_strays_do_not_disprove_a_claim() -> None:
    found = replace(FOUND, documents=1000, languages={"en": 995, "de": 5})
    assert check(Statement("x", languages=("en",)), found)[0].verdict is Verdict.CONFIRMED


def test_claims_beside_a_file_are_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(croissant, "_issues", lambda *_: ([], []))
    data = tmp_path / "data.jsonl"
    written(tmp_path)
    assert claims_of(data) == claims_of(tmp_path) is not None
    (tmp_path / "more.jsonl").write_bytes(DATA)
    assert claims_of(data) is None
    (tmp_path / "croissant.json").rename(tmp_path / "data.croissant.json")
    assert claims_of(data) is not None and claims_of(tmp_path / "more.jsonl") is None


def test_documents_alone_decide_where_nothing_can_be_checked() -> None:
    silent = Claims((Statement("README.md", believed=("tags",)),))
    assert metadata(DOCUMENTS, ["en"] * 20, silent).value == metadata(DOCUMENTS, ["en"] * 20).value
    assert len(FIELDS) == 5


def test_of_long_fields_little_is_remembered() -> None:
    tracemalloc.start()
    for at in range(200):
        assert days(f"2015-03-01T{at}" + "x" * 60_000) == days("2015-03-01")
        assert one_code(f"en-{at}" + "y" * 60_000) == one_code(f"en-{at}" + "y" * 60)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 2**20
