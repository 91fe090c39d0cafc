"""The operator's commands: stake, score a round alone, report it together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from oracle.cli.output import emit, facts, progress
from oracle.cli.session import (
    DEFAULT_RPC,
    DEFAULT_STORE,
    Contract,
    CustodyKeys,
    Json,
    Keystore,
    PasswordFile,
    RoundNumber,
    Rpc,
    Store,
    address_of,
    natural_amount,
    open_session,
    reader_of,
    secret_of,
    send,
    unlock,
)

oracles = typer.Typer(name="oracle", no_args_is_help=True, help="Oracle operators: stake, score, report.")

DataDir = Annotated[
    Path,
    typer.Option("--data-dir", metavar="DIR", help="This operator's own folder: copies, checkpoints, signing log."),
]


@oracles.command("stake")
def stake(
    keystore: Keystore,
    amount: Annotated[
        int, typer.Option("--amount", parser=natural_amount, metavar="WEI", help="How much to add to the stake.")
    ] = 10**18,
    signer: Annotated[
        str, typer.Option("--signer", metavar="ADDRESS", help="Whose stake; default: the keystore's own.")
    ] = "",
    password_file: PasswordFile = None,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Put up the stake that an operator loses for signing two reports of one round.

    [dim]Example:[/] mia oracle stake --keystore oracle1.json --amount 1000000000000000000
    """
    session = open_session(rpc, contract, store)
    account = unlock(keystore, password_file)
    staked = address_of(signer) if signer else account.address
    transaction = send(session, account, session.market.committee.functions.stake(staked), value=amount)
    document = {"operator": staked, "amount": str(amount), "transaction": transaction}
    emit(document, facts({"operator": staked, "staked, wei": amount}), as_json=json)


@oracles.command("score")
def score(
    round: RoundNumber,
    keystore: Keystore,
    data_dir: DataDir,
    keys: CustodyKeys = None,
    password_file: PasswordFile = None,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Open every corpus by key, compute all scores alone, sign them, and put their digest on chain.

    The texts are opened in memory; unfinished work is kept encrypted. Nothing is shown to the other operators before
    all have observed. Run it again after an interruption: finished stages are not computed anew.

    [dim]Example:[/] mia oracle score 1 --keystore oracle1.json --data-dir oracle1/
    """
    from oracle.chain.keys import load_account
    from oracle.node.scoring import score_round

    session = open_session(rpc, contract, store)
    secret = secret_of(keystore, password_file)
    account = load_account(keystore, prompt=lambda _: secret)
    reader = reader_of(keystore, keys, secret)
    with progress() as tell:
        seen = score_round(
            session.market, round, account, reader, session.store, session.board, data_dir, progress=tell
        )
    rows = [
        {
            "provider": score.provider,
            "status": score.status.name.lower(),
            "quality": score.quality / 10_000,
            "impact": score.impact / 10_000,
            "tokens": score.tokens,
        }
        for score in seen.scores
    ]

    def view(console: Console) -> None:
        table = Table("provider", "status", "q", "phi", "tokens", box=None, pad_edge=False)
        for row in rows:
            quality, impact = f"{row['quality']:.4f}", f"{row['impact']:.4f}"
            table.add_row(str(row["provider"]), str(row["status"]), quality, impact, str(row["tokens"]))
        console.print(table)
        console.print(f"observation {seen.digest().hex()} is on chain; next: mia oracle report {round}")

    emit({"round": round, "operator": seen.operator, "observation": seen.digest(), "scores": rows}, view, as_json=json)


@oracles.command("report")
def report(
    round: RoundNumber,
    keystore: Keystore,
    data_dir: DataDir,
    wait: Annotated[float, typer.Option(metavar="SECONDS", help="How long to wait for the other operators.")] = 120.0,
    password_file: PasswordFile = None,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Publish the own observation, take the medians of all of them, sign the report, and post it once a quorum signed.

    Exit code 1 when it is not posted by the end of the wait: run it again.

    [dim]Example:[/] mia oracle report 1 --keystore oracle1.json --data-dir oracle1/ --wait 600
    """
    from oracle.node.reporting import report_round

    session = open_session(rpc, contract, store)
    account = unlock(keystore, password_file)
    with progress() as tell:
        state = report_round(
            session.market, round, account, session.store, session.board, data_dir, wait=wait, progress=tell
        )
    document = {
        "round": round,
        "posted": state.posted,
        "root": state.root,
        "count": state.count,
        "quorum": state.quorum,
        "signers": list(state.signers),
        "missing": list(state.missing),
        "until": state.until,
        "detail": state.detail,
    }
    shown = {"report": "posted" if state.posted else "not posted", "signed by": len(state.signers), "": state.detail}
    emit(document, facts(shown), as_json=json)
    if not state.posted:
        raise typer.Exit(1)
