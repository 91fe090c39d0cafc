"""Licences by whatever name."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from oracle.quality.card import read_card
from oracle.quality.checks import Findings, check
from oracle.quality.licences import NAMES, agree, named
from oracle.quality.statement import Statement, Verdict

ONE = {
    "apache-2.0": (
        "Apache-2.0",
        "APACHE 2.0",
        "Apache License, Version 2.0",
        "The Apache Software License, Version 2.0",
        "apache2",
        "http://www.apache.org/licenses/LICENSE-2.0.txt",
        "https://apache.org/licenses/LICENSE-2.0.html#apply",
        "https://choosealicense.com/licenses/apache-2.0/",
        "choosealicense.com/licenses/apache-2.0",
        "https://opensource.org/license/apache-2-0",
        "https://spdx.org/licenses/Apache-2.0.html",
        "apache",
    ),
    "cc-by-sa-4.0": (
        "CC BY-SA 4.0",
        "Creative Commons Attribution-ShareAlike 4.0 International License (CC BY-SA 4.0)",
        "https://creativecommons.org/licenses/by-sa/4.0/",
        "http://www.creativecommons.org/licenses/by-sa/4.0/legalcode.fr",
        "https://creativecommons.org/licenses/by-sa/4.0/deed.de",
        "Available under CC-BY-SA, see https://creativecommons.org/licenses/by-sa/4.0.",
        "cc-by-sa",
        "cc",
    ),
    "cc0-1.0": (
        "CC0",
        "CC0 1.0 Universal",
        "Creative Commons Zero",
        "https://creativecommons.org/publicdomain/zero/1.0/",
        "public domain",
    ),
    "gpl-3.0-or-later": (
        "GPLv3+",
        "GPL-3.0+",
        "GNU General Public License v3.0 or later",
        "GNU General Public License version 3, or (at your option) any later version",
        "gpl-3.0",
        "gpl",
        "https://www.gnu.org/licenses/gpl-3.0.en.html",
    ),
    "gfdl-1.3-no-invariants-or-later": ("gfdl", "GFDL-1.3", "https://www.gnu.org/licenses/fdl-1.3.html"),
    "bsd-3-clause": ("bsd", "3-Clause BSD License", 'BSD 3-Clause "New" or "Revised" License', "BSD-3"),
    "odc-by-1.0": ("odc-by", "ODC-By-1.0", "https://opendatacommons.org/licenses/by/1-0/index.html"),
    "odbl-1.0": ("odbl", "Open Data Commons Open Database License v1.0", "http://opendatacommons.org/licenses/odbl/"),
    "pddl-1.0": ("pddl", "Open Data Commons Public Domain Dedication and License (PDDL)"),
    "mpl-2.0": ("Mozilla Public License 2.0", "https://www.mozilla.org/en-US/MPL/2.0/"),
    "bigscience-openrail-m": ("openrail", "BigScience-OpenRAIL-M"),
    "llama3.1": ("Llama 3.1", "llama3.1", "Llama 3.1 Community License"),
    "cdla-permissive-2.0": ("https://cdla.dev/permissive-2-0/", "CDLA-Permissive-2.0"),
    "cc-by-3.0-us": ("https://creativecommons.org/licenses/by/3.0/us/", "CC-BY-3.0"),
    "mit": (
        "The MIT License (MIT)",
        "https://opensource.org/licenses/MIT",
        "MIT OR Apache-2.0",
        "https://mit-license.org",
    ),
}
APART = (
    ("mit", "MIT-0"),
    ("cc-by", "CC-BY-SA-4.0"),
    ("cc-by-4.0", "CC-BY-3.0"),
    ("cc-by-4.0", "https://creativecommons.org/licenses/by-nc/4.0/"),
    ("gpl", "LGPL-3.0"),
    ("gpl-3.0-only", "GPL-3.0-or-later"),
    ("bsd-3-clause", "BSD-3-Clause-Clear"),
    ("openrail", "mit"),
    ("odbl", "odc-by"),
)


def verdict(claimed: tuple[str, ...], documents: dict[str, int]) -> Verdict:
    found = Findings(20, 20, 0, {}, documents, 20 - sum(documents.values()), {}, {})
    return check(Statement("x", licences=claimed), found)[0].verdict


@pytest.mark.parametrize("licence", ONE)
def test_every_name_of_a_licence_confirms_every_other(licence: str) -> None:
    for name in ONE[licence]:
        assert verdict((name,), {licence: 20}) is verdict((licence,), {name: 20}) is Verdict.CONFIRMED, name


@pytest.mark.parametrize(("first", "second"), APART)
def test_another_licence_is_disproved(first: str, second: str) -> None:
    assert verdict((first,), {second: 20}) is verdict((second,), {first: 20}) is Verdict.DISPROVED


def test_every_name_of_the_hub_is_known_in_any_case_and_at_its_address() -> None:
    for name in NAMES:
        for written in (name, name.upper(), f"https://choosealicense.com/licenses/{name}/"):
            assert agree(named(written), named(name)), written
            assert verdict((name,), {written: 20}) is Verdict.CONFIRMED


@pytest.mark.parametrize(
    ("claimed", "documents", "expected"),
    [
        (("my-own-licence",), {"My-own-Licence": 20}, Verdict.CONFIRMED),
        (("LicenseRef-mine",), {"mine": 20}, Verdict.CONFIRMED),
        (("https://example.org/terms/",), {"http://www.example.org/terms.html": 20}, Verdict.CONFIRMED),
        (("my-own-licence",), {"MIT": 20}, Verdict.UNCHECKED),
        (("https://example.org/terms",), {"CC-BY-4.0": 20}, Verdict.UNCHECKED),
        (("mit",), {"see the file LICENSE": 20}, Verdict.UNCHECKED),
        (("unknown",), {"MIT": 20}, Verdict.UNCHECKED),
        (("other",), {}, Verdict.UNCHECKED),
        (("mit", "cc-by-4.0"), {"CC-BY-4.0": 10, "MIT": 10}, Verdict.CONFIRMED),
        (("mit", "other"), {"house-rules": 20}, Verdict.UNCHECKED),
        (("mit",), {"free by MIT, or ask us": 20}, Verdict.CONFIRMED),
        (("mit",), {"we permit nothing": 20}, Verdict.UNCHECKED),
        (("mit",), {"CC0-1.0": 20}, Verdict.DISPROVED),
    ],
)
def test_only_two_known_licences_contradict_each_other(
    claimed: tuple[str, ...], documents: dict[str, int], expected: Verdict
) -> None:
    assert verdict(claimed, documents) is expected


def test_long_names_cost_nothing() -> None:
    started = time.process_time()
    for text in ("(" * 100_000, "or " * 100_000, "gpl or later," * 50_000, "a." * 100_000 + "/", "\u0301" * 100_000):
        named(text)
    assert time.process_time() - started < 1


def card(folder: Path, front: str) -> Statement:
    (folder / "README.md").write_text(f"---\n{front}\n---\n", encoding="utf-8")
    statement = read_card(folder / "README.md")
    assert statement is not None
    return statement


@pytest.mark.parametrize("written", ["no", "No", "NO", "on", "off", "yes", "y", "n", "true"])
def test_yaml_makes_no_truth_value_of_a_language(tmp_path: Path, written: str) -> None:
    for front in (f"language: {written}", f"language:\n- {written}", f"language: ['{written}', {written}]"):
        statement = card(tmp_path, front)
        assert set(statement.languages) == {written} and not statement.checked


@pytest.mark.parametrize("written", ["3.10", "2024-05-01", "1:30", "0x1F", "1e3", ".inf", "0o17", "1_000", "=", "007"])
def test_yaml_makes_no_number_or_date_of_a_name(tmp_path: Path, written: str) -> None:
    assert card(tmp_path, f"license: {written}").licences == (written,)
    named_other = card(tmp_path, f"license: other\nlicense_name: {written}\nlicense_link: https://example.org/l")
    assert named_other.licences == ("other", written, "https://example.org/l")


def test_null_and_numbers_of_examples_are_what_they_are(tmp_path: Path) -> None:
    for nothing in ("", "~", "null"):
        assert card(tmp_path, f"license: {nothing}\nlanguage: {nothing}") == Statement("README.md")
    splits = "dataset_info:\n  splits:\n  - {name: train, num_examples: 120}\n  - {name: test, num_examples: 0}"
    assert card(tmp_path, splits).records == 120
