"""Refusals of the contracts in plain words: what is wrong and the way out, for every custom error."""

from __future__ import annotations

from functools import cache
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak
from web3.exceptions import ContractLogicError

from oracle.chain import artifacts
from oracle.chain.terms import Phase
from oracle.errors import BadInput, CheckFailed, MiaError

# name: (what is wrong, the way out); {0} is the error's first argument
_BAD = {
    # phases and terms
    "UnknownRound": ("the market has no such round", "check the number of the round"),
    "WrongPhase": ("the round is in its {0} phase, this call belongs to another", "see the round's deadlines"),
    "NotPlanner": ("the sender is not the planner of the terms", "open the round with the planner's own account"),
    "ZeroMoneyUnit": ("a money unit of nothing", "set money_unit to at least the token's smallest unit"),
    "RewardOutOfRange": ("the budget is too many money units (2^64 or more)", "choose a larger money unit"),
    "ZeroReward": ("budget and utility pool leave nothing to auction", "raise the part that the liquidity selects"),
    "LiquidityOutOfRange": ("the liquidity is above 1", "choose a fraction between 0 and 1"),
    "ZeroReserve": ("a reserve price of zero: nobody could win", "set the reserve"),
    "ZeroCap": ("a cap of zero: nobody could win", "set the cap"),
    "MaxBidsOutOfRange": ("the number of bids is zero or above 2^24 - 1", "choose another number of bids"),
    "ShareBoundsOutOfRange": ("share floor and cap do not fit", "0 <= floor <= cap <= 1, and a cap above 0"),
    "TrancheOutOfRange": ("the tranche takes all of the budget, or less than one money unit", "choose another share"),
    "ZeroBond": ("a bond of zero", "set both bonds"),
    "PhaseTooShort": ("a phase is shorter than 10 minutes, or deadlines are reversed", "move the deadlines apart"),
    "DeadlineTooFar": ("the challenge phase ends after operators could have left", "shorten the phases"),
    "ArbitratorWithoutCode": ("the arbitrator is not a contract", "name the OracleCommittee, or another one"),
    "WrongEscrow": ("the token moved {1} of {0} smallest units", "use a token without fees on transfer"),
    # commit and observe
    "SealedBidTooSmall": ("this sealed bid reads like a record (one in 2^32)", "seal it again with a new salt"),
    "WrongBond": ("the value sent is not the bond that is due", "send the bond of the terms once, nothing after that"),
    "RoundFull": ("the round takes no more bids", "wait for another round"),
    "NoBid": ("this account has no bid in the round", "check account and round"),
    "AlreadyObserved": ("this operator has observed already", "nothing is left to do"),
    # quorum
    "UnknownCommittee": ("the committee was never formed", "form it from its members and quorum first"),
    "NotAMember": ("{0} is no member of the round's committee", "sign with an operator of the round"),
    "RetiredMember": ("{0} was retired after it had been slashed", "form a committee without it"),
    "InactiveMember": ("{0} has no full stake, or is leaving", "let it stake first"),
    "UnsortedSigners": ("signers are not in strictly ascending order", "sort them by address, each once"),
    "QuorumOutOfRange": ("1 to 32 members, and a quorum above two thirds of them", "choose another quorum"),
    "StakeTooSmall": ("the stake would stay below the least one", "send more"),
    "OperatorSlashed": ("this operator was slashed", "come back under another key"),
    "ExitPending": ("this operator is leaving", "wait until it has left"),
    "ExitNotDue": ("the operator has not asked to leave, or the delay is not over", "ask, then wait"),
    "NotSlashed": ("the operator was not slashed", "check the address"),
    # report, challenge, reveal
    "BelowQuorum": ("fewer signatures or observations than the quorum", "collect more before posting"),
    "AlreadyReported": ("the report is posted already", "nothing is left to do"),
    "AlreadyChallenged": ("another challenge is open", "wait for its ruling"),
    "NotChallenged": ("no challenge is open", "nothing is left to do"),
    "TooLateToChallenge": ("the second half of the phase belongs to the arbitrator", "too late for this round"),
    "NotRuled": ("the arbitrator has not ruled yet", "wait for it"),
    "AlreadyRuled": ("the committee has ruled on this challenge", "nothing is left to do"),
    "WrongOpening": ("cost, salt or data set are not those of the sealed bid", "use the bid file of this very bid"),
    "AlreadySettled": ("this auction is settled already", "nothing is left to do"),
    "TrancheNotSettled": ("the tranche's auction comes first", "settle group 1"),
    "AlreadyRevealed": ("the bid is open already", "nothing is left to do"),
    # delivery
    "ZeroKey": ("zero is no encryption key", "register the key of your key file: mia key register"),
    "DeliveryKeyNotRegistered": ("the delivery key is not the planner's registered one", "mia key register first"),
    "AlreadyDelivered": ("a delivery is there already", "nothing is left to do, unless it is struck"),
    "DeliveryClosed": ("deliveries of this round have not begun, or have ended", "see the round's deadlines"),
    "NotDeliverer": (
        "the winner alone delivers before the deadline, an operator that observed after it",
        "see the round's deadlines",
    ),
    "NotDelivered": ("no such delivery can still be accepted or disputed", "see the state of the delivery"),
    "NotAccepted": ("the key is not delivered, or its delivery may still be disputed", "see the state of the delivery"),
    # payments and tokens
    "NotRevealed": ("the bid was never opened; its bond is burned", "nothing is due"),
    "NothingDue": ("nothing is due, or it was paid already", "check account and round"),
    "OnlyMarket": ("reserved to the market itself", "use the market's own functions"),
    "NotTransferable": ("data shares are votes and cannot be moved", "keep them"),
    "TooManyUnits": ("more revenue shares than the round has", "check the round"),
    "ZeroRecipient": ("a transfer to nobody", "name a recipient"),
    "ERC20InsufficientBalance": ("{0} holds {1} smallest units of the token, {2} are needed", "get more of the token"),
    "ERC20InsufficientAllowance": ("{0} may take {1} smallest units of the token, {2} are needed", "approve more"),
    "TransferFromFailed": ("the token refused the transfer", "check balance and approval of the payment token"),
    "TransferFailed": ("the token refused to pay", "is the recipient barred by the token?"),
    "InsufficientBalance": ("fewer units than that are held", "check the balance"),
    "InsufficientAllowance": ("fewer units than that are approved", "approve more"),
}  # fmt: skip
_CHECKS = {
    "InvalidSignature": (
        "the signature is not by {0}",
        "sign again, with this very account, what the market holds now",
    ),
    "ZeroRoot": ("a report without root", "build the score tree"),
    "WrongCount": ("the report must hold one leaf for each of the {0} bonded providers", "rebuild it"),
    "NoEquivocation": ("the two reports do not contradict each other", "nothing to slash"),
    "InvalidProof": (
        "the score is not in the reported tree, or a proof about keys does not hold",
        "rebuild leaf and proof from the observations, or make the proof with the registered key",
    ),
    "NotOnCurve": ("not a point of bn254, or the identity", "make it with mia key or mia delivery"),
    "Irrefutable": ("its sender made this delivery, of the data scored: only a dispute can strike it", "dispute it"),
    "WrongStart": ("your pass with this certificate stands at record {0}", "go on from there, or start anew at 0"),
    "WrongRecords": ("the records are not those revealed, in the order of reveals", "read the reveals again"),
    "MalformedRecords": ("the records are not 16 bytes each", "read the reveals again"),
    "ClearingOutOfRange": ("the settlement hint is out of range", "compute the certificate again"),
    "MarginalNotKept": ("the proposed marginal bid is none that is kept", "compute the certificate again"),
    "MarginalFits": ("the proposed marginal bid would win as well", "compute the certificate again"),
    "WinnerDoesNotFit": (
        "the proposed winner at position {0} does not fit the budget",
        "compute the certificate again",
    ),
    "WrongWinningWeight": ("the winners' weights add up to {0}", "compute the certificate again"),
}
_UNLISTED = ("TransferFromFailed()", "TransferFailed()")  # raised in assembly: no ABI names them


def explain(error: ContractLogicError) -> MiaError:
    """The refusal behind a failed call: ``CheckFailed`` for what was attested or proposed, else ``BadInput``."""
    named = decode_error(error)
    if named is None:
        return BadInput(f"the contract refuses: {error.message or error}", input="call", hint="check what you sent")
    name, arguments = named
    if name == "WrongPhase" and arguments[0] in list(Phase):
        arguments = (Phase(arguments[0]).name.lower(),)
    if name in _CHECKS:
        sentence, hint = _CHECKS[name]
        return CheckFailed(sentence.format(*arguments), input=name, hint=hint)
    sentence, hint = _BAD.get(name, (f"the contract refuses: {name}{arguments or ''}", "check what you sent"))
    return BadInput(sentence.format(*arguments), input=name, hint=hint)


def decode_error(error: ContractLogicError) -> tuple[str, tuple[Any, ...]] | None:
    """Name and arguments of a custom error of these contracts; None for any other."""
    data = error.data
    try:
        raw = bytes.fromhex(data.removeprefix("0x")) if isinstance(data, str) else b""
        known = _selectors().get(raw[:4])
        return None if known is None else (known[0], decode(known[1], raw[4:]))
    except (DecodingError, ValueError, OverflowError):
        # a node may say what it likes: also what is no hexadecimal digit, or a text of 2**64 bytes
        return None


@cache
def _selectors() -> dict[bytes, tuple[str, tuple[str, ...]]]:
    found: dict[bytes, tuple[str, tuple[str, ...]]] = {
        keccak(text=signature)[:4]: (signature.removesuffix("()"), ()) for signature in _UNLISTED
    }
    for contract in artifacts.names():
        for entry in artifacts.load(contract).abi:
            if entry["type"] == "error":
                types = tuple(field["type"] for field in entry["inputs"])
                found[keccak(text=f"{entry['name']}({','.join(types)})")[:4]] = entry["name"], types
    return found
