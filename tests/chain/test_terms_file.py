from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oracle.chain.terms import Terms
from oracle.chain.terms_file import TermsFile, load_terms, template
from oracle.chain.token import Token
from oracle.errors import BadInput

TOKEN = Token("0x1563915e194D8CfBA1943570603F7606A3115508", "DEMO", 6)
PLANNER = "0x5CbDd86a2FA8Dc4bDdd8a8f69dBa48572EeC07FB"
NOW = 1_900_000_000
GIVEN: dict[str, Any] = {
    "planner": PLANNER,
    "token": TOKEN,
    "now": NOW,
    "committee": b"\x01" * 32,
    "arbitrator": PLANNER,
    "pipeline_hash": b"\x02" * 32,
    "base_model_hash": b"\x03" * 32,
    "validation_root": b"\x04" * 32,
    "agreement_hash": b"\x05" * 32,
}


def written(folder: Path, *changes: tuple[str, str]) -> Path:
    text = template()
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = folder / "terms.toml"
    path.write_text(text)
    return path


def resolved(file: TermsFile, **changes: Any) -> Terms:
    return file.resolve(**(GIVEN | changes))


def test_the_defaults_work() -> None:
    terms = resolved(load_terms())
    assert (terms.money_unit, terms.budget, terms.utility_pool, terms.liquidity) == (
        10_000,
        1_250_000,
        1_250_000,
        8 * 10**17,
    )
    assert (terms.reserve, terms.cap, terms.operator_fee) == (10_000_000, 1_000_000, 2_500)
    assert (terms.eta, terms.gamma, terms.kappa) == (10**18, 10**18, 0)
    assert (terms.share_supply, terms.share_cap) == (1000 * 10**9, 5 * 10**17)
    assert (terms.bid_bond, terms.challenge_bond, terms.max_bids) == (10**16, 10**17, 1024)
    assert terms.commit_end == NOW + 86_400 and terms.settle_end == terms.reveal_end + 8 * 3600
    assert terms.hash() != replace(terms, cap=1).hash()


def test_every_way_to_write_a_value(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        ('# token = "0x..."', f'token = "{TOKEN.address.lower()}"'),
        ('budget = "12500.00 DEMO"', "budget = 1_000"),
        ('liquidity = "0.8"', "liquidity = 0.123456789012345678"),
        ('bond = "0.01 ETH"            #', 'bond = "1_000 gwei" #'),
        ('commit = "1d"', 'commit = "1d2h30m"'),
        ('settle = "8h"', "settle = 2031-01-01T00:00:00+01:00"),
        ('# committee = "0x..."', f'committee = "0x{"01" * 32}"'),
    )
    file = load_terms(path)
    terms = resolved(file)
    assert file.token == terms.payment_token == TOKEN.address
    assert (terms.budget, terms.liquidity, terms.bid_bond) == (1000, 123456789012345678, 10**12)
    assert terms.commit_end == NOW + 95_400 and terms.settle_end == 1_924_988_400


@pytest.mark.parametrize(
    ("old", "new", "key", "says"),
    [
        ('budget = "12500.00 DEMO"', 'budget = "12500.00"', "money.budget", "symbol"),
        ('budget = "12500.00 DEMO"', "budget = 12500.0", "money.budget", "amount"),
        ('budget = "12500.00 DEMO"', 'budget = "-1.00 DEMO"', "money.budget", "amount"),
        ('budget = "12500.00 DEMO"', "budget = true", "money.budget", "amount"),
        ('money_unit = "0.01 DEMO"', "money_unit = 10000", "money.money_unit", "amount"),
        ('liquidity = "0.8"', "liquidity = 1", "money.liquidity", "decimal point"),
        ('liquidity = "0.8"', 'liquidity = "1.01"', "money.liquidity", "between 0.0 and 1.0"),
        ('liquidity = "0.8"', "liquidity = -0.1", "money.liquidity", "between"),
        ('liquidity = "0.8"', 'liquidity = "0.1234567890123456789"', "money.liquidity", "18 decimals"),
        ('liquidity = "0.8"', "liquidity = nan", "money.liquidity", "fraction"),
        ('eta = "1.0"', 'eta = "80 %"', "weights.eta", "decimal point"),
        ('eta = "1.0"', 'eta = "99.0"', "weights.eta", "18.0"),
        ('supply = "1000.0 DST"', "supply = 1000", "shares.supply", "amount"),
        ('supply = "1000.0 DST"', 'supply = "1000.0 DEMO"', "shares.supply", "not in DST"),
        ('bond = "0.01 ETH"            #', 'bond = "0.01 DEMO" #', "bids.bond", "not in ETH"),
        ("max_bids = 1024", "max_bids = 0", "bids.max_bids", "greater"),
        ("max_bids = 1024", 'max_bids = "many"', "bids.max_bids", "integer"),
        ('commit = "1d"', "commit = 3600", "phases.commit", "duration"),
        ('commit = "1d"', 'commit = "1 day"', "phases.commit", "duration"),
        ('commit = "1d"', 'commit = ""', "phases.commit", "duration"),
        ('report = "2h"', 'report = "9m59s"', "phases.report", "ten minutes"),
        ('report = "2h"', "report = 2031-01-01T00:00:00", "phases.report", "zone"),
        ('# pipeline = "0x..."', 'pipeline = "0x12"', "scoring.pipeline", "32 bytes"),
        ('# arbitrator = "0x..."', 'arbitrator = "me"', "scoring.arbitrator", "address"),
        ('kappa = "0.0"', 'kapa = "0.0"', "weights.kapa", "nobody knows this key"),
        ('liquidity = "0.8"', 'liquidity = "٠.٨"', "money.liquidity", "decimal point"),
        ('liquidity = "0.8"', 'liquidity = "+0.8"', "money.liquidity", "decimal point"),
        ('liquidity = "0.8"', 'liquidity = "8.0e-1"', "money.liquidity", "decimal point"),
        ('liquidity = "0.8"', 'liquidity = "0.8000000000000000000000000000000001"', "money.liquidity", "18 decimals"),
        ('liquidity = "0.8"', "liquidity = 0.8000000000000000000000000000000001", "money.liquidity", "18 decimals"),
        ('liquidity = "0.8"', "liquidity = 1e999999", "money.liquidity", "between"),
        ('liquidity = "0.8"', "liquidity = 1e-999999", "money.liquidity", "18 decimals"),
        ('budget = "12500.00 DEMO"', 'budget = "12,500 DEMO"', "money.budget", "amount"),
        ('budget = "12500.00 DEMO"', 'budget = "1e21 DEMO"', "money.budget", "amount"),
        ('budget = "12500.00 DEMO"', 'budget = "0x10 DEMO"', "money.budget", "amount"),
        ('budget = "12500.00 DEMO"', 'budget = "+1 DEMO"', "money.budget", "amount"),
        ('budget = "12500.00 DEMO"', 'budget = "１２ DEMO"', "money.budget", "amount"),
        ('budget = "12500.00 DEMO"', 'budget = "12_ DEMO"', "money.budget", "amount"),
        ('budget = "12500.00 DEMO"', f'budget = "{"9" * 200} DEMO"', "money.budget", "amount"),
        ('budget = "12500.00 DEMO"', "budget = 18446744073709551616", "money.budget", "amount"),
        ('bond = "0.01 ETH"            #', f'bond = "0.01{"0" * 40}1 ETH" #', "bids.bond", "decimals"),
        ('commit = "1d"', 'commit = "٢d"', "phases.commit", "duration"),
        ('commit = "1d"', 'commit = "99999999d"', "phases.commit", "too long"),
        ("[weights]", "[weigths]", "weigths", "nobody knows this table"),
        ("[scoring]", "", "scoring", "table is missing"),
        ('reserve = "100000.00 DEMO"', "#", "money.reserve", "key is missing"),
        ('floor = "0.0"', 'floor = "0.6"', "shares.floor", "above shares.cap"),
    ],
)
def test_a_bad_file_names_file_key_and_way_out(tmp_path: Path, old: str, new: str, key: str, says: str) -> None:
    path = written(tmp_path, (old, new))
    with pytest.raises(BadInput) as failure:
        load_terms(path)
    error = failure.value
    assert error.input == f"{path}: {key}" and says in str(error) and str(path) in str(error) and error.hint


def test_a_misspelt_key_is_guessed(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as failure:
        load_terms(written(tmp_path, ("max_bids = 1024", "max_bids = 1024\nmax_bid = 3")))
    assert failure.value.hint == "did you mean max_bids?"


def saved(folder: Path, data: bytes) -> Path:
    path = folder / "saved.toml"
    path.write_bytes(data)
    return path


def test_marks_and_line_ends_of_editors_are_read(tmp_path: Path) -> None:
    text = template().replace("max_bids = 1024", "max_bids = 77")
    for data in (
        b"\xef\xbb\xbf" + text.encode(),
        b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(),
        text.replace("\n", "\r").encode(),
    ):
        assert resolved(load_terms(saved(tmp_path, data))).max_bids == 77


DUPLICATE = template().replace("max_bids = 1024", "max_bids = 1024\nmax_bids = 3")


@pytest.mark.parametrize(
    ("data", "says", "hint"),
    [
        (template().replace("# B:", "# für B:").encode("latin-1"), "not UTF-8 (line 14)", "save it as UTF-8"),
        (template().replace("# B:", "# für B:").replace("\n", "\r").encode("cp1252"), "(line 14)", "save it as UTF-8"),
        (template().encode("utf-16"), "not UTF-8 but UTF-16", "save it as UTF-8"),
        (template().encode("utf-32"), "not UTF-8 but UTF-32", "save it as UTF-8"),
        (template().encode("utf-16-be"), "looks like UTF-16", "save it as UTF-8"),
        (template().replace("[bids]", "[bids]\n\0").encode(), "NUL character (line 35)", "save it as UTF-8"),
        (DUPLICATE.encode(), "line 36", "once"),
        (template().encode() + b"[money]\n", "twice", "once"),
        (template().replace('eta = "1.0"', "eta = “1.0”").encode(), "line 22", "typographic quote “"),
        (template().replace('eta = "1.0"', 'eta\u00a0= "1.0"').encode(), "line 22", "U+00A0"),
        (b"budget = 12 DEMO", "line 1", "quotes"),
        (b"a = " + b"[" * 100_000, "not TOML", "value"),
        (b"a = " + b"9" * 10_000, "not TOML", "value"),
        (b"a = 1e" + b"9" * 30, "beyond all bounds", "smaller"),
        (b"# " * (1 << 20), "larger than 1 MiB", "path"),
    ],
)
def test_what_is_no_toml_in_utf_8_names_its_line(tmp_path: Path, data: bytes, says: str, hint: str) -> None:
    path = saved(tmp_path, data)
    with pytest.raises(BadInput) as failure:
        load_terms(path)
    assert says in str(failure.value) and hint in failure.value.hint
    assert failure.value.input == str(path) and str(path) in str(failure.value)


@pytest.mark.parametrize(("name", "says"), [("none.toml", "No such file"), (".", "directory"), ("a\0b", "null byte")])
def test_no_file(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        load_terms(tmp_path / name)


@pytest.mark.parametrize(
    ("changes", "key", "says"),
    [
        ({"token": Token(TOKEN.address, "USDC", 6)}, "money.money_unit", "not in USDC"),
        ({"token": Token(TOKEN.address, "DEMO", 1)}, "money.money_unit", "decimals"),
        ({"committee": None}, "scoring.committee", "nobody says"),
        ({"agreement_hash": None}, "scoring.agreement", "nobody says"),
    ],
)
def test_what_does_not_fit_the_chain(changes: dict[str, Any], key: str, says: str) -> None:
    with pytest.raises(BadInput) as failure:
        resolved(load_terms(), **changes)
    assert failure.value.input == f"default terms: {key}" and says in str(failure.value)


@pytest.mark.parametrize(
    ("old", "new", "key", "says"),
    [
        ('cap = "10000.00 DEMO"', 'cap = "0.005 DEMO"', "money.cap", "whole number of money units"),
        ('cap = "10000.00 DEMO"', 'cap = "999999999999999999.00 DEMO"', "money.cap", "2^64"),
        ('money_unit = "0.01 DEMO"', 'money_unit = "0.0 DEMO"', "money.money_unit", "nothing"),
        ('cap = "10000.00 DEMO"', f'cap = "10000.00{"0" * 30}1 DEMO"', "money.cap", "more than 6 decimals"),
        ('commit = "1d"', "commit = 2020-01-01T00:00:00Z", "phases.commit", "over before it begins"),
        ('commit = "1d"', 'commit = "10m"', "phases.commit", "lasts 600 s"),
        ('reveal = "8h"', "reveal = 2030-03-18T00:00:00Z", "phases.reveal", "over before it begins"),
        ('# pipeline = "0x..."', f'pipeline = "0x{"99" * 32}"', "scoring.pipeline", "different things"),
        ('# token = "0x..."', f'token = "{PLANNER}"', "money.token", "different things"),
    ],
)
def test_what_does_not_fit_token_time_or_command(tmp_path: Path, old: str, new: str, key: str, says: str) -> None:
    path = written(tmp_path, (old, new))
    with pytest.raises(BadInput) as failure:
        resolved(load_terms(path))
    assert failure.value.input == f"{path}: {key}" and says in str(failure.value)
