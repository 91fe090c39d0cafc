"""Licence agreements of a round: what the chain says they must say, and where the parties exchange them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oracle.cli.session import Session
from oracle.errors import BadInput, CheckFailed

if TYPE_CHECKING:
    from oracle.custody.store import ContentStore
    from oracle.evidence.licence import Agreement


def text_of(store: ContentStore, hashed: bytes) -> str | None:
    """The licence's text out of the content store, where it lies under its own hash; None when it does not.

    Nothing is said about what is hidden in it. Raises BadInput for bytes that are no text.
    """
    from oracle.custody.store import digest_to_cid
    from oracle.evidence.licence import decode_text

    cid = digest_to_cid(hashed)
    return decode_text(store.get(cid), name=f"the licence 0x{hashed.hex()}") if store.has(cid) else None


def publish(session: Session, agreement: Agreement) -> None:
    """Put an agreement on its round's board, for the other party and the planner's fetch."""
    from oracle.custody.board import round_key

    key = round_key(agreement.chain_id, agreement.market, agreement.round)
    session.board.publish(key, _slot(agreement.provider), agreement.to_bytes())


def published(session: Session, round: int, provider: str) -> Agreement | None:
    """The agreement on the round's board, nothing of it checked; None when there is none."""
    from oracle.custody.board import round_key
    from oracle.evidence.licence import Agreement

    key = round_key(session.market.chain_id, session.market.address, round)
    data = session.board.read(key, _slot(provider))
    return None if data is None else Agreement.from_bytes(data, name=f"the agreement of {provider}")


def draft_of(session: Session, round: int, provider: str, share: int, expiry: int) -> Agreement:
    """The agreement that nobody has signed yet; BadInput when ``provider`` has no bid in the round."""
    from oracle.evidence.licence import Agreement

    market = session.market
    terms = market.terms(round)
    bid = next((bid for bid in market.commitments(round) if bid.provider == provider), None)
    if bid is None:
        raise BadInput(f"{provider} has no bid in round {round}", input=provider, hint="See mia round status.")
    return Agreement(
        chain_id=market.chain_id,
        market=market.address,
        round=round,
        provider=provider,
        planner=terms.planner,
        dataset_root=bid.dataset_root,
        licence_hash=terms.agreement_hash,
        revenue_share=share,
        expiry=expiry,
    )


def require_of_round(agreement: Agreement, session: Session, round: int) -> None:
    """CheckFailed, naming the first word that is another, unless the agreement says what the round on chain says."""
    try:
        expected = draft_of(session, round, agreement.provider, agreement.revenue_share, agreement.expiry)
    except BadInput as error:
        raise CheckFailed(str(error), input=error.input, hint=error.hint) from error
    words, found = expected.model_dump(mode="json"), agreement.model_dump(mode="json")
    for name, word in words.items():
        if not name.endswith("_signature") and found[name] != word:
            message = f"the agreement's {name} is {found[name]}, on chain it is {word}"
            raise CheckFailed(message, input=name, hint="write a new agreement: mia licence sign")


def _slot(provider: str) -> str:
    return f"licence-{provider.lower()}"
