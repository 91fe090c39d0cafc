"""``mia revenue``: what a planner earns with the data reaches the holders of the round's MUT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from oracle.cli.output import emit, facts
from oracle.cli.session import (
    DEFAULT_RPC,
    DEFAULT_STORE,
    Contract,
    Json,
    Keystore,
    PasswordFile,
    RoundNumber,
    Rpc,
    Session,
    Store,
    address_of,
    open_session,
    send,
    unlock,
)
from oracle.errors import BadInput

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from oracle.chain.token import Token

revenue = typer.Typer(name="revenue", no_args_is_help=True, help="Revenue shares (MUT): deposit, claim, status.")


def token_units(amount: str, token: Token) -> int:
    """Smallest units of a decimal number of tokens. Raises BadInput for anything finer, negative or not a number."""
    from oracle.chain.units import parse_number, scaled

    try:
        units = scaled(parse_number(amount), token.decimals)
    except ValueError:
        units = None
    if not units or units >= 1 << 256:
        raise BadInput(
            f"not an amount of {token.symbol}: {amount!r}",
            input=amount,
            hint=f"Give a positive number with at most {token.decimals} decimals.",
        )
    return units


def revenue_ledger(session: Session, round: int) -> Any:
    """The round's MUT contract. Raises BadInput for a round that pays cash only."""
    ledger = session.market.revenue_token(round)
    if ledger is None:
        raise BadInput(
            f"round {round} pays in cash only: nothing of it was deferred",
            input=f"round {round}",
            hint="Revenue shares exist in rounds with a liquidity below 1.",
        )
    return ledger


def deposit_revenue(session: Session, account: LocalAccount, round: int, amount: int) -> str:
    """Pay ``amount`` smallest units into the round's ledger; the transaction hash."""
    from oracle.chain.token import approve

    ledger = revenue_ledger(session, round)
    approve(session.w3, account, ledger.functions.paymentToken().call(), ledger.address, amount)
    return send(session, account, ledger.functions.deposit(amount))


def withdraw_revenue(session: Session, account: LocalAccount, round: int, holder: str) -> int:
    """Send a holder what it has earned since its last withdrawal; smallest units, 0 when there was nothing to send."""
    ledger = revenue_ledger(session, round)
    due: int = ledger.functions.withdrawable(holder).call()
    if due:
        send(session, account, ledger.functions.withdraw(holder))
    return due


@revenue.command("deposit")
def deposit(
    round: RoundNumber,
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="Whole tokens, decimals allowed.")],
    keystore: Keystore,
    password_file: PasswordFile = None,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Pay revenue into a round's ledger; every unit of MUT earns the same part of it.

    [dim]Example:[/] mia revenue deposit 1 2500.50 --keystore planner.json
    """
    from oracle.chain.token import read_token

    session = open_session(rpc, contract, store)
    token = read_token(session.w3, session.market.terms(round).payment_token)
    units = token_units(amount, token)
    account = unlock(keystore, password_file)
    transaction = deposit_revenue(session, account, round, units)
    document = {"round": round, "amount": str(units), "token": token.address, "transaction": transaction}
    emit(document, facts({f"round {round}": f"{amount} {token.symbol} deposited"}), as_json=json)


@revenue.command("claim")
def claim(
    round: RoundNumber,
    keystore: Keystore,
    holder: Annotated[str, typer.Option("--holder", metavar="ADDRESS", help="Default: the keystore's own.")] = "",
    password_file: PasswordFile = None,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Draw what a holder's MUT has earned; it goes to the holder, whoever sends it.

    [dim]Example:[/] mia revenue claim 1 --keystore alice.json
    """
    session = open_session(rpc, contract, store)
    account = unlock(keystore, password_file)
    who = address_of(holder) if holder else account.address
    paid = withdraw_revenue(session, account, round, who)
    if not paid:
        raise BadInput(f"nothing is due to {who}", input=who, hint="Revenue is due after a deposit: mia revenue status")
    emit({"round": round, "holder": who, "amount": str(paid)}, facts({who: f"{paid} smallest units"}), as_json=json)


@revenue.command("status")
def status(
    round: RoundNumber,
    holders: Annotated[
        list[str] | None, typer.Argument(metavar="[HOLDER...]", help="Default: all who claimed.")
    ] = None,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Units held and revenue due, holder by holder.

    [dim]Example:[/] mia revenue status 1
    """
    session = open_session(rpc, contract, store)
    ledger = revenue_ledger(session, round).functions
    market = session.market
    known = [paid.provider for paid in market.claims(round) if paid.units] + [market.terms(round).planner]
    asked = [address_of(text) for text in holders] if holders else list(dict.fromkeys(known))
    rows = [
        {
            "holder": who,
            "units": str(ledger.balanceOf(who).call()),
            "withdrawable": str(ledger.withdrawable(who).call()),
        }
        for who in asked
    ]

    def view(console: Console) -> None:
        table = Table("holder", "MUT units", "due, smallest units", box=None, pad_edge=False)
        for row in rows:
            table.add_row(row["holder"], row["units"], row["withdrawable"])
        console.print(table)

    emit({"round": round, "units": str(ledger.units().call()), "holders": rows}, view, as_json=json)
