"""The auditor's commands: explain one payout in every term, recompute a whole round."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from oracle.cli.document import round_document
from oracle.cli.output import emit, notes, progress, styled
from oracle.cli.session import (
    DEFAULT_RPC,
    DEFAULT_STORE,
    Contract,
    CustodyKeys,
    Json,
    PasswordFile,
    RoundNumber,
    Rpc,
    Store,
    address_of,
    open_session,
    reader_of,
    secret_of,
)
from oracle.errors import BadInput

audits = typer.Typer(name="audit", no_args_is_help=True, help="Recompute a round from chain and content alone.")

WAD = 10**18


def explain(
    round: RoundNumber,
    provider: Annotated[str, typer.Argument(metavar="PROVIDER", help="Address or keystore file.")],
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Every term of one provider's payout, from scores to cash, with the formula and the numbers in it.

    [dim]Example:[/] mia explain 1 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --store local:reports/demo/evidence
    """
    from oracle.audit.outcome import rebuild

    session = open_session(rpc, contract, store)
    who = address_of(provider)
    found = round_document(session, rebuild(session.market, round, session.store, session.board))
    row = next((row for row in found["providers"] if row["provider"] == who), None)
    if row is None:
        raise BadInput(f"{who} has no bid in round {round}", input=provider, hint="See `mia round status`.")
    shared = {key: found[key] for key in ("round", "market", "chain_id", "phase", "token", "rule", "certificate")}
    steps = payout_steps(found, row)

    def view(console: Console) -> None:
        console.print(styled((row["provider"], "bold"), f"  {row['why']}"))
        if row["reason"]:
            console.print(f"the operators say: {row['reason']}")
        table = Table("term", "value", "how", box=None, pad_edge=False)
        for step in steps:
            table.add_row(step["term"], step["value"], step["how"])
        console.print(table)

    emit({**shared, "provider": row, "steps": steps}, view, as_json=json)


@audits.command("round")
def audit_round_command(
    round: RoundNumber,
    keystore: Annotated[
        Path | None,
        typer.Option("--keystore", metavar="FILE", help="An auditor's, named in the specification: scores again."),
    ] = None,
    keys: CustodyKeys = None,
    password_file: PasswordFile = None,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Rebuild a round from chain, content store and published specification; name the first thing that differs.

    Whoever the specification names as an auditor can open the texts: with its keystore every score is computed again
    (minutes). Everybody else checks all but the texts. Exit code 1 when anything differs.

    [dim]Example:[/] mia audit round 1 --rpc http://127.0.0.1:8545 --store local:reports/demo/evidence
    """
    from oracle.audit.audit import audit_round

    session = open_session(rpc, contract, store)
    reader = reader_of(keystore, keys, secret_of(keystore, password_file)) if keystore else None
    if reader is None:
        notes().print("the texts stay closed without an auditor's --keystore: scores are not computed again")
    with progress() as tell:
        result = audit_round(session.market, round, session.store, session.board, reader=reader, progress=tell)
    document = result.as_json()

    def view(console: Console) -> None:
        for check in document["checks"]:
            mark = ("✓", "green") if check["ok"] else ("✗", "red")
            console.print(styled(mark, f" {check['stage']}", (f"  {check['detail']}", "dim")))
        if document["first_difference"]:
            first = document["first_difference"]
            console.print(styled(("first difference", "bold red"), f": {first['stage']}, {first['item']}"))
            console.print(f"  expected {first['expected']}\n  found    {first['found']}")
        else:
            console.print(f"round {round} is what it says it is", style="bold green")

    emit(document, view, as_json=json)
    if not result.ok:
        raise typer.Exit(1)


def payout_steps(found: dict[str, Any], row: dict[str, Any]) -> list[dict[str, str]]:
    """The chain of formulas from scores to payout, each with its value and with the numbers in it."""
    terms, rule, certificate = found["terms"], found["rule"], found["certificate"]

    def wad(value: str) -> str:
        return f"{int(value) / WAD:.6f}"

    def tokens(units: int) -> str:
        whole = Decimal(units).scaleb(-found["token"]["decimals"])
        return f"{whole:f} {found['token']['symbol']}"

    def money(units: str) -> str:
        return f"{units} ({tokens(int(units) * int(terms['money_unit']))})"

    steps = [
        ("quality q", f"{row['quality']:.4f}", "lower median of the oracles' scores"),
        ("impact phi", f"{row['impact']:.4f}", "gain less its error, over the reference gain; lower median"),
        ("tokens", row["tokens"], "after deduplication, earlier commitments first"),
        (
            "weight w",
            wad(row["weight"]),
            f"q^{wad(terms['eta'])} * (phi + {wad(terms['kappa'])})^{wad(terms['gamma'])}",
        ),
    ]
    if row["bid"] is not None:
        steps.append(("bid b", money(row["bid"]), "opened from the sealed bid, money units"))
    if row["bid"] is not None and int(row["weight"]):
        asked = str(int(row["bid"]) * WAD // int(row["weight"]))
        steps.append(("virtual cost b/w", money(asked), "what it asks for one unit of weight"))
    if certificate is not None:
        auction = certificate["tranche"] if row["group"] else certificate
        steps.append(
            ("reward budget R", money(rule["reward"]), f"cash L {rule['cash']} + deferred D {rule['deferred']}")
        )
        if certificate["tranche"] is not None:
            whose = "the tranche's share of R" if row["group"] else "R less what the tranche was paid"
            steps.append(("auction's part of R", money(auction["budget"]), whose))
        steps += [
            ("winning weight W", wad(auction["winning_weight"]), "sum of the winners' weights"),
            ("clearing price", money(auction["price"]), "per unit of weight: min(R/W, first loser's b/w, reserve)"),
            ("critical payment t", money(row["critical"]), _binding(row)),
            *_delivery(row),
            ("cash", tokens(int(row["cash"])), f"ceil(t * {rule['cash']} / {rule['reward']}) money units"),
            ("MUT", row["units"], f"t units of {rule['reward']}: a share of later revenue"),
            ("DST", row["shares"], "votes, allotted by volume, quality and impact"),
            ("bond", f"{row['bond']} wei", "back for any correct opening"),
        ]
        if row["delivery"] and row["delivery"]["reversed"]:
            back = row["delivery"]["reversed"]
            steps.append(
                ("to the planner", f"{tokens(int(back['cash']))}, {back['units']} MUT", "for want of a good key")
            )
    return [{"term": term, "value": value, "how": how} for term, value, how in steps]


def _delivery(row: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What became of a winner's key, on which everything below the critical payment hangs."""
    found = row["delivery"]
    if found is None:
        return []
    how = {
        "awaited": "nothing is paid before it is delivered",
        "delivered": "nothing is paid before it is accepted, or its window is over",
        "accepted": "all of it can be claimed",
        "reversed": "shown to be wrong: the planner keeps the reward, the bond is burned",
        "missing": "nobody delivered in time: the planner keeps the reward, the bond is burned",
    }[found["state"]]
    return [("key", found["state"] + (", by an operator" if found["bounty"] else ""), how)]


def _binding(row: dict[str, Any]) -> str:
    bounds = {
        "budget": "the largest bid it wins with: its share of the budget, R * w / W",
        "edge": "the largest bid it wins with: where the first loser would overtake it",
        "reserve": "the largest bid it wins with: the reserve price of its weight",
        "cap": "the largest bid it wins with: the cap",
    }
    return bounds.get(row["binding"] or "", "0: not bought")
