"""The planner's terms as a TOML file: read, checked, and turned into ``Terms`` once token and time are known."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError

from oracle.chain.terms import MIN_PHASE, Terms
from oracle.chain.token import Token
from oracle.chain.toml_file import parse_toml, read_toml
from oracle.chain.units import Amount, Deadline, Duration, Fraction, Money, Part, Shares, TokenAmount, Wei, scaled
from oracle.errors import BadInput
from oracle.evidence.fields import Address, Bytes32, Record

TRANSIT = 60
"""Seconds until the opening transaction is mined: the commit phase must be that much longer than the least."""
_T = TypeVar("_T", str, bytes)


class _Money(Record):
    token: Address | None = None
    money_unit: TokenAmount
    budget: Money
    utility_pool: Money
    liquidity: Part
    reserve: Money
    cap: Money
    operator_fee: Money


class _Weights(Record):
    eta: Fraction
    gamma: Fraction
    kappa: Fraction


class _Shares(Record):
    supply: Shares
    volume_weight: Fraction
    quality_weight: Fraction
    impact_weight: Fraction
    floor: Part
    cap: Part


class _Bids(Record):
    max_bids: Annotated[int, Field(strict=True, gt=0, lt=1 << 24)]
    tranche: Part
    bond: Wei
    challenge_bond: Wei


class _Phases(Record):
    commit: Deadline
    observe: Deadline
    report: Deadline
    challenge: Deadline
    reveal: Deadline
    settle: Deadline
    deliver: Deadline
    bounty: Deadline


class _Delivery(Record):
    dispute: Duration


class _Scoring(Record):
    committee: Bytes32 | None = None
    arbitrator: Address | None = None
    pipeline: Bytes32 | None = None
    base_model: Bytes32 | None = None
    validation_pool: Bytes32 | None = None
    agreement: Bytes32 | None = None


class _File(Record):
    money: _Money
    weights: _Weights
    shares: _Shares
    bids: _Bids
    phases: _Phases
    delivery: _Delivery
    scoring: _Scoring


@dataclass(frozen=True, slots=True)
class TermsFile:
    """A terms file that makes sense in itself. ``name`` is its path."""

    name: str
    content: _File

    @property
    def token(self) -> str | None:
        """Address of the payment token, where the file names it."""
        return self.content.money.token

    def resolve(
        self,
        *,
        planner: str,
        token: Token,
        now: int,
        committee: bytes | None = None,
        arbitrator: str | None = None,
        pipeline_hash: bytes | None = None,
        base_model_hash: bytes | None = None,
        validation_root: bytes | None = None,
        agreement_hash: bytes | None = None,
        delivery_key: bytes | None = None,
    ) -> Terms:
        """The terms, opened at unix second ``now`` and paid in ``token``.

        What the file leaves open comes from the arguments. Without a ``delivery_key`` nothing is delivered: winners are
        paid once the round is settled. Raises ``BadInput``, naming file and key, for an amount in
        another token or of a fraction of a money unit, deadlines that are reversed, past or too close, a key that
        neither side gives, and one that both give differently.
        """
        money, weights, shares = self.content.money, self.content.weights, self.content.shares
        bids, scoring = self.content.bids, self.content.scoring
        self._given("money.token", money.token, token.address)
        unit = self._smallest("money.money_unit", money.money_unit, token)
        if not unit:
            raise self._bad("money.money_unit", "a money unit of nothing", f'at least "{_least(token)}"')
        ends = self._deadlines(now)
        return Terms(
            planner=planner,
            payment_token=token.address,
            money_unit=unit,
            budget=self._units("money.budget", money.budget, token, unit),
            utility_pool=self._units("money.utility_pool", money.utility_pool, token, unit),
            liquidity=money.liquidity,
            eta=weights.eta,
            gamma=weights.gamma,
            kappa=weights.kappa,
            reserve=self._units("money.reserve", money.reserve, token, unit),
            cap=self._units("money.cap", money.cap, token, unit),
            max_bids=bids.max_bids,
            tranche_share=bids.tranche,
            share_supply=shares.supply,
            volume_weight=shares.volume_weight,
            quality_weight=shares.quality_weight,
            impact_weight=shares.impact_weight,
            share_floor=shares.floor,
            share_cap=shares.cap,
            bid_bond=bids.bond,
            challenge_bond=bids.challenge_bond,
            operator_fee=self._units("money.operator_fee", money.operator_fee, token, unit),
            commit_end=ends[0],
            observe_end=ends[1],
            report_end=ends[2],
            challenge_end=ends[3],
            reveal_end=ends[4],
            settle_end=ends[5],
            deliver_end=ends[6] if delivery_key else 0,
            bounty_end=ends[7] if delivery_key else 0,
            dispute_window=self.content.delivery.dispute if delivery_key else 0,
            committee=self._given("scoring.committee", scoring.committee, committee),
            arbitrator=self._given("scoring.arbitrator", scoring.arbitrator, arbitrator),
            pipeline_hash=self._given("scoring.pipeline", scoring.pipeline, pipeline_hash),
            base_model_hash=self._given("scoring.base_model", scoring.base_model, base_model_hash),
            validation_root=self._given("scoring.validation_pool", scoring.validation_pool, validation_root),
            agreement_hash=self._given("scoring.agreement", scoring.agreement, agreement_hash),
            delivery_key=delivery_key or bytes(32),
        )

    def _smallest(self, key: str, amount: Amount, token: Token) -> int:
        if amount.symbol != token.symbol:
            raise self._bad(key, f"{amount} is not in {token.symbol}, the payment token", f"write it in {token.symbol}")
        smallest = scaled(amount.value, token.decimals)
        if smallest is None:
            raise self._bad(key, f"{amount} has more than {token.decimals} decimals", f"the least is {_least(token)}")
        if smallest >= 1 << 128:
            raise self._bad(key, f"{amount} is more than any token holds", "write a smaller amount")
        return smallest

    def _units(self, key: str, amount: Amount | int, token: Token, unit: int) -> int:
        if isinstance(amount, int):
            return amount
        units, rest = divmod(self._smallest(key, amount, token), unit)
        if rest:
            each = f"{self.content.money.money_unit}"
            raise self._bad(key, f"{amount} is not a whole number of money units of {each}", "round it")
        if units >= 1 << 64:
            raise self._bad(key, f"{amount} is 2^64 money units or more", "choose a larger money.money_unit")
        return units

    def _deadlines(self, now: int) -> list[int]:
        ends, before, least = [], now, MIN_PHASE + TRANSIT
        for phase in _Phases.model_fields:
            value = getattr(self.content.phases, phase)
            end = int(value.timestamp()) if isinstance(value, datetime) else before + value
            if end < before + least:
                what = "is over before it begins" if end <= before else f"lasts {end - before} s"
                raise self._bad(f"phases.{phase}", f"the phase {what}", f"it must last {least} s at least")
            if end >= 1 << 40:
                raise self._bad(f"phases.{phase}", "the phase ends after the year 36800", "choose an earlier end")
            ends.append(end)
            before, least = end, MIN_PHASE
        return ends

    def _given(self, key: str, in_file: _T | None, by_caller: _T | None) -> _T:
        if in_file is not None and by_caller is not None and in_file != by_caller:
            raise self._bad(key, "the file and the command line say different things", "give it once")
        value = in_file if in_file is not None else by_caller
        if value is None:
            raise self._bad(key, "nobody says what it is", "write it into the file, or give it on the command line")
        return value

    def _bad(self, key: str, why: str, hint: str) -> BadInput:
        return BadInput(f"{self.name}: {key}: {why}", input=f"{self.name}: {key}", hint=hint)


def template() -> str:
    """The commented default file."""
    return resources.files(__package__).joinpath("terms.toml").read_text("utf-8")


def load_terms(path: Path | None = None) -> TermsFile:
    """Read and check a terms file; the packaged defaults without a path.

    Raises ``BadInput``, naming file and key or line, when the file is missing, not TOML in UTF-8, lacks a table or a
    key, holds one that nobody knows, or a value whose unit is missing, wrong or out of its range.
    """
    name = str(path) if path is not None else "default terms"
    raw = read_toml(path, "terms file") if path is not None else parse_toml(template(), name)
    try:
        content = _File.model_validate(raw)
    except ValidationError as error:
        raise _explain(name, error) from error
    if content.shares.floor > content.shares.cap:
        raise BadInput(f"{name}: shares.floor is above shares.cap", input=f"{name}: shares.floor", hint="lower it")
    return TermsFile(name, content)


def _explain(name: str, error: ValidationError) -> BadInput:
    # a misspelt key is both unknown and missing: the spelling says more
    first: Any = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    path = [str(step) for step in first["loc"]]
    key, defaults = ".".join(path), parse_toml(template(), name)
    siblings = _keys(path[:-1])
    if first["type"] == "extra_forbidden":
        close = difflib.get_close_matches(path[-1], siblings, n=1)
        why = "nobody knows this table" if len(path) == 1 else "nobody knows this key"
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(siblings)}"
    elif first["type"] == "missing":
        why = "the table is missing" if len(path) == 1 else "the key is missing"
        default = defaults.get(path[0], {}).get(path[-1])
        hint = (
            f"the default terms have [{key}]" if len(path) == 1 else f'the default terms say {path[-1]} = "{default}"'
        )
    else:
        why = first["msg"].removeprefix("Value error, ")
        default = defaults.get(path[0], {}).get(path[-1]) if len(path) > 1 else None
        hint = f'the default terms say {path[-1]} = "{default}"' if default else "see the default terms"
    return BadInput(f"{name}: {key}: {why}", input=f"{name}: {key}", hint=hint)


def _keys(table: list[str]) -> list[str]:
    if not table:
        return list(_File.model_fields)
    model: Any = _File.model_fields[table[0]].annotation
    return list(model.model_fields)


def _least(token: Token) -> str:
    return f"{Decimal(1).scaleb(-token.decimals):f} {token.symbol}"
