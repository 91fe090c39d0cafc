"""The provider's commands: seal a bid, open it, claim what it earned."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from oracle.cli.bidding import bid_status, claim_for, commit_bid, reveal_bid, wrap_bid
from oracle.cli.corpora import passed_over, read_documents
from oracle.cli.output import emit, facts, progress
from oracle.cli.session import (
    DEFAULT_RPC,
    DEFAULT_STORE,
    Contract,
    Json,
    Keystore,
    PasswordFile,
    RoundNumber,
    Rpc,
    Store,
    address_of,
    natural_amount,
    open_session,
    secret_of,
    unlock,
)
from oracle.corpus.folders import PassedOver

bids = typer.Typer(name="bid", no_args_is_help=True, help="Sealed bids: commit, wrap, reveal, status.")

BidFile = Annotated[
    Path, typer.Option("--bid-file", metavar="FILE", help="The encrypted bid file. Keep a copy: lost file, lost bid.")
]
Corpus = Annotated[
    list[Path], typer.Argument(metavar="PATH...", help="Corpus: .jsonl, .parquet, .csv, .txt (.gz, .zst), folders.")
]


@bids.command("commit")
def commit(
    round: RoundNumber,
    paths: Corpus,
    cost: Annotated[
        int,
        typer.Option("--cost", parser=natural_amount, metavar="N", help="Smallest total reward accepted, money units."),
    ],
    bid_file: BidFile,
    keystore: Keystore,
    password_file: PasswordFile = None,
    sample: Annotated[int | None, typer.Option(min=1, metavar="N", help="At most N documents of each path.")] = None,
    replaces: Annotated[
        Path | None,
        typer.Option("--replaces", metavar="BID_FILE", help="Another cost for the same texts: they keep their place."),
    ] = None,
    board_key: Annotated[
        str | None,
        typer.Option("--board-key", metavar="ADDRESS", help="A key that may sign mia bid wrap in the wallet's place."),
    ] = None,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Seal a bid: encrypt and publish the corpus, write the bid file and read it back, then send commitment and bond.

    The bid file holds the key of the texts too, all of it encrypted with the keystore's password. Run the same command
    again after an interruption. After the commit phase: mia bid wrap.

    [dim]Example:[/] mia bid commit 1 corpus.jsonl.gz --cost 25000 --bid-file bid.json --keystore alice.json
    """
    from oracle.chain.keys import load_account
    from oracle.custody.bidfile import read_bid

    session = open_session(rpc, contract, store)
    secret = secret_of(keystore, password_file)
    account = load_account(keystore, prompt=lambda _: secret)
    passed: list[PassedOver] = []
    documents = list(chain.from_iterable(read_documents(path, sample, passed) for path in paths))
    with progress() as tell:
        done = commit_bid(
            session,
            account,
            secret,
            round=round,
            documents=documents,
            cost=cost,
            file=bid_file,
            replaces=read_bid(replaces, secret) if replaces else None,
            board_key=address_of(board_key) if board_key else None,
            progress=tell,
        )
    document = {
        "round": round,
        "provider": account.address,
        "documents": done.documents,
        "dataset_root": done.bid.dataset_root,
        "manifest": done.bid.manifest,
        "sealed_bid": done.bid.sealed(),
        "bid_file": str(bid_file),
        "sent": done.sent,
        "transaction": done.transaction or None,
        "passed_over": passed_over(passed),
    }
    state = "committed" if done.sent else "was committed already; nothing sent"
    emit(
        document,
        facts({f"round {round}": state, "documents": done.documents, "bid file": f"{bid_file} (keep a copy)"}),
        as_json=json,
    )


@bids.command("wrap")
def wrap(
    bid_files: Annotated[list[Path], typer.Argument(metavar="BID_FILE...", help="Bid files of the data sets.")],
    keystore: Annotated[
        Path,
        typer.Option("--keystore", metavar="FILE", help="Keystore of the provider, or of its board key: it signs."),
    ],
    password_file: PasswordFile = None,
    bid_password_file: Annotated[
        Path | None,
        typer.Option("--bid-password-file", metavar="FILE", help="Password of the bid files, if it is another one."),
    ] = None,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """After the commit phase: let the round's operators and auditors open the texts, each with its own key.

    Without it the texts are reported as unavailable. Nobody else can open anything. Who has registered no key that is
    its own, or was slashed, is left out and named.

    [dim]Example:[/] mia bid wrap bid.json --keystore alice.json
    """
    from oracle.chain.keys import load_account
    from oracle.custody.bidfile import read_bid

    session = open_session(rpc, contract, store)
    secret = secret_of(keystore, password_file)
    account = load_account(keystore, prompt=lambda _: secret)
    opens = secret if bid_password_file is None else secret_of(keystore, bid_password_file)
    opened = [read_bid(path, opens) for path in bid_files]
    done = [
        {"bid_file": str(path)} | wrap_bid(session, account, bid) for path, bid in zip(bid_files, opened, strict=True)
    ]

    def told(row: dict[str, Any]) -> str:
        lacking = [f"not by {left['reader']}: {left['reason']}" for left in row["left_out"]]
        return "; ".join([f"can be opened by {len(row['readers'])} readers", *lacking])

    emit({"wrapped": done}, facts({str(row["bid_file"]): told(row) for row in done}), as_json=json)


@bids.command("reveal")
def reveal(
    bid_files: Annotated[list[Path], typer.Argument(metavar="BID_FILE...", help="Bid files to open.")],
    keystore: Keystore,
    password_file: PasswordFile = None,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Open sealed bids in the reveal phase. Whoever holds the file may do it, with any account that can pay the gas.

    [dim]Example:[/] mia bid reveal bid.json --keystore alice.json
    """
    from oracle.chain.keys import load_account
    from oracle.custody.bidfile import read_bid

    session = open_session(rpc, contract, store)
    secret = secret_of(keystore, password_file)
    account = load_account(keystore, prompt=lambda _: secret)
    opened = [(path, read_bid(path, secret)) for path in bid_files]
    done = [
        {
            "bid_file": str(path),
            "round": bid.round,
            "provider": bid.provider,
            "cost": str(bid.cost),
            "transaction": reveal_bid(session, account, bid),
        }
        for path, bid in opened
    ]
    emit(
        {"revealed": done},
        facts({str(row["bid_file"]): f"opened in {row['transaction']}" for row in done}),
        as_json=json,
    )


@bids.command("status")
def status(
    round: RoundNumber,
    provider: Annotated[str, typer.Argument(metavar="PROVIDER", help="Address or keystore file.")],
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Where a bid stands: sealed, opened, won, paid; and what to do next.

    [dim]Example:[/] mia bid status 1 alice.json
    """
    session = open_session(rpc, contract, store)
    document = bid_status(session, round, address_of(provider))
    emit(document, facts({key: "–" if value is None else value for key, value in document.items()}), as_json=json)


def claim(
    round: RoundNumber,
    keystore: Keystore,
    provider: Annotated[
        list[str] | None,
        typer.Option("--provider", metavar="ADDRESS", help="For these providers; default: the keystore's own."),
    ] = None,
    password_file: PasswordFile = None,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Pull what a round owes a provider: cash, MUT, DST and the bond. It always goes to the provider, whoever sends it.

    [dim]Example:[/] mia claim 1 --keystore alice.json
    """
    session = open_session(rpc, contract, store)
    account = unlock(keystore, password_file)
    providers = [address_of(text) for text in provider] if provider else [account.address]
    sent = [{"provider": who, "transaction": claim_for(session, account, round, who)} for who in providers]
    paid = {known.provider: known for known in session.market.claims(round)}
    rows = [
        row
        | {
            "cash": str(paid[row["provider"]].cash),
            "units": str(paid[row["provider"]].units),
            "shares": str(paid[row["provider"]].shares),
            "bond": str(paid[row["provider"]].bond),
        }
        for row in sent
    ]

    def view(console: Console) -> None:
        table = Table("provider", "cash, money units", "MUT units", "DST units", "bond, wei", box=None, pad_edge=False)
        for row in rows:
            table.add_row(row["provider"], row["cash"], row["units"], row["shares"], row["bond"])
        console.print(table)

    emit({"round": round, "claims": rows}, view, as_json=json)


# --- inside ---
