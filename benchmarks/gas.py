"""What every transaction of a round costs: `python -m benchmarks.gas [--save]`, or `make gas`.

Whole transactions as a node charges them - intrinsic gas, calldata and its floor (EIP-7623), refunds - read from the
receipts of an Anvil on osaka that enforces the cap of 2^24 gas (EIP-7825). Prints ``name gas`` lines, writes
build/gas.json, and fails when a figure is more than 1 % above its baseline in benchmarks/gas.json.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.gas_deliveries import DeliveryScene
from benchmarks.gas_scene import GasScene
from oracle.evidence import commitment
from oracle.mechanism.clearing import Bid, clear
from oracle.mechanism.integers import WAD

ROOT = Path(__file__).resolve().parents[1]
BASELINE, RESULT = ROOT / "benchmarks" / "gas.json", ROOT / "build" / "gas.json"
TOLERANCE = 1.01


def dense_bids(count: int, cost_bytes: int = 8) -> list[Bid]:
    """Records with no zero byte but the leading ones of a cost of ``cost_bytes``: the dearest calldata there is."""
    draw = random.Random(count)

    def dense(size: int) -> int:
        return int.from_bytes(bytes(draw.randrange(1, 256) for _ in range(size)), "big")

    return [Bid(dense(cost_bytes), dense(8)) for _ in range(count)]


def measure() -> dict[str, int]:
    """Gas of every operation by name."""
    with GasScene() as scene:
        figures = _round(scene)
        figures |= _reports(scene)
        figures |= _claims(scene)
        figures |= _settlements(scene)
    with DeliveryScene() as scene:
        figures |= _deliveries(scene)
    share = figures["settle_1024"] // 1_024 + figures["report_5of9"] // 1_024
    for kind in ("cash", "all"):
        figures[f"life_{kind}"] = figures["commit"] + figures["reveal_1024"] + figures[f"claim_{kind}"] + share
    return figures


def _round(scene: GasScene) -> dict[str, int]:
    """Open, commit, observe and reveal in a round of 1,024 providers, of which a few are really there."""
    figures = {"open": scene.open()}
    figures["commit"] = [scene.commit(i, cost=100 + i) for i in range(3)][-1]
    scene.pretend_bonded(1_024)
    figures["observe"] = [scene.observe(i) for i in range(5)][-1]
    figures["report_1024"] = scene.report(1_024)
    figures["reveal_1024"] = [scene.reveal(i) for i in range(3)][-1]
    scene.open(eta=WAD // 2, gamma=WAD * 3 // 4, kappa=WAD // 10)
    for i in range(3):
        scene.commit(i, cost=100 + i)
    scene.pretend_bonded(1_024)
    for i in range(5):
        scene.observe(i)
    scene.report(1_024)
    figures["reveal_1024_general"] = [scene.reveal(i) for i in range(3)][-1]
    return figures


def _reports(scene: GasScene) -> dict[str, int]:
    """Five signatures of seven members: with nine a quorum, above two thirds, is seven."""
    figures = {}
    for name, members, quorum in (("report_5of9", 7, 5), ("report_7of9", 9, 7)):
        scene.open(members=members, quorum=quorum)
        scene.commit(0, cost=100)
        for i in range(quorum):
            scene.observe(i)
        figures[name] = scene.report(1)
    return figures


def _claims(scene: GasScene) -> dict[str, int]:
    """The last of three claims: cash alone to a balance in use; all three ledgers with first MUT and DST balances."""
    figures = {}
    for name, liquidity, supply in (("claim_cash", WAD, 0), ("claim_all", WAD // 2, 10**12)):
        scene.open(liquidity=liquidity, share_supply=supply)
        for i in range(3):
            scene.commit(i, cost=100 + i)
        for i in range(5):
            scene.observe(i)
        scene.report(3)
        for i in range(3):
            scene.reveal(i)
        scene.settle_small()
        scene.refund()
        figures[name] = [scene.claim(i) for i in range(3)][-1]
    return figures


def _deliveries(scene: DeliveryScene) -> dict[str, int]:
    """The third delivery of its round; in another a wrong key and one that its sender did not make, struck; then the
    last of three claims, as above, of accepted keys."""
    figures = {"register_delivery_key": scene.register()}
    scene.settled()
    scene.deliver(0)
    scene.deliver(1, bytes(32))
    scene.deliver_again(2, 0)
    figures["dispute"] = scene.dispute(1)
    figures["refute"] = scene.refute(2)
    scene.settled()
    figures["deliver"] = [scene.deliver(i) for i in range(3)][-1]
    figures["accept"] = [scene.accept(i) for i in range(3)][-1]
    figures["claim_all_delivered"] = [scene.claim(i) for i in range(3)][-1]
    return figures


def _settlements(scene: GasScene) -> dict[str, int]:
    """The records' running hash is written into the contract; settling is an ordinary call.

    Fully dense costs are above 2^56, so a budget below 2^64 buys few of them; with a leading zero byte half of all bids
    win, which is the dearest computation.
    """
    figures = {}
    for name, count, cost_bytes, batches in (
        ("settle_1024", 1_024, 8, 1),
        ("settle_25000", 25_000, 8, 1),
        ("settle_25000_half_win", 25_000, 6, 1),
        ("settle_10000_in_5", 10_000, 6, 5),
        ("settle_10000_in_50", 10_000, 6, 50),
    ):
        bids = dense_bids(count, cost_bytes)
        reward = min(2**64 - 1, sum(bid.cost for bid in bids) // 2)
        scene.open(budget=reward, liquidity=WAD * 4 // 5, utility_pool=reward)
        scene.pretend_revealed(commitment.records_hash(bids))
        outcome = clear(bids, scene.reward, scene.terms.reserve, scene.terms.cap)
        gas = scene.settle(bids, outcome.certificate, batches)
        if scene.market.state(scene.round).total_reward != outcome.total_reward:
            raise SystemExit(f"{name}: the chain's rewards are not the specification's")
        figures[name] = gas
    return figures


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write, compare; 1 when something became dearer."""
    parser = argparse.ArgumentParser(prog="make gas", description=__doc__)
    parser.add_argument("--save", action="store_true", help="make the figures the new baseline")
    options = parser.parse_args(arguments)
    figures = measure()
    for name, gas in figures.items():
        print(f"{name} {gas}")
    text = json.dumps(figures, indent=1) + "\n"
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text)
    if options.save:
        BASELINE.write_text(text)
    baseline = json.loads(BASELINE.read_text())
    dearer = [name for name, gas in figures.items() if gas > TOLERANCE * baseline.get(name, gas)]
    for name in dearer:
        print(f"{name} rose from {baseline[name]} to {figures[name]}", file=sys.stderr)
    return 1 if dearer else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
