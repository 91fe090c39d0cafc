"""Stages that need the chain and the board only: who attested what, and does it follow from what they observed."""

from __future__ import annotations

from dataclasses import asdict

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from oracle.audit.difference import Mismatch, require_equal, require_same
from oracle.audit.subject import Subject
from oracle.errors import CheckFailed
from oracle.evidence import commitment, merkle
from oracle.node import exchange
from oracle.node.committee import committee_of


def terms(subject: Subject) -> str:
    """The terms hash to what the contract holds, and the running hash of commitments starts from it."""
    require_equal("terms hash", subject.terms.hash(), subject.state.terms_hash)
    return f"terms hash 0x{subject.state.terms_hash.hex()}"


def domain(subject: Subject) -> str:
    """Signatures are for this chain and this contract."""
    found = bytes(subject.market.contract.functions.domainSeparator().call())
    require_equal("EIP-712 domain separator", subject.market.domain.separator(), found)
    return f"chain {subject.market.chain_id}, market {subject.market.address}"


def committee(subject: Subject) -> str:
    """Members and quorum are those the terms name, in ascending order, with more than two thirds in a quorum."""
    group = committee_of(subject.market, subject.round_id)
    identity = keccak(encode(["address[]", "uint8"], [group.members, group.quorum]))
    require_equal("committee", subject.terms.committee, identity)
    require_equal("order of the committee", sorted(set(group.members), key=lambda m: int(m, 16)), list(group.members))
    if group.quorum * 3 <= 2 * len(group.members):
        raise Mismatch("quorum", f"more than two thirds of {len(group.members)}", group.quorum)
    return f"{group.quorum} of {len(group.members)} operators"


def commitments(subject: Subject) -> str:
    """Every commitment ever made folds into the running hash; one live one for each bond."""
    commits = subject.market.commits(subject.round_id)
    expected = commitment.commitments_hash(subject.state.terms_hash, commits)
    require_equal("running hash of commitments", expected, subject.state.commitments)
    require_equal("bonded providers", len(subject.bids), subject.state.bonded)
    return f"{len(subject.bids)} live commitments of {len(commits)}"


def observations(subject: Subject) -> str:
    """Every digest on chain opens to an observation shown on the board; at least a quorum of them make sense."""
    seen = subject.market.observations(subject.round_id)
    expected = commitment.observations_hash((one.operator, one.digest) for one in seen)
    require_equal("running hash of observations", expected, subject.market.observed(subject.round_id))
    senseless = []
    for one in seen:
        raw = exchange.read_observation(subject.market, subject.round_id, one, subject.board)
        try:
            exchange.parse_observation(subject.market, subject.round_id, one, raw)
        except CheckFailed as error:
            senseless.append(str(error))
    return "; ".join([f"{len(seen)} observations open to their digests", *senseless])


def scores(subject: Subject) -> str:
    """Medians, shares and root anew from the observations: every leaf shown must be the one they give."""
    report = subject.report
    expected = subject.leaves
    found = exchange.shown_leaves(subject.market, subject.round_id, report.root, subject.board)
    require_equal("providers in the report", [leaf.provider for leaf in expected], [leaf.provider for leaf in found])
    for mine, theirs in zip(expected, found, strict=True):
        require_same(f"provider {mine.provider}", asdict(mine), asdict(theirs))
    require_equal("root of the score tree", merkle.root([leaf.hash() for leaf in expected]), report.root)
    require_equal("leaves of the score tree", len(expected), report.count)
    require_equal("commitments the report is bound to", subject.state.commitments, report.commitments)
    return f"{len(expected)} leaves are the lower medians of {len(subject.observations)} observations, shares included"


def signatures(subject: Subject) -> str:
    """The transaction's signers are a quorum of the committee and signed this very report; so did all who show it."""
    market, report = subject.market, subject.report
    group = committee_of(market, subject.round_id)
    message = exchange.report_message(market, subject.round_id, report.root, report.count)
    event = market.contract.events.Reported().get_logs(
        argument_filters={"round": subject.round_id}, from_block=report.block, to_block=report.block
    )[0]
    sent = market.w3.eth.get_transaction(event["transactionHash"])
    _, arguments = market.contract.decode_function_input(sent["input"])
    signers = arguments["signers"]
    require_equal("order of the signers", sorted(set(signers), key=lambda s: int(s, 16)), signers)
    require_equal("signers outside the committee", [], [signer for signer in signers if signer not in group.members])
    if len(signers) < group.quorum:
        raise Mismatch("signers of the report", f"at least {group.quorum}", len(signers))
    for signer, signature in zip(signers, arguments["signatures"], strict=True):
        exchange.require_signer(market, signer, message, signature)
    shown = [m for m in group.members if exchange.read_signature(market, m, message, subject.board) is not None]
    return f"{len(signers)} signatures in the transaction and {len(shown)} on the board are valid"
