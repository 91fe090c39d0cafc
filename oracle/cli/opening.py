"""Opening a round: from a planner's texts to the published scoring specification, from terms to an escrowed round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from oracle.cli.base_model import cache_folder, trained_base
from oracle.cli.corpora import read_documents
from oracle.cli.output import ProgressCallback, notes
from oracle.cli.session import Session, send
from oracle.errors import BadInput

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from oracle.chain.terms import Terms
    from oracle.chain.terms_file import TermsFile
    from oracle.corpus.document import Document
    from oracle.influence.base import BaseModel
    from oracle.influence.spec import InfluenceSpec
    from oracle.quality.spec import QualitySpec

DEFAULT_SAMPLE = 40  # documents of the validation pool that score a round


@dataclass(frozen=True)
class Texts:
    """What a planner brings: public text to train on, hidden text of its target domain, text that is nothing new."""

    seed: Sequence[Document]
    validation: Sequence[Document]
    reference: Sequence[Document] | None


@dataclass(frozen=True)
class Specification:
    """Digests of a published scoring specification as the terms hold them, 32 bytes each."""

    pipeline: bytes
    base_model: bytes
    validation_root: bytes


def publish_specification(
    session: Session,
    planner: str,
    texts: Texts,
    *,
    base: BaseModel,
    influence: InfluenceSpec,
    quality: QualitySpec,
    sample: int = DEFAULT_SAMPLE,
    tranche_languages: Sequence[str] = (),
    auditors: Sequence[str] = (),
    progress: ProgressCallback | None = None,
) -> Specification:
    """Measure the reference gain, publish everything an oracle needs, and keep the validation pool to oneself.

    ``auditors`` can open the texts as operators do. Providers whose main language is one of ``tranche_languages``
    (ISO 639-1) make up the diversity tranche.
    """
    from oracle.influence.rescale import reference_gain
    from oracle.node import pipeline, validation

    scale = reference_gain(
        base,
        [document.text for document in texts.seed],
        [document.text for document in texts.validation],
        influence,
        progress=progress,
    )
    specification = pipeline.build(
        session.store,
        planner,
        quality=quality,
        influence=influence,
        gain_ref=scale.gain_ref,
        noise_floor=scale.noise_floor,
        base_model=base.data,
        seed=texts.seed,
        reference=texts.reference,
        pool=len(texts.validation),
        sample=min(sample, len(texts.validation)),
        tranche_languages=tranche_languages,
        auditors=auditors,
    )
    digest = pipeline.publish(session.store, specification)
    return Specification(digest, bytes.fromhex(base.digest), validation.pool_root(texts.validation))


def open_round(
    session: Session,
    account: LocalAccount,
    terms_file: TermsFile,
    *,
    token: str,
    operators: Sequence[str],
    quorum: int,
    specification: Specification | None,
    agreement: bytes | None,
) -> int:
    """Form the committee, approve the escrow and open the round; the round's number.

    ``specification`` and ``agreement`` (the licence's text) may be None where the terms file names their hashes.
    Winners deliver to the key that the planner has registered. Raises BadInput without one, or for terms that nobody
    could meet; nothing is sent before they are checked.
    """
    from web3.logs import DISCARD

    from oracle.chain import transact
    from oracle.chain.token import approve, read_token
    from oracle.node.committee import committee_id

    market = session.market
    committee = market.committee.functions
    members = sorted(operators, key=lambda address: int(address, 16))
    terms = terms_file.resolve(
        planner=account.address,
        token=read_token(session.w3, token),
        now=session.w3.eth.get_block("latest")["timestamp"],
        committee=committee_id(members, quorum) if members else None,
        arbitrator=market.committee.address,
        pipeline_hash=specification.pipeline if specification else None,
        base_model_hash=specification.base_model if specification else None,
        validation_root=specification.validation_root if specification else None,
        agreement_hash=_publish_licence(session, agreement) if agreement is not None else None,
        delivery_key=_delivery_key(session, account.address),
    )
    if members:
        send(session, account, committee.form(members, quorum))
    size = len(committee.committeeOf(terms.committee).call()[0])
    approve(session.w3, account, terms.payment_token, market.address, escrow_of(terms, size))
    receipt = transact.send(session.w3, account, market.contract.functions.open(terms.as_tuple()))
    opened = market.contract.events.Opened().process_receipt(receipt, errors=DISCARD)
    return int(opened[0]["args"]["round"])


def _delivery_key(session: Session, planner: str) -> bytes:
    """keccak256 of the planner's registered bn254 key, 32 bytes."""
    from eth_utils.crypto import keccak

    from oracle.chain.exchange import Exchange
    from oracle.custody import bn254

    registered = Exchange(session.market).delivery_key(planner)
    if registered is None:
        raise BadInput(
            "the planner has registered no key for winners to deliver to",
            input=planner,
            hint="Make one beside the keystore and register it: mia key create, mia key register.",
        )
    return keccak(bn254.encode(registered))


def _publish_licence(session: Session, agreement: bytes) -> bytes:
    """Store the licence's canonical text; its sha256, under which anybody finds it."""
    from oracle.custody.store import cid_to_digest, keep
    from oracle.evidence.licence import read_text

    return cid_to_digest(keep(session.store, read_text(agreement, name="agreement").encode(), "licence"))


def escrow_of(terms: Terms, operators: int) -> int:
    """What opening takes from the planner, smallest units: cash budget, one unit a bid for rounding up, all fees."""
    from oracle.mechanism.liquidity import split

    cash, _ = split(terms.budget, terms.utility_pool, terms.liquidity)
    return (cash + terms.max_bids + operators * terms.operator_fee) * terms.money_unit


def specify(
    session: Session,
    account: LocalAccount,
    seed_corpus: Path | None,
    validation: Path | None,
    reference: Path | None,
    base_model: Path | None,
    quality: QualitySpec,
    sample: int,
    languages: list[str],
    auditors: list[str],
    tell: ProgressCallback,
) -> Specification | None:
    """None when no texts are given: then the terms name the hashes of a specification published before."""
    if seed_corpus is None and validation is None:
        return None
    if seed_corpus is None or validation is None:
        raise BadInput(
            "a scoring specification needs both the public and the hidden text",
            input="--validation" if validation is None else "--seed-corpus",
            hint="Give both, or neither when the terms name the specification's hashes.",
        )
    from oracle.influence.spec import InfluenceSpec

    known = list(read_documents(reference, None)) if reference else None
    texts = Texts(list(read_documents(seed_corpus, None)), list(read_documents(validation, None)), known)
    base = _base_model(base_model, texts, tell)
    return publish_specification(
        session,
        account.address,
        texts,
        base=base,
        influence=InfluenceSpec(),
        quality=quality,
        sample=sample,
        tranche_languages=languages,
        auditors=auditors,
        progress=tell,
    )


def _base_model(path: Path | None, texts: Texts, tell: ProgressCallback) -> BaseModel:
    from oracle.influence.base import load_base
    from oracle.influence.pretrain import BaseSpec

    if path is not None and path.exists():
        return load_base(path)
    base = trained_base([document.text for document in texts.seed], BaseSpec(), cache_folder() / "base", progress=tell)
    if path is not None:
        base.save(path)
        notes().print(f"base model kept in {path}", soft_wrap=True)
    return base
