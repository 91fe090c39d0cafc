"""The round under audit, with what several stages ask for."""

from __future__ import annotations

from functools import cached_property

from oracle.audit.outcome import RoundOutcome, rebuild
from oracle.chain.client import Market
from oracle.chain.events import Commitment, Report
from oracle.chain.state import RoundState
from oracle.chain.terms import Terms
from oracle.custody.store import Board, ContentStore
from oracle.errors import CheckFailed
from oracle.evidence.leaf import ScoreLeaf
from oracle.evidence.medians import medians
from oracle.evidence.observation import Observation
from oracle.node import pipeline as specification
from oracle.node.leaves import leaves
from oracle.node.pipeline import Pipeline
from oracle.node.reporting import collect_observations


class Subject:
    """One round of one market, its content store and its board. Every property raises CheckFailed when it is broken."""

    def __init__(self, market: Market, round_id: int, store: ContentStore, board: Board) -> None:
        self.market = market
        self.round_id = round_id
        self.store = store
        self.board = board
        self.state: RoundState = market.state(round_id)

    @cached_property
    def terms(self) -> Terms:
        """The frozen terms."""
        return self.market.terms(self.round_id)

    @cached_property
    def bids(self) -> tuple[Commitment, ...]:
        """Live commitments in order of place."""
        return self.market.commitments(self.round_id)

    @cached_property
    def report(self) -> Report:
        """The report on chain."""
        report = self.market.report(self.round_id)
        if report is None:
            raise CheckFailed(f"round {self.round_id} has no report", input=f"round {self.round_id}")
        return report

    @cached_property
    def pipeline(self) -> Pipeline:
        """The published scoring specification."""
        return specification.load(self.store, self.terms.pipeline_hash)

    @cached_property
    def observations(self) -> tuple[Observation, ...]:
        """All observations that count."""
        observations, missing = collect_observations(self.market, self.round_id, self.board)
        for why in missing.values():
            raise CheckFailed(why, input="observations")
        return observations

    @cached_property
    def leaves(self) -> tuple[ScoreLeaf, ...]:
        """The leaves these observations give, in order of place: what ought to be attested."""
        return leaves(self.terms, medians(self.observations))

    @cached_property
    def outcome(self) -> RoundOutcome:
        """What the round came to, from the leaves that were attested."""
        return rebuild(self.market, self.round_id, self.store, self.board)
