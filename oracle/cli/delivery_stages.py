"""The stages of ``mia demo`` in which keys change hands: wrapped, delivered for payment, opened or struck."""

from __future__ import annotations

import json
import secrets
from functools import partial

from oracle.cli.bidding import wrap_bid
from oracle.cli.children import Child, run_together
from oracle.cli.demo_run import PASSWORD, ROUND, Run, pass_on
from oracle.cli.handover import accept_key, deliver_bid, dispute_key, manifest_of
from oracle.cli.output import ProgressCallback
from oracle.errors import CheckFailed


def wrap_keys(run: Run, tell: ProgressCallback) -> str:
    """The commit phase is over: every provider wraps the key of its texts to the oracles and to the auditor."""
    from oracle.custody.bidfile import read_bid

    run.chain.warp_to(run.session.market.terms(ROUND).commit_end)
    readers = 0
    for done, (name, file) in enumerate(run.bids.items(), start=1):
        readers = len(wrap_bid(run.session, run.accounts[name], read_bid(file, PASSWORD))["readers"])
        tell("key wraps", done, len(run.bids))
    return f"{len(run.bids)} keys, each for {readers} readers"


def deliver_keys(run: Run, tell: ProgressCallback) -> str:
    """Winners deliver their keys to the planner, masked. Where several won, the one that is paid least delivers another
    key than it committed to; losers keep theirs."""
    from oracle.chain.exchange import Exchange
    from oracle.cli.purchase import winners
    from oracle.custody.bidfile import read_bid

    market, names = run.session.market, run.names()
    run.chain.warp_to(market.terms(ROUND).settle_end)
    reward_of = market.contract.functions.rewardOf
    rewards = {won.provider: reward_of(ROUND, won.provider).call()[0] for won in winners(run.session, ROUND)}
    cheat = min(rewards, key=lambda who: int(rewards[who])) if len(rewards) > 1 else ""
    for done, provider in enumerate(rewards, start=1):
        account = run.accounts[names[provider]]
        if provider == cheat:
            manifest = manifest_of(run.session, ROUND, provider)
            words = {"content_hash": manifest.content_hash, "key_commit": manifest.key_commit}
            Exchange(market).deliver(account, ROUND, provider, secrets.token_bytes(32), **words)
        else:
            bid = read_bid(run.bids[names[provider]], PASSWORD)
            deliver_bid(run.session, account, bid, bid.content_key or b"")
        tell("deliveries", done, len(rewards))
    wrong = f", one of them wrong (by {names[cheat]})" if cheat else ""
    return f"{len(rewards)} keys delivered{wrong}; {len(run.bids) - len(rewards)} stay with those who lost"


def open_deliveries(run: Run, tell: ProgressCallback) -> str:
    """The planner opens what was delivered: accepts the good keys and has a wrong one struck by the contract."""
    from oracle.cli.purchase import winners
    from oracle.custody.keystore import beside, load_keys

    keys = load_keys(beside(run.keystore("planner")), PASSWORD)
    won, names, said = winners(run.session, ROUND), run.names(), []
    for done, bid in enumerate(won, start=1):
        try:
            accept_key(run.session, run.planner(), ROUND, bid.provider, keys)
        except CheckFailed:
            how, _ = dispute_key(run.session, run.planner(), ROUND, bid.provider, keys)
            said.append(f"the one of {names[bid.provider]} {how}: nothing is paid for it")
        tell("openings", done, len(won))
    return "; ".join([f"{len(won) - len(said)} keys accepted", *said])


def fetch_texts(run: Run, tell: ProgressCallback) -> str:
    """The planner decrypts what it bought into files to train on; what lost stays closed."""
    from oracle.custody.keystore import beside

    arguments = ["data", "fetch", str(ROUND), "--out", str(run.out / "bought"), "--format", "parquet,jsonl.zst"]
    keys = ["--key", str(beside(run.keystore("planner"))), "--password-file", str(run.password_file)]
    place = ["--rpc", run.chain.rpc, "--contract", run.session.market.address, "--store", run.store, "--json"]
    ((_, words),) = run_together([Child("fetch", [*arguments, *keys, *place])], hear=partial(pass_on, tell))
    found = json.loads(words)
    return f"{found['documents']} documents of {len(found['datasets'])} providers in {run.out / 'bought'}"
