"""What a planner bought in a round: whose data sets, under which licence, and the keys that open them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from oracle.cli.agreement import published, require_of_round, text_of
from oracle.cli.packing import read_file
from oracle.cli.session import Session, secret_of
from oracle.errors import BadInput, CheckFailed

if TYPE_CHECKING:
    from oracle.chain.events import Commitment
    from oracle.chain.exchange import Exchange
    from oracle.corpus.document import Document
    from oracle.corpus.exports.export import Lot
    from oracle.custody.keystore import Keys
    from oracle.custody.sealed import SealedManifest
    from oracle.custody.store import ContentStore
    from oracle.evidence.licence import Agreement

DELIVERED, WRAPPED, FILE = "delivered", "wrapped", "file"


@dataclass(frozen=True)
class Purchase:
    """One winner's data set. ``source``: where its key came from; ``licence``: hash of what it was bought under."""

    manifest: SealedManifest
    key: bytes = field(repr=False)
    source: str
    licence: bytes
    agreement: Agreement | None

    @property
    def provider(self) -> str:
        return self.manifest.provider

    def lot(self, store: ContentStore, processes: int) -> Lot:
        """The data set as an export takes it: decrypted and verified while it is read."""
        from oracle.corpus.exports.export import Lot
        from oracle.corpus.exports.rows import Origin
        from oracle.custody.sealed import open_sealed

        def read() -> Iterator[Document]:
            return open_sealed(store, self.manifest, self.key, processes=processes)

        manifest = self.manifest
        origin = Origin(manifest.provider, manifest.dataset_root, self.licence, manifest.round)
        return Lot(origin, manifest.document_root, manifest.documents, read)


@dataclass(frozen=True)
class Bought:
    """A round's purchases in the order of commitments, and the other winners: ``missing`` ones have not delivered,
    what ``wrong`` ones delivered is not the key, and for ``reversed`` ones it is too late: they are not paid."""

    purchases: tuple[Purchase, ...]
    missing: tuple[str, ...]
    wrong: tuple[str, ...]
    reversed: tuple[str, ...]


class WrongKey(CheckFailed):
    """What was delivered is not the key."""


class Keyring:
    """The keys a planner has at hand: of single data sets, by their manifests, and key files, opened."""

    def __init__(self, files: Sequence[Path], password_file: Path | None) -> None:
        """Raises BadInput for a file that is neither or a wrong password."""
        from oracle.custody.contentkey import read_key
        from oracle.custody.keystore import load_keys

        self.contents: dict[bytes, bytes] = {}
        self.own: list[Keys] = []
        for file in files:
            data = read_file(file, "key")
            if b"mixed-mia/keys/" in data:
                self.own.append(load_keys(file, secret_of(file, password_file)))
            else:
                found = read_key(data, name=str(file))
                self.contents[found.manifest] = found.key


def collect(
    session: Session, round: int, keyring: Keyring, licences: Mapping[bytes, str], without: Sequence[str] = ()
) -> Bought:
    """Every winner's data set: its manifest checked against the chain, its key against the manifest, its licence.

    ``licences`` are texts by hash that are accepted beside the one in the terms; ``without`` are winners to leave out.
    Raises BadInput before the settlement, for one to leave out that did not win, and without a key file that fits;
    CheckFailed naming the first thing that is not what the chain says.
    """
    from oracle.chain.exchange import Exchange
    from oracle.custody.sealed import fetch_sealed

    market = session.market
    exchange = Exchange(market) if market.terms(round).deliver_end else None
    purchases: list[Purchase] = []
    missing, wrong, reversed_ = list[str](), list[str](), list[str]()
    won = winners(session, round)
    for stranger in set(without) - {bid.provider for bid in won}:
        raise BadInput(f"{stranger} is no winner of round {round}", input=stranger, hint="See mia delivery status.")
    for bid in (bid for bid in won if bid.provider not in without):
        manifest = fetch_sealed(
            session.store,
            bid.manifest,
            provider=bid.provider,
            dataset_root=bid.dataset_root,
            chain_id=market.chain_id,
            market=market.address,
            round=round,
        )
        if exchange and _is_over(exchange, round, bid.provider):
            reversed_.append(bid.provider)
            continue
        try:
            found = _key_of(session, exchange, round, manifest, keyring)
        except WrongKey:
            wrong.append(bid.provider)
            continue
        if found is None:
            missing.append(bid.provider)
            continue
        agreement = _checked_agreement(session, round, bid.provider)
        purchases.append(Purchase(manifest, *found, _licence_of(session, round, manifest, licences), agreement))
    return Bought(tuple(purchases), tuple(missing), tuple(wrong), tuple(reversed_))


def winners(session: Session, round: int) -> list[Commitment]:
    """The commitments that won, in order of place, cleared anew from what the chain recorded at the reveals.

    Raises BadInput before the settlement.
    """
    from oracle.audit.auctions import clear_round

    market = session.market
    if not market.state(round).settled:
        hint = "Come back after the settlement: mia round status."
        raise BadInput(f"round {round} is not settled", input=f"round {round}", hint=hint)
    reveals = market.reveals(round)
    auctions = clear_round(market.terms(round), reveals)
    won = {seen.provider for seen in reveals if seen.position in auctions[seen.group].outcome.winners}
    return [bid for bid in market.commitments(round) if bid.provider in won]


def licence_texts(session: Session, purchases: Sequence[Purchase], known: Mapping[bytes, str]) -> dict[bytes, str]:
    """The texts of all licences, by hash, as far as they were given or lie in the store."""
    found = {}
    for hashed in dict.fromkeys(purchase.licence for purchase in purchases):
        text = known.get(hashed) or text_of(session.store, hashed)
        if text is not None:
            found[hashed] = text
    return found


# --- inside ---


def _is_over(exchange: Exchange, round: int, provider: str) -> bool:
    """Whether no good key can come any more."""
    from oracle.chain.exchange import State

    market, found = exchange.market, exchange.delivered(round, provider)
    if found is None:
        return int(market.w3.eth.get_block("latest")["timestamp"]) >= market.terms(round).bounty_end
    return found.state is State.REVERSED


def _key_of(
    session: Session, exchange: Exchange | None, round: int, manifest: SealedManifest, keyring: Keyring
) -> tuple[bytes, str] | None:
    """The data set's key and where it came from; None while there is none."""
    if manifest.digest in keyring.contents:
        key = keyring.contents[manifest.digest]
        manifest.check_key(key)
        return key, FILE
    if exchange and exchange.delivered(round, manifest.provider):
        return _delivered_key(session, exchange, round, manifest, keyring), DELIVERED
    wrapped = _wrapped_key(session, round, manifest, keyring)
    return None if wrapped is None else (wrapped, WRAPPED)


def _delivered_key(
    session: Session, exchange: Exchange, round: int, manifest: SealedManifest, keyring: Keyring
) -> bytes:
    planner = session.market.terms(round).planner
    own = [keys for keys in keyring.own if keys.owner == planner]
    if not own:
        hint = "Give the planner's key file: --key planner.keys.json."
        raise BadInput("no key opens the deliveries of this round", input=planner, hint=hint)
    key = exchange.opened(round, manifest.provider, own[-1])
    try:
        manifest.check_key(key)
    except CheckFailed as error:
        raise WrongKey(str(error), input=manifest.provider, hint=error.hint) from error
    return key


def _wrapped_key(session: Session, round: int, manifest: SealedManifest, keyring: Keyring) -> bytes | None:
    """The key out of the provider's wraps, where one is addressed to the owner of a key file."""
    from oracle.node.opening import Reader, unwrapped, wraps_of

    wraps = wraps_of(session.market, manifest, session.board)
    if wraps is None:
        return None
    shown_to = {wrap.recipient for wrap in wraps.wraps}
    own = next((keys for keys in keyring.own if keys.owner in shown_to), None)
    return None if own is None else unwrapped(manifest, wraps, Reader.of(own))


def _licence_of(session: Session, round: int, manifest: SealedManifest, known: Mapping[bytes, str]) -> bytes:
    agreed = session.market.terms(round).agreement_hash
    named = manifest.licence
    if not any(named) or named == agreed:
        return agreed
    if named not in known:
        raise CheckFailed(
            f"{manifest.provider} sells under the licence 0x{named.hex()}, the round's is 0x{agreed.hex()}",
            input=manifest.provider,
            hint="If you accept it, give its text: --licence FILE.",
        )
    return named


def _checked_agreement(session: Session, round: int, provider: str) -> Agreement | None:
    agreement = published(session, round, provider)
    if agreement is None:
        return None
    require_of_round(agreement, session, round)
    for role in agreement.roles():
        if role not in agreement.missing():
            agreement.check_signature(role)
    agreement.check_time(int(session.w3.eth.get_block("latest")["timestamp"]))
    return agreement
