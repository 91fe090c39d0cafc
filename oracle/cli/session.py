"""What the commands share: their options, and how keys, chain, market and store are opened from them.

Keys come from keystore files (Web3 Secret Storage, version 3) and passwords from a file or a prompt: never from
arguments or the environment, where other users of the machine can read them.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oracle.cli.output import notes
from oracle.errors import BadInput
from oracle.evidence.hidden import visible

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from web3 import Web3

    from oracle.chain.client import Market
    from oracle.custody.store import Board, ContentStore
    from oracle.node.opening import Reader

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, all else on stderr.")]
Rpc = Annotated[
    str,
    typer.Option("--rpc", envvar="MIA_RPC", metavar="URL", help="JSON-RPC address of the chain.", show_default=True),
]
Contract = Annotated[
    str,
    typer.Option(
        "--contract", envvar="MIA_CONTRACT", metavar="ADDRESS", help="The DataMarket; default: the store's only one."
    ),
]
Store = Annotated[
    str,
    typer.Option(
        "--store",
        metavar="local:DIR|ipfs:ADDR",
        help="Content store; what peers exchange lies in DIR or MIA_BOARD.",
    ),
]
Keystore = Annotated[Path, typer.Option("--keystore", metavar="FILE", help="Keystore (version 3) of the sender.")]
PasswordFile = Annotated[
    Path | None, typer.Option("--password-file", metavar="FILE", help="First line is the password; default: a prompt.")
]
CustodyKeys = Annotated[
    Path | None,
    typer.Option("--keys", metavar="FILE", help="Key file that texts are opened with; default: beside the keystore."),
]


def natural_amount(text: str | int) -> int:
    """An option's amount: a positive whole number below 2^128 in ASCII digits. Raises the usage error of its option."""
    digits = str(text)
    if not re.fullmatch("[0-9]{1,39}", digits) or not 0 < int(digits) < 1 << 128:
        raise typer.BadParameter(f"{text!r} is no positive whole number below 2^128, such as 25000.")
    return int(digits)


RoundNumber = Annotated[int, typer.Argument(metavar="ROUND", min=1, help="Number of the round.")]

DEFAULT_RPC = "http://127.0.0.1:8545"
DEFAULT_STORE = "local:market-data"
DEFAULT_BOARD = "market-data"  # of stores that are no folder, unless MIA_BOARD names another


@dataclass(frozen=True)
class Session:
    """An open market: where every command starts."""

    w3: Web3
    market: Market
    store: ContentStore
    board: Board


def open_session(rpc: str, contract: str, store: str) -> Session:
    """Connect and check that there is a market.

    Raises EnvironmentFailure for a dead RPC, BadInput for an address that is no market or a store that cannot be used.
    """
    from oracle.chain.client import Market, connect
    from oracle.custody.store import Board, open_store

    content = open_store(store)
    kind, _, place = store.partition(":")
    board = Board(Path(place if kind == "local" else os.environ.get("MIA_BOARD", DEFAULT_BOARD)))
    w3 = connect(rpc)
    address = contract or known_market(board, w3.eth.chain_id)
    return Session(w3, Market(w3, address), content, board)


def known_market(board: Board, chain_id: int) -> str:
    """The one market of this chain that the content folder has rounds of, so that a folder and an RPC URL suffice."""
    folder = board.folder / "rounds"
    keys = [path.name.split("-") for path in folder.iterdir()] if folder.is_dir() else []
    markets = {key[1] for key in keys if len(key) == 3 and key[0] == str(chain_id)}
    if len(markets) != 1:
        found = f"{len(markets)} markets" if markets else "no market"
        raise BadInput(
            f"{found} of chain {chain_id} in the content folder",
            input=str(board.folder),
            hint="Name the DataMarket with --contract ADDRESS or MIA_CONTRACT.",
        )
    return markets.pop()


def secret_of(keystore: Path, password_file: Path | None) -> str:
    """The password of a keystore: first line of ``password_file``, or what is typed at the prompt (not echoed)."""
    from oracle.chain.keys import password_for

    return password_for(keystore, password_file=password_file, prompt=ask if sys.stdin.isatty() else None)


def unlock(keystore: Path, password_file: Path | None) -> LocalAccount:
    """The account of a keystore. Raises BadInput for a missing file, another format or a wrong password."""
    from oracle.chain.keys import load_account

    return load_account(keystore, password_file=password_file, prompt=ask if sys.stdin.isatty() else None)


def ask(what: str, *, confirm: bool = False) -> str:
    """A password from the terminal, asked for on stderr and not echoed."""
    typed: str = typer.prompt(f"Password of {visible(what)}", hide_input=True, confirmation_prompt=confirm, err=True)
    return typed


def is_agreed(question: str) -> bool:
    """Whether a person at the terminal says yes; asked on stderr, so that stdout stays the result's."""
    notes().print(f"{question} [y/N]", end=" ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def reader_of(keystore: Path, keys: Path | None, secret: str) -> Reader:
    """Whoever opens texts with the key file of a keystore; both under the same password. BadInput as `load_keys`."""
    from oracle.custody.keystore import beside, load_keys
    from oracle.node.opening import Reader

    return Reader.of(load_keys(keys or beside(keystore), secret))


def keystore_address(keystore: Path, password_file: Path | None = None) -> str:
    """The address a keystore names, without opening it; where it names none, that of the key in it.

    Raises BadInput for what is no keystore, and for one without an address that there is no password for.
    """
    from oracle.chain.wallet_file import read_wallet_file

    wallet = read_wallet_file(keystore)
    if wallet.named is not None:
        return wallet.named
    if password_file is None and not sys.stdin.isatty():
        failing = f"names {wallet.address}, which fails its checksum (EIP-55)"
        raise BadInput(
            f"the keystore {'does not name its address' if wallet.address is None else failing}",
            input=str(keystore),
            hint=f"Its key tells it: mia key show {keystore} --password-file FILE",
        )
    return unlock(keystore, password_file).address


def address_of(text: str) -> str:
    """A checksummed address from an address or the path of a keystore file."""
    from eth_utils.address import is_address, to_checksum_address

    if is_address(text):
        return to_checksum_address(text)
    if Path(text).is_file():
        return keystore_address(Path(text))
    raise BadInput("not an address", input=text, hint="Give 0x and 40 hex digits, or a keystore file.")


def send(session: Session, account: LocalAccount, call: Any, *, value: int = 0) -> str:
    """Send one call and wait for it; the transaction's hash. ``value`` in wei."""
    from oracle.chain.transact import send as send_call

    return "0x" + bytes(send_call(session.w3, account, call, value=value)["transactionHash"]).hex()
