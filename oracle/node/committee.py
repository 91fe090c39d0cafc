"""The operators of a round, as the committee contract keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from oracle.chain.client import Market
from oracle.errors import BadInput, CheckFailed


@dataclass(frozen=True, slots=True)
class Committee:
    """Members in ascending order of address, how many of them a report needs, and who was slashed out of it."""

    members: tuple[str, ...]
    quorum: int
    retired: tuple[str, ...]

    @property
    def active(self) -> tuple[str, ...]:
        """Members whose signatures count."""
        return tuple(member for member in self.members if member not in self.retired)


def committee_of(market: Market, round_id: int) -> Committee:
    """The committee frozen in the round's terms; CheckFailed when the node names another one than those."""
    identity = market.terms(round_id).committee
    members, quorum = market.committee.functions.committeeOf(identity).call()
    if committee_id(members, quorum) != identity:
        raise CheckFailed(
            f"the node names other operators of round {round_id} than its terms do",
            input=f"round {round_id}",
            hint="use another RPC URL",
        )
    retired = market.committee.functions.retiredOf(identity).call()
    return Committee(tuple(members), int(quorum), tuple(m for place, m in enumerate(members) if retired >> place & 1))


def committee_id(members: Sequence[str], quorum: int) -> bytes:
    """What ``OracleCommittee.form`` calls this set, members ascending: keccak256(abi.encode(signers, quorum))."""
    return keccak(encode(["address[]", "uint8"], [members, quorum]))


def require_member(market: Market, round_id: int, operator: str) -> Committee:
    """The round's committee; BadInput when ``operator`` is not one of it."""
    committee = committee_of(market, round_id)
    if operator not in committee.active:
        raise BadInput(
            f"{operator} is not an operator of round {round_id}",
            input=operator,
            hint=f"its committee is {', '.join(committee.active)}",
        )
    return committee
