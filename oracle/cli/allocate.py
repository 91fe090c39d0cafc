"""``mia allocate``: what a rule buys of a market in a file, and what it pays. No chain, no key, no network."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from oracle.cli.allocation import RULES, Allocation, UnknownRule, apply, dst
from oracle.cli.allocation_file import Market, read_market
from oracle.cli.output import emit, styled
from oracle.cli.refusal import naming
from oracle.cli.session import Json
from oracle.mechanism.clearing import Certificate
from oracle.mechanism.integers import WAD

ROWS_SHOWN = 100


def allocate(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The market as JSON; - is stdin.")],
    rule: Annotated[str, typer.Option("--rule", metavar="|".join(RULES), help="Who is bought.")] = "clearing",
    json: Json = False,
) -> None:
    """Decide who is bought out of a file of bids, and what each is paid: in cash, revenue shares (MUT), votes (DST).

    [dim]Example:[/] mia allocate market.json

    [dim]Example:[/] mia allocate --rule paper --json - < market.json

    market.json: {"budget": 1000, "bids": [{"id": "a", "bid": 100, "weight": 5}]}

    All numbers are whole, written as integers or as decimal strings. Scores,
    weights, exponents and parts are WAD: 1.0 is 1000000000000000000. Reserve
    and price are for a weight of 1.0. The order of the bids breaks ties.

    [bold]Terms[/]: budget; optional utility_pool (0), liquidity (1.0), reserve, cap.
    [bold]A bid[/]: id, bid, and weight or both quality and impact, which then weigh
    with eta (1.0), gamma (1.0), kappa (0) of the terms; its group, if it has one.
    [bold]tranche[/] {group, share}: this share is auctioned within the group first.
    [bold]dst[/] {supply, volume_weight, quality_weight, impact_weight, floor, cap}:
    votes for everybody by tokens, quality and impact; every bid needs tokens.

    [bold]clearing[/]: the rule that the chain settles by.
    [bold]paper[/]: the paper's; no reserve, no cap, may pay over budget; rounds down.
    [bold]volume[/]: most tokens per cost first; every bid needs tokens.
    [bold]trust[/]: highest reputation first; every bid needs reputation.
    [bold]cheapest[/]: lowest bid first. [bold]random[/]: by chance; needs a seed.
    These four pay what is bid, as long as it fits the budget.
    [bold]posted[/]: pays the price, which the terms need, to all who accept it.
    """
    if rule not in RULES:
        raise UnknownRule(f"no rule {rule!r}", input="--rule", hint=f"Choose {', '.join(RULES)}.")
    with naming(file), collector_paused():
        market = read_market(file)
        allocation = apply(rule, market)
        votes = dst(market)
    document = as_document(rule, market, allocation, votes)
    emit(document, lambda console: show(console, rule, market, allocation, votes), as_json=json)


@contextmanager
def collector_paused() -> Iterator[None]:
    """No garbage collection: a million rows are slow to look through, and none of them is garbage."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def as_document(rule: str, market: Market, allocation: Allocation, votes: Sequence[int] | None) -> dict[str, Any]:
    """The document of the command contract: everybody by id, losers with "0", winners in the order of the file."""

    def by_id(amounts: Sequence[int]) -> dict[str, str]:
        return dict(zip(market.ids, map(str, amounts), strict=True))

    rewards = by_id(allocation.rewards)

    def certified(certificate: Certificate, ids: Sequence[str]) -> dict[str, Any]:
        weight, marginal = certificate
        return {"winning_weight": str(weight), "marginal": None if marginal is None else ids[marginal]}

    document: dict[str, Any] = {
        "rule": rule,
        "winners": [market.ids[i] for i in sorted(allocation.winners)],
        "rewards": rewards,
        "cash": rewards if allocation.cash is allocation.rewards else by_id(allocation.cash),
        "shares": rewards if allocation.shares is allocation.rewards else by_id(allocation.shares),
        "certificate": certified(allocation.certificate, market.ids),
        "total_reward": str(sum(allocation.rewards)),
        "over_budget": allocation.over_budget,
    }
    if votes is not None:
        document["dst"] = by_id(votes)
    if market.tranche and allocation.tranche:
        members = [id for id, group in zip(market.ids, market.groups, strict=True) if group == market.tranche.group]
        others = [id for id, group in zip(market.ids, market.groups, strict=True) if group != market.tranche.group]
        document["certificate"] = certified(allocation.certificate, others)
        document["tranche"] = {
            "group": market.tranche.group,
            "budget": str(allocation.tranche.group_budget),
            "total_reward": str(allocation.tranche.group_reward),
            "certificate": certified(allocation.tranche.certificates.group, members),
        }
    return document


def show(console: Console, rule: str, market: Market, allocation: Allocation, votes: Sequence[int] | None) -> None:
    """The same as a table: everybody, or the first winners where there are too many to read."""
    bought = set(allocation.winners)
    n = len(market.bids)
    shown = range(n) if n <= ROWS_SHOWN else sorted(bought)[:ROWS_SHOWN]
    table = Table("id", "", box=None, pad_edge=False)
    for name in ("bid", "weight", "reward", "cash", "MUT", *(["DST"] if votes is not None else [])):
        table.add_column(name, justify="right")
    for i in shown:
        cost, weight = market.bids[i]
        amounts = [allocation.rewards[i], allocation.cash[i], allocation.shares[i], *([votes[i]] if votes else [])]
        table.add_row(
            market.ids[i],
            styled(("bought", "green") if i in bought else ("not bought", "dim")),
            f"{cost:,}",
            f"{weight / WAD:.6g}",
            *(f"{amount:,}" for amount in amounts),
        )
    console.print(table)
    if len(shown) < n:
        console.print(f"{len(shown):,} of {len(bought):,} winners among {n:,} bids; --json has everybody", style="dim")
    spent = f"rewards {sum(allocation.rewards):,} of {allocation.budget:,}"
    console.print(f"{rule}: {len(bought):,} of {n:,} bought, {spent}")
    if allocation.over_budget:
        told = ": this rule's payments do not fit what they are paid from"
        console.print(styled(("over budget", "bold red"), told))
