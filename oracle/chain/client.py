"""Reading a market: typed, bounded, against any RPC URL. Nothing here needs a key or changes anything."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from eth_typing import ChecksumAddress
from eth_utils.address import is_address, to_checksum_address
from hexbytes import HexBytes
from web3 import Web3
from web3.contract import Contract
from web3.exceptions import BadFunctionCallOutput, ContractLogicError
from web3.types import EventData

from oracle.addresses import shown
from oracle.chain import artifacts
from oracle.chain.connection import Client, member
from oracle.chain.events import Claim, Commitment, Observed, OperatorPayment, Refund, Report, Reveal, Settlement
from oracle.chain.logs import first_block, first_block_at, read_events
from oracle.chain.state import AuctionState, RoundState
from oracle.chain.terms import ERA, Phase, Terms
from oracle.errors import BadInput, CheckFailed, EnvironmentFailure
from oracle.evidence import commitment
from oracle.evidence.score_report import Domain

NO_MARGINAL = (1 << 256) - 1


def connect(rpc: str, *, chain_id: int | None = None) -> Web3:
    """A connection to the node at an http(s) URL, tried at once.

    Raises ``BadInput`` for another kind of address or when the node is on another chain than ``chain_id``,
    ``EnvironmentFailure`` when nobody answers.
    """
    place = shown(rpc)
    if not rpc.lower().startswith(("http://", "https://")):
        raise BadInput(f"not an RPC URL: {place}", input=place, hint="write http://HOST:PORT or https://...")
    w3 = Client(rpc)
    found = w3.eth.chain_id
    if chain_id not in (None, found):
        raise BadInput(f"{place} is chain {found}, not {chain_id}", input=place, hint="use a node of the right chain")
    return w3


class Market:
    """One DataMarket on one chain. Rounds are numbered by the contract; addresses are checksummed hex strings.

    Terms and opening blocks are remembered: after a reorganisation that reaches back to an opening, make a new one.
    Every reading method may raise ``EnvironmentFailure`` (the node is away or refuses) and, for a round that was never
    opened, ``BadInput``.
    """

    def __init__(self, w3: Web3, address: str, *, from_block: int | None = None) -> None:
        """``from_block``: the block of the deployment; found by bisection when not given.

        Raises ``BadInput`` when there is no DataMarket of this chain at ``address``.
        """
        if not is_address(address):
            raise BadInput(f"not an address: {address!r}", input=address, hint="0x and 40 hexadecimal digits")
        self.w3 = w3
        self.address: ChecksumAddress = to_checksum_address(address)
        self.chain_id = w3.eth.chain_id
        self.domain = Domain(self.chain_id, self.address)
        self.contract = contract(w3, "DataMarket", self.address)
        self._require_market()
        self.committee = contract(w3, "OracleCommittee", self.contract.functions.committee().call())
        self.share_token = contract(w3, "DataShareToken", self.contract.functions.shareToken().call())
        self._from_block = from_block
        self._opened: dict[int, int] = {}
        self._terms: dict[int, Terms] = {}

    # --- the round ---

    def rounds(self) -> int:
        """How many rounds were opened."""
        return int(self.contract.functions.rounds().call())

    def phase(self, round: int) -> Phase:
        """Where the round is, by the time of the latest block."""
        return member(Phase, self.contract.functions.phase(round).call())

    def require_phase(self, round: int, phase: Phase) -> None:
        """Raise ``BadInput``, saying when the phase is, unless the round is in it."""
        now = self.phase(round)
        if now is not phase:
            start, end = self.terms(round).window(phase)
            when = f" ({_time(start) if start else 'opening'} to {_time(end)})" if end else ""
            raise BadInput(
                f"round {round} is in its {now.name.lower()} phase, this belongs to {phase.name.lower()}{when}",
                input=f"round {round}",
                hint="come back in that phase" if now < phase else "that phase is over",
            )

    def terms(self, round: int) -> Terms:
        """The frozen terms; ``CheckFailed`` when the node gives others than those the round is bound to, or they set a
        deadline that no calendar has."""
        if round not in self._terms:
            terms_hash = self.state(round).terms_hash
            terms = Terms.from_tuple(self.contract.functions.terms(round).call())
            if terms.hash() != terms_hash:
                raise CheckFailed(
                    f"the terms of round {round} do not hash to its terms hash",
                    input=f"round {round}",
                    hint="use another RPC URL",
                )
            if max(terms.deadlines()) >= ERA:
                raise CheckFailed(
                    f"round {round} has a deadline after the year 9999: nobody lives to see it end",
                    input=f"round {round}",
                    hint="keep away from it",
                )
            self._terms[round] = terms
        return self._terms[round]

    def state(self, round: int) -> RoundState:
        """Where the round stands, as of the latest block."""
        try:
            state = RoundState(*self.contract.functions.roundOf(round).call())
            main, tranche = (AuctionState(*auction) for auction in state.auctions)  # type: ignore[misc]
        except ContractLogicError as error:
            raise BadInput(
                f"no round {round} in the market {self.address}", input=f"round {round}", hint="rounds count from 1"
            ) from error
        main, tranche = (replace(auction, marginal=_position(auction.marginal)) for auction in (main, tranche))
        return replace(state, auctions=(main, tranche))

    def revenue_token(self, round: int) -> Contract | None:
        """The round's MarginalUtilityToken; None for a round with nothing deferred."""
        self.terms(round)
        address = self.contract.functions.revenueToken(round).call()
        return contract(self.w3, "MarginalUtilityToken", address) if int(address, 16) else None

    def beacon(self, round: int) -> bytes:
        """Hash of the first block at or after the end of the commit phase, 32 bytes; ``CheckFailed`` before that."""
        end = self.terms(round).commit_end
        number = first_block_at(self.w3, end, self._opening(round))
        if number is None:
            raise CheckFailed(
                f"the sample of round {round} is drawn by the first block after {_time(end)}",
                input=f"round {round}",
                hint="wait for it",
            )
        return bytes(self.w3.eth.get_block(number)["hash"])

    # --- what happened ---

    def commits(self, round: int) -> tuple[tuple[str, bytes, bytes], ...]:
        """Every ``commit`` in order, places given up included: (provider, data set root, manifest digest).

        Folded by ``commitment.commitments_hash`` they give the running hash in the state.
        """
        found = (event["args"] for event in self._events(round, "Committed"))
        return tuple((args["provider"], args["datasetRoot"], args["manifest"]) for args in found)

    def commitments(self, round: int) -> tuple[Commitment, ...]:
        """The live commitments, one per provider, in order of place; re-sealed bids with their last seal."""
        live: dict[str, Commitment] = {}
        for event in self._events(round, "Committed", "Resealed"):
            args = event["args"]
            provider, sealed = args["provider"], args["sealedBid"]
            if event["event"] == "Resealed":
                if provider not in live:
                    raise EnvironmentFailure(
                        f"the node's log does not have what {provider} committed to in round {round}",
                        input=provider,
                        hint="use another RPC URL, one that keeps logs",
                    )
                live[provider] = replace(live[provider], sealed=sealed)
            else:
                live.pop(provider, None)  # a new data set takes a new, later place
                live[provider] = Commitment(
                    provider, 0, args["datasetRoot"], args["manifest"], sealed, event["blockNumber"]
                )
        return tuple(replace(commitment, position=place) for place, commitment in enumerate(live.values()))

    def observations(self, round: int) -> tuple[Observed, ...]:
        """The digests on chain, in order."""
        return tuple(
            Observed(event["args"]["operator"], event["args"]["digest"], event["blockNumber"])
            for event in self._events(round, "Observed")
        )

    def report(self, round: int) -> Report | None:
        """The report, or None while there is none."""
        for event in self._events(round, "Reported"):
            args = event["args"]
            return Report(args["root"], args["count"], args["commitments"], args["observations"], event["blockNumber"])
        return None

    def observed(self, round: int) -> bytes:
        """Running hash of observations: what the report is bound to, or what it would be bound to now."""
        # One read of the state: between two of them a report may be posted, and the running hash be gone.
        state = self.state(round)
        report = self.report(round) if state.reported else None
        return state.observations if report is None else report.observations

    def reveals(self, round: int) -> tuple[Reveal, ...]:
        """The opened bids, in order."""
        return tuple(
            Reveal(event["args"]["provider"], *commitment.unpack_record(event["args"]["record"]), event["blockNumber"])
            for event in self._events(round, "Revealed")
        )

    def reveal_transaction(self, round: int, provider: str) -> HexBytes | None:
        """The hash of the transaction in which a provider's bid was opened; None while it is sealed."""
        opened = (event for event in self._events(round, "Revealed") if event["args"]["provider"] == provider)
        return next((event["transactionHash"] for event in opened), None)

    def settlements(self, round: int) -> tuple[Settlement, ...]:
        """The certificates that stand: the tranche's, where anybody of it revealed, then the main auction's."""
        settled = (_plain(event) for event in self._events(round, "Settled"))
        return tuple(
            Settlement(
                seen["group"],
                seen["winningWeight"],
                _position(seen["marginal"]),
                seen["totalReward"],
                seen["block"],
            )
            for seen in settled
        )

    def claims(self, round: int) -> tuple[Claim, ...]:
        """What was paid to providers, or for them to the planner, in order."""
        events = self._events(round, "Claimed", "Reversed")
        back = {event["args"]["provider"] for event in events if event["event"] == "Reversed"}
        paid = (_plain(event) for event in events if event["event"] == "Claimed")
        return tuple(Claim(**one, reversed=one["provider"] in back) for one in paid)

    def refunds(self, round: int) -> tuple[Refund, ...]:
        """What went back to the planner, in order."""
        return tuple(Refund(**_plain(event)) for event in self._events(round, "Refunded"))

    def operator_payments(self, round: int) -> tuple[OperatorPayment, ...]:
        """Fees paid to operators, in order."""
        return tuple(OperatorPayment(**_plain(event)) for event in self._events(round, "OperatorPaid"))

    def bonds_burned(self, round: int) -> int:
        """Bonds of bids that were never opened, of winners without a good key, of failed challenges; wei."""
        return sum(event["args"]["amount"] for event in self._events(round, "BondsBurned"))

    # --- inside ---

    def _require_market(self) -> None:
        hint = "check the address and the chain of the RPC URL"
        if not self.w3.eth.get_code(self.address):
            raise BadInput(f"no contract at {self.address} on chain {self.chain_id}", input=self.address, hint=hint)
        try:
            separator = self.contract.functions.domainSeparator().call()
        except (BadFunctionCallOutput, ContractLogicError) as error:
            raise BadInput(f"{self.address} is not a DataMarket", input=self.address, hint=hint) from error
        if separator != self.domain.separator():
            raise BadInput(f"{self.address} is not this version of DataMarket", input=self.address, hint=hint)

    def _opening(self, round: int) -> int:
        """The block in which the round was opened."""
        self.terms(round)
        if round not in self._opened:
            if self._from_block is None:
                self._from_block = first_block(self.w3, self.address)
            opened = self._read(round, ("Opened",), self._from_block)
            if not opened:
                raise EnvironmentFailure(
                    f"the node's log does not have the opening of round {round}",
                    input=f"round {round}",
                    hint="use an RPC URL that keeps logs since the deployment",
                )
            self._opened[round] = opened[0]["blockNumber"]
        return self._opened[round]

    def _events(self, round: int, *names: str) -> list[EventData]:
        return self._read(round, names, self._opening(round))

    def _read(self, round: int, names: tuple[str, ...], first: int) -> list[EventData]:
        return read_events(self.contract, names, [HexBytes(round.to_bytes(32, "big"))], first)


def _position(marginal: int | None) -> int | None:
    return None if marginal == NO_MARGINAL else marginal


def _plain(event: EventData) -> dict[str, Any]:
    values = {name: value for name, value in event["args"].items() if name != "round"}
    return values | {"block": event["blockNumber"]}


def contract(w3: Web3, name: str, address: str) -> Contract:
    """The contract ``name`` of this package at ``address``."""
    return w3.eth.contract(address=to_checksum_address(address), abi=artifacts.load(name).abi)


def _time(timestamp: int | None) -> str:
    return "?" if timestamp is None else datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
