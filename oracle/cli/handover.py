"""The steps by which a key changes hands, which the delivery commands and the demo share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from oracle.cli.bidding import require_terms
from oracle.cli.session import Session
from oracle.errors import BadInput, CheckFailed

if TYPE_CHECKING:
    from pathlib import Path

    from eth_account.signers.local import LocalAccount

    from oracle.chain.events import Commitment
    from oracle.chain.exchange import Delivered
    from oracle.custody.bidfile import Bid
    from oracle.custody.keystore import Keys
    from oracle.custody.manifest import SealedManifest


def committed(session: Session, round: int, provider: str) -> Commitment:
    """What a provider committed to; BadInput when it has no bid."""
    live = {known.provider: known for known in session.market.commitments(round)}.get(provider)
    if live is None:
        raise BadInput(f"{provider} has no bid in round {round}", input=provider, hint="Is this the right address?")
    return live


def manifest_of(session: Session, round: int, provider: str) -> SealedManifest:
    """The manifest that a provider committed to, every binding checked.

    Raises BadInput when it has no bid, CheckFailed when the manifest is missing or for another place.
    """
    from oracle.node.opening import manifest_of as manifest_behind

    return manifest_behind(session.market, round, committed(session, round, provider), session.store)


def deliver_bid(session: Session, account: LocalAccount, bid: Bid, key: bytes) -> str:
    """Deliver the key of what was sold with a bid file; the transaction, "" when it was there already.

    Raises BadInput before the settlement, for nothing to deliver, or for a bid that is not the one on chain;
    CheckFailed for a key that would lose the bond, or when the node names other terms, and with them perhaps another
    planner's key, than those that were bid under.
    """
    require_terms(session, bid)
    live = committed(session, bid.round, bid.provider)
    if (live.dataset_root, live.manifest) != (bid.dataset_root, bid.manifest):
        raise BadInput(
            f"the bid file is of another data set than that of round {bid.round}",
            input="bid file",
            hint="Give the file of the bid that was sent last.",
        )
    return _deliver(session, account, bid.round, bid.provider, key)


def deliver_wrapped(
    session: Session, account: LocalAccount, round: int, provider: str, keys: Keys, data_dir: Path
) -> str:
    """Deliver for a silent winner what it wrapped to the owner of ``keys``, an operator; as :func:`deliver_bid`.

    Raises CheckFailed when nothing was wrapped to it, or not the right key; or when its own folder does not say that it
    observed this round under the terms that the node names: their key is what the data are given away to.
    """
    from oracle.node.folder import DataFolder
    from oracle.node.observing import require_observed
    from oracle.node.opening import Reader, content_key

    require_observed(session.market, round, account.address, DataFolder(data_dir))
    manifest = manifest_of(session, round, provider)
    key = content_key(session.market, manifest, session.board, Reader.of(keys))
    return _deliver(session, account, round, provider, key)


def opened_key(session: Session, round: int, provider: str, keys: Keys) -> bytes:
    """The key that was delivered to the planner, checked against what was scored; nothing is sent.

    All of it is on chain: neither store nor provider is asked. Raises BadInput when nothing was delivered, CheckFailed
    for a wrong key or one of other data.
    """
    from oracle.chain.exchange import Exchange
    from oracle.custody.delivery import is_committed, is_of

    exchange = Exchange(session.market)
    found, key = exchange.require(round, provider), exchange.opened(round, provider, keys)
    sale, made = exchange.sale(round, provider), found.delivery
    root = committed(session, round, provider).dataset_root
    if not (is_of(sale, made, root) and is_committed(sale, made, key)):
        raise CheckFailed(
            f"what was delivered for {provider} in round {round} is not the key of what was scored",
            input=provider,
            hint=f"mia delivery dispute {round} {provider}, before {iso(found.dispute_end)}",
        )
    return key


def accept_key(session: Session, account: LocalAccount, round: int, provider: str, keys: Keys) -> tuple[bytes, str]:
    """Open a delivery and accept it if its key is right; the key, and the transaction ("" when none was needed).

    Errors as :func:`opened_key`.
    """
    from oracle.chain.exchange import Exchange, State

    exchange = Exchange(session.market)
    key = opened_key(session, round, provider, keys)
    if exchange.require(round, provider).state is not State.DELIVERED:
        return key, ""
    return key, _name(exchange.accept(account, round, provider))


def dispute_key(
    session: Session, account: LocalAccount, round: int, provider: str, keys: Keys, *, trusting: bool = False
) -> tuple[str, str]:
    """Have a wrong key struck; how, and the transaction.

    A delivery that its sender did not make, or of other data, is "refuted", which tells nobody anything; else it is
    "disputed". Raises BadInput for a good key: a dispute would publish it; and CheckFailed, unless ``trusting`` the
    node, where no signature shows that what was delivered is what the node says: it could be a good key, altered.
    """
    from oracle.chain.exchange import Exchange
    from oracle.custody.delivery import delivery_holds, is_committed, is_of
    from oracle.node.reporting import leaf_and_proof

    exchange = Exchange(session.market)
    sale = exchange.sale(round, provider)
    found, key = exchange.require(round, provider), exchange.opened(round, provider, keys)
    made = found.delivery
    if not is_of(sale, made, committed(session, round, provider).dataset_root) or not delivery_holds(sale, made):
        leaf, proof = leaf_and_proof(session.market, round, provider, session.board)
        return "refuted", _name(exchange.refute(account, round, found, leaf, proof))
    if is_committed(sale, made, key):
        raise BadInput(
            f"the key delivered for {provider} is the right one: a dispute would publish it and cost the bond",
            input=provider,
            hint=f"mia delivery accept {round} {provider}",
        )
    secret = keys.bn254_for(exchange.planner_key(round))
    return "disputed", _name(exchange.dispute(account, round, provider, secret, found, trusting=trusting))


def delivery_status(session: Session, round: int) -> dict[str, Any]:
    """Where the deliveries of a settled round stand, winner by winner; times in ISO 8601.

    Raises BadInput before the settlement, or for a round without deliveries.
    """
    from oracle.chain.exchange import Exchange
    from oracle.cli.purchase import winners

    market, exchange = session.market, Exchange(session.market)
    exchange.planner_key(round)  # or nothing is delivered in this round
    terms, now = market.terms(round), market.w3.eth.get_block("latest")["timestamp"]
    claimed = {known.provider for known in market.claims(round)}
    rows = []
    for provider in (won.provider for won in winners(session, round)):
        found = exchange.delivered(round, provider)
        rows.append(
            {
                "provider": provider,
                "state": _state(found, terms.bounty_end, now),
                "deliverer": found.delivery.deliverer if found else None,
                "bounty": found is not None and found.bounty,
                "dispute_end": iso(found.dispute_end) if found else None,
                "claimed": provider in claimed,
            }
        )
    return {
        "round": round,
        "exchange": exchange.contract.address,
        "deliver_end": iso(terms.deliver_end),
        "bounty_end": iso(terms.bounty_end),
        "deliveries": rows,
    }


def register_keys(session: Session, account: LocalAccount, keys: Keys) -> dict[str, str]:
    """Register the newest keys where the chain has others; the transactions by kind, "" where none was needed.

    Raises BadInput when the wallet is not the owner of the keys.
    """
    from oracle.chain.exchange import Exchange

    if keys.owner != account.address:
        raise BadInput(
            f"the keys belong to {keys.owner}, the wallet is {account.address}",
            input=keys.owner,
            hint="Give the wallet that the keys were made for.",
        )
    exchange, public = Exchange(session.market), keys.public
    known = exchange.encryption_key(account.address)
    same = known is not None and known.key == public.x25519
    encryption = "" if same else _name(exchange.register_encryption_key(account, public.x25519))
    same = exchange.delivery_key(account.address) == public.bn254
    delivery = "" if same else _name(exchange.register_delivery_key(account, keys.bn254))
    return {"encryption": encryption, "delivery": delivery}


def iso(timestamp: int) -> str:
    """A moment of the chain, in ISO 8601."""
    return datetime.fromtimestamp(timestamp, UTC).isoformat()


def _deliver(session: Session, account: LocalAccount, round: int, provider: str, key: bytes) -> str:
    from oracle.chain.exchange import Exchange
    from oracle.chain.terms import Phase

    session.market.require_phase(round, Phase.CLAIM)
    manifest, exchange = manifest_of(session, round, provider), Exchange(session.market)
    manifest.check_key(key)
    found = exchange.delivered(round, provider)
    if found is not None and found.delivery.deliverer == account.address:
        return ""
    reward, _ = session.market.contract.functions.rewardOf(round, provider).call()
    if not reward:  # the contract does not look: who delivers without need gives its data away
        raise BadInput(
            f"nothing is due to {provider} in round {round}",
            input=provider,
            hint="It did not win, or was paid: keep the key.",
        )
    words = {"content_hash": manifest.content_hash, "key_commit": manifest.key_commit}
    return _name(exchange.deliver(account, round, provider, key, **words))


def _state(found: Delivered | None, bounty_end: int, now: int) -> str:
    from oracle.chain.exchange import State

    if found is None:
        return "awaited" if now < bounty_end else "missing"
    if found.state is State.DELIVERED and now >= found.dispute_end:
        return "accepted"  # by silence
    return found.state.name.lower()


def _name(receipt: Any) -> str:
    return "0x" + bytes(receipt["transactionHash"]).hex()
