"""``mia delivery``: the winner's key against its reward; what each side may do, and until when."""

from __future__ import annotations

from pathlib import Path
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
    secret_of,
    unlock,
)
from oracle.errors import BadInput

if TYPE_CHECKING:
    from oracle.custody.bidfile import Bid
    from oracle.custody.keystore import Keys

deliveries = typer.Typer(
    name="delivery", no_args_is_help=True, help="Keys against payment: send, accept, dispute, bounty."
)

Provider = Annotated[str, typer.Argument(metavar="PROVIDER", help="Address or keystore file of the winner.")]
KeyFile = Annotated[Path, typer.Option("--keys", metavar="FILE", help="Your key file: see mia key create.")]
KeysPassword = Annotated[
    Path | None,
    typer.Option("--keys-password-file", metavar="FILE", help="Password of the key file, if it is another one."),
]


@deliveries.command("send")
def send(
    round: RoundNumber,
    keystore: Keystore,
    bid_file: Annotated[
        Path,
        typer.Option("--bid-file", metavar="FILE", help="Your bid file: it knows the terms, and the content key."),
    ],
    key: Annotated[
        Path | None,
        typer.Option(
            "--key", metavar="FILE", help="The key.json of mia data pack, for a bid file without a content key."
        ),
    ] = None,
    password_file: PasswordFile = None,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Deliver the key of what you sold. Checked against your commitment first: a wrong key would cost the bond.

    The bid file says under which terms you bid, so that no node can name another buyer.

    [dim]Example:[/] mia delivery send 1 --bid-file bid.json --keystore alice.json
    """
    from oracle.chain.keys import load_account
    from oracle.cli.handover import deliver_bid

    session = open_session(rpc, contract, store)
    secret = secret_of(keystore, password_file)
    account = load_account(keystore, prompt=lambda _: secret)
    bid, content_key = _bid_and_key(session, round, account.address, secret, bid_file, key)
    transaction = deliver_bid(session, account, bid, content_key)
    _tell_sent(round, account.address, transaction, json=json)


@deliveries.command("bounty")
def bounty(
    round: RoundNumber,
    provider: Provider,
    keystore: Keystore,
    keys: KeyFile,
    data_dir: Annotated[
        Path,
        typer.Option("--data-dir", metavar="DIR", help="The folder you scored the round in: it knows the terms."),
    ],
    password_file: PasswordFile = None,
    keys_password_file: KeysPassword = None,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Deliver for a winner that stayed silent, as an operator that observed in time: its bond is yours.

    [dim]Example:[/] mia delivery bounty 1 0x1563...5508 --keys op.keys.json --keystore op.json --data-dir op/
    """
    from oracle.cli.handover import deliver_wrapped

    session, who = open_session(rpc, contract, store), address_of(provider)
    account = unlock(keystore, password_file)
    opened = _open(keys, keys_password_file or password_file)
    _tell_sent(round, who, deliver_wrapped(session, account, round, who, opened, data_dir), json=json)


@deliveries.command("accept")
def accept(
    round: RoundNumber,
    provider: Provider,
    keystore: Keystore,
    keys: KeyFile,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the content key goes: a key.json.")],
    password_file: PasswordFile = None,
    keys_password_file: KeysPassword = None,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Open a delivery; if its key is the committed one, accept it and keep the key for mia data unpack.

    [dim]Example:[/] mia delivery accept 1 0x1563...5508 --keys planner.keys.json --out alice.key.json --keystore p.json
    """
    from oracle.cli.handover import accept_key, committed
    from oracle.custody.contentkey import ContentKey, write_key

    if out.exists():
        raise BadInput(f"{out} exists already", input=str(out), hint="Choose another --out: keys are not overwritten.")
    session, who = open_session(rpc, contract, store), address_of(provider)
    account = unlock(keystore, password_file)
    opened = _open(keys, keys_password_file or password_file)
    key, transaction = accept_key(session, account, round, who, opened)
    write_key(out, ContentKey(manifest=committed(session, round, who).manifest, key=key))
    document = {
        "round": round,
        "provider": who,
        "accepted": True,
        "key": str(out),
        "sent": bool(transaction),
        "transaction": transaction or None,
    }
    emit(document, facts({"key": out, who: "accepted" if transaction else "was accepted already"}), as_json=json)


@deliveries.command("dispute")
def dispute(
    round: RoundNumber,
    provider: Provider,
    keystore: Keystore,
    keys: KeyFile,
    trust_node: Annotated[
        bool,
        typer.Option("--trust-node", help="Dispute although no signature shows that this is what was delivered."),
    ] = False,
    password_file: PasswordFile = None,
    keys_password_file: KeysPassword = None,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Show the contract that a delivered key is wrong: the reward is yours again. Refused for a key that is right.

    The sender's signature has to show that the node did not make a good key look wrong: a dispute would publish it.

    [dim]Example:[/] mia delivery dispute 1 0x1563...5508 --keys planner.keys.json --keystore planner.json
    """
    from oracle.cli.handover import dispute_key

    session, who = open_session(rpc, contract, store), address_of(provider)
    account = unlock(keystore, password_file)
    opened = _open(keys, keys_password_file or password_file)
    how, transaction = dispute_key(session, account, round, who, opened, trusting=trust_node)
    document = {"round": round, "provider": who, "struck": how, "transaction": transaction}
    emit(document, facts({who: f"struck: {how} in {transaction}"}), as_json=json)


@deliveries.command("status")
def status(
    round: RoundNumber,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Which winners have delivered, what is accepted, and until when anything can be done about it.

    [dim]Example:[/] mia delivery status 1
    """
    from oracle.cli.handover import delivery_status

    document = delivery_status(open_session(rpc, contract, store), round)

    def view(console: Console) -> None:
        facts({key: document[key] for key in ("deliver_end", "bounty_end")})(console)
        table = Table("winner", "state", "delivered by", "disputed until", "claimed", box=None, pad_edge=False)
        for row in document["deliveries"]:
            cells: list[Any] = [row["provider"], row["state"], row["deliverer"], row["dispute_end"]]
            table.add_row(*(cell or "–" for cell in cells), "yes" if row["claimed"] else "no")
        console.print(table)

    emit(document, view, as_json=json)


# --- inside ---


def _bid_and_key(
    session: Session, round: int, provider: str, secret: str, bid_file: Path, key: Path | None
) -> tuple[Bid, bytes]:
    """The bid, and the key that is to be delivered: the bid file's, or of a key.json where it holds none."""
    from oracle.cli.packing import read_file
    from oracle.custody.bidfile import read_bid
    from oracle.custody.contentkey import read_key

    bid = read_bid(bid_file, secret)
    here = (session.market.chain_id, session.market.address, round, provider)
    if (bid.chain, bid.market, bid.round, bid.provider) != here:
        raise BadInput(f"{bid_file} is another bid's file", input=str(bid_file), hint="Give the file of this bid.")
    if (bid.content_key is None) == (key is None):
        what = "no content key" if key is None else "the content key already"
        hint = "Give the key.json with --key." if key is None else "Leave --key out."
        raise BadInput(f"{bid_file} holds {what}", input=str(bid_file), hint=hint)
    if key is None:
        assert bid.content_key is not None
        return bid, bid.content_key
    found = read_key(read_file(key, "content key"), name=str(key))
    if found.manifest != bid.manifest:
        raise BadInput(
            f"{key} is the key of another data set than that of {bid_file}",
            input=str(key),
            hint="Give the key.json that was packed with what you bid.",
        )
    return bid, found.key


def _open(keys: Path, password_file: Path | None) -> Keys:
    from oracle.custody.keystore import load_keys

    return load_keys(keys, secret_of(keys, password_file))


def _tell_sent(round: int, provider: str, transaction: str, *, json: bool) -> None:
    document = {
        "round": round,
        "provider": provider,
        "sent": bool(transaction),
        "transaction": transaction or None,
    }
    state = f"delivered in {transaction}" if transaction else "was delivered already; nothing sent"
    emit(document, facts({f"round {round}": state}), as_json=json)
