"""Python against Solidity on a real chain, to the unit and by error name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import pytest
from deep import scaled
from eth_utils import keccak
from instances import UINT64, UINT128, Instance, binding_terms, eligible, instances
from tally import Tally
from web3.contract import Contract

from oracle.mechanism.clearing import NONE, Certificate, CertificateRejected, clear, reward_of, verify
from oracle.mechanism.integers import WAD, MechanismError, ZeroReward
from oracle.mechanism.liquidity import cash_of, split
from oracle.mechanism.weights import pow_wad, weight

BATCH = 100
COUNT = 2_000
"""Random cases of every kind for each seed."""
GAS = 2**24

seeded = pytest.mark.parametrize("seed", range(scaled(1, 10)))


def in_batches(function: Any, rows: Sequence[Any]) -> Iterator[Any]:
    for start in range(0, len(rows), BATCH):
        yield from function(rows[start : start + BATCH]).call({"gas": GAS})


def packed(instance: Instance) -> bytes:
    return b"".join(number.to_bytes(8, "big") for bid in instance.bids for number in bid)


def on_chain(instance: Instance, certificate: Certificate) -> tuple[bytes, tuple[int, int, int], int, int]:
    w, m = certificate
    return packed(instance), (instance.reward, instance.reserve, instance.cap), w, NONE if m is None else m


def records_hash(instance: Instance) -> bytes:
    """224 bits of hash beside a count of 32, as the contract keeps it."""
    running = bytes(32)
    for count, bid in enumerate(instance.bids, start=1):
        running = keccak(running + (bid.cost << 64 | bid.weight).to_bytes(32, "big"))[4:] + count.to_bytes(4, "big")
    return running


@seeded
def test_clearing_agrees_to_the_unit_claims_included(harness: Contract, tally: Tally, seed: int) -> None:
    cases = [(x, clear(*x)) for x in instances(seed, COUNT)]
    results = in_batches(harness.functions.clearAll, [on_chain(x, outcome.certificate) for x, outcome in cases])
    seen: Counter[str] = Counter()
    for (x, outcome), (hash_, total, rewards) in zip(cases, results, strict=True):
        assert hash_ == records_hash(x)
        assert tuple(rewards) == outcome.rewards
        assert total == outcome.total_reward == verify(x.bids, outcome.certificate, *x[1:])
        assert rewards == [reward_of(x.bids, outcome.certificate, i, *x[1:]) for i in range(len(x.bids))]
        seen.update(binding_terms(x, outcome))
        seen[f"{min(eligible(x), 2)} eligible"] += 1
        seen["all win"] += outcome.certificate.marginal is None
        seen["equal virtual costs"] += len({b.cost * WAD // b.weight for b in x.bids if b.weight}) < eligible(x)
    wanted = ("budget", "edge before", "edge after", "reserve", "cap", "all win", "equal virtual costs")
    assert all(seen[kind] >= 100 for kind in (*wanted, "0 eligible", "1 eligible", "2 eligible")), seen
    tally("twins: clearings, and claims", len(cases), sum(len(x.bids) for x, _ in cases))


@seeded
def test_wrong_certificates_fail_with_the_same_error(harness: Contract, tally: Tally, seed: int) -> None:
    rng = Random(f"certificates {seed}")
    selector = {error.__name__: keccak(text=f"{error.__name__}({arguments})")[:4] for error, arguments in ERRORS}
    rows, expected = [], []
    for x in instances(1_000 + seed, COUNT // 3):
        w, m = clear(*x).certificate
        total = sum(bid.weight for bid in x.bids)
        for wrong in (
            Certificate(w + rng.choice((-1, 1)), m),
            Certificate(rng.randrange(total + 2), m),
            Certificate(w, rng.choice((None, *range(len(x.bids) + 2)))),
            Certificate(rng.randrange(total + 2), rng.choice((None, *range(len(x.bids))))),
        ):
            if not 0 <= wrong.winning_weight <= UINT128:
                continue
            rows.append(on_chain(x, wrong))
            expected.append(error_of(x, wrong))
    results = list(in_batches(harness.functions.verifyAll, rows))
    assert results == [selector.get(name, bytes(4)) for name in expected]
    counts = Counter(expected)
    assert all(counts[name] >= 50 for name in (*selector, "")), counts
    tally("twins: certificates, most of them wrong", COUNT // 3, len(rows))


ERRORS = [
    (error, "uint256" if error.__name__ in ("WinnerDoesNotFit", "WrongWinningWeight") else "")
    for error in CertificateRejected.__subclasses__()
]


def error_of(x: Instance, certificate: Certificate) -> str:
    try:
        verify(x.bids, certificate, *x[1:])
    except CertificateRejected as rejected:
        return type(rejected).__name__
    return ""


def test_ranges_of_terms_and_hint_are_refused_on_chain(harness: Contract) -> None:
    x = Instance([], 1, 1, 1)
    too_large = [x._replace(reward=2**128), x._replace(reserve=2**128)]
    rows = [on_chain(y, Certificate(0, None)) for y in too_large] + [on_chain(x, Certificate(2**128, None))]
    rows.append((b"\0" * 15, *on_chain(x, Certificate(0, None))[1:]))
    names = ["ClearingOutOfRange"] * 3 + ["MalformedRecords"]
    assert list(in_batches(harness.functions.verifyAll, rows)) == [keccak(text=f"{name}()")[:4] for name in names]


@seeded
def test_weights_agree_on_every_kind_of_exponent(harness: Contract, tally: Tally, seed: int) -> None:
    rng = Random(f"weights {seed}")

    def number() -> int:
        return rng.choice(
            (0, 1, WAD // 2, WAD - 1, WAD, WAD + 1, UINT64, *(rng.randrange(2 ** rng.randrange(65)),) * 6)
        )

    rows = [(0,) * 5, (UINT64,) * 5] + [tuple(number() for _ in range(5)) for _ in range(COUNT)]
    assert list(in_batches(harness.functions.weights, rows)) == [weight(*row) for row in rows]
    general = [row for row in rows if row[2] not in (0, WAD) and row[3] not in (0, WAD) and row[0] and row[1]]
    assert len(general) >= COUNT // 2
    tally("twins: weights", len(rows), len(rows))


@seeded
def test_powers_agree_where_weights_do_not_reach(harness: Contract, tally: Tally, seed: int) -> None:
    rng = Random(f"powers {seed}")
    rows = []
    while len(rows) < COUNT:
        base, exponent = rng.randrange(2 ** rng.randrange(1, 256)), rng.randrange(2 ** rng.randrange(61))
        if base < 2**180 or exponent <= WAD:
            rows.append((base, exponent))
    assert list(in_batches(harness.functions.powers, rows)) == [pow_wad(*row) for row in rows]
    tally("twins: powers", len(rows), len(rows))


@seeded
def test_liquidity_agrees(harness: Contract, tally: Tally, seed: int) -> None:
    rng = Random(f"liquidity {seed}")
    rows = []
    while len(rows) < COUNT:
        budget, pool = (rng.randrange(2 ** rng.randrange(1, 127)) for _ in range(2))
        rho = rng.choice((0, 1, WAD // 2, WAD - 1, WAD, rng.randrange(WAD + 1)))
        try:
            total = sum(split(budget, pool, rho))
        except ZeroReward:
            continue
        rows.append((budget, pool, rho, rng.choice((0, 1, total, rng.randrange(total + 1)))))
    expected = []
    for budget, pool, rho, reward in rows:
        cash, deferred = split(budget, pool, rho)
        total = cash + deferred
        expected.append([cash, deferred, cash_of(reward, cash, total)])
    assert list(in_batches(harness.functions.liquidityAll, rows)) == expected
    tally("twins: liquidity", len(rows), len(rows))


def test_liquidity_refuses_the_same_inputs(harness: Contract) -> None:
    for arguments in ((10, 10, WAD + 1), (0, 0, WAD // 2), (0, 10, WAD), (10, 0, 0)):
        try:
            split(*arguments)
        except MechanismError as error:
            name = type(error).__name__
        try:
            harness.functions.split(*arguments).call()
        except Exception as error:
            assert keccak(text=f"{name}()")[:4].hex() in str(error)
        else:
            raise AssertionError(f"{arguments} passed on chain")
