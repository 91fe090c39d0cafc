"""``mia key``: the wallet's keystore, and beside it the key file with the keys that data are encrypted to."""

from __future__ import annotations

from json import loads as parse
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oracle.cli.output import emit, facts
from oracle.cli.session import (
    DEFAULT_RPC,
    DEFAULT_STORE,
    Contract,
    Json,
    Keystore,
    PasswordFile,
    Rpc,
    Store,
    ask,
    keystore_address,
    open_session,
    secret_of,
    unlock,
)
from oracle.errors import BadInput

if TYPE_CHECKING:
    from oracle.custody.keystore import PublicKeys
    from oracle.custody.publickeys import PublicPart

key = typer.Typer(name="key", no_args_is_help=True, help="Wallets, and the keys that data are encrypted to.")

KeyFile = Annotated[Path, typer.Argument(metavar="KEYS", help="A key file: see mia key create.")]
KeysPasswordFile = Annotated[
    Path | None,
    typer.Option("--keys-password-file", metavar="FILE", help="Password of the key file, if it is another one."),
]
MAX_FILE = 1 << 16


@key.command("new")
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the keystore goes; must not exist.")],
    password_file: PasswordFile = None,
    json: Json = False,
) -> None:
    """Make a wallet's key and keep it in an encrypted keystore file.

    [dim]Example:[/] mia key new alice.json --password-file alice.pw
    """
    from oracle.chain.keys import create_keystore, password_for

    secret = password_for(file, password_file=password_file, prompt=lambda what: ask(what, confirm=True))
    address = create_keystore(file, secret).address
    emit({"keystore": str(file), "address": address}, facts({"keystore": file, "address": address}), as_json=json)


@key.command("create")
def create(
    wallet: Annotated[
        Path, typer.Argument(metavar="WALLET", help="The owner's keystore; it stays closed if it names its address.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="KEYS", help="The new key file; default: beside the wallet.")
    ] = None,
    password_file: PasswordFile = None,
    json: Json = False,
) -> None:
    """Draw the keys that data are encrypted to (X25519) and delivered to (bn254), in an encrypted file of their own.

    They are random, never derived from the wallet. Keep a copy (mia key backup): what was bought opens with them alone.

    [dim]Example:[/] mia key create planner.json --password-file planner.pw
    """
    from oracle.chain.keys import password_for
    from oracle.custody.keystore import beside, create_keys

    owner, path = keystore_address(wallet, password_file), out or beside(wallet)
    if path.exists():  # before a password is asked for
        raise BadInput(f"{path} exists already", input=str(path), hint="Keys are never overwritten: mia key rotate.")
    secret = password_for(path, password_file=password_file, prompt=lambda what: ask(what, confirm=True))
    _tell({"keys": str(path), "generations": 1}, create_keys(path, owner, secret).public, json=json)


@key.command("show")
def show(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A wallet's keystore, a key file, or the public part of one.")
    ],
    password_file: PasswordFile = None,
    json: Json = False,
) -> None:
    """The address of a wallet, or owner and public keys of a key file or its public part, whose signature is checked.

    Nothing is opened but a keystore that does not name its address.

    [dim]Example:[/] mia key show planner.keys.json
    """
    from oracle.custody.keystore import generation_count, public_keys
    from oracle.custody.publickeys import read_public_part

    what = _kind(file)
    if what == "keys":
        _tell({"keys": str(file), "generations": generation_count(file)}, public_keys(file), json=json)
        return
    if what == "public":
        _tell({"public": str(file)}, read_public_part(file), json=json)
        return
    address = keystore_address(file, password_file)
    emit({"keystore": str(file), "address": address}, facts({"address": address}), as_json=json)


@key.command("public")
def public(
    file: KeyFile,
    keystore: Annotated[Path, typer.Option("--keystore", metavar="WALLET", help="The owner's keystore: it signs.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="The new file; default: alice.public.json beside KEYS.")
    ] = None,
    password_file: PasswordFile = None,
    keys_password_file: KeysPasswordFile = None,
    json: Json = False,
) -> None:
    """Write the public part of a key file, signed by its owner: what others need to wrap a data set's key to you.

    Hand out this file, never the key file itself.

    [dim]Example:[/] mia key public oracle.keys.json --keystore oracle.json
    """
    from oracle.custody.files import write_atomic
    from oracle.custody.keystore import load_keys
    from oracle.custody.publickeys import public_beside, public_part

    path = out or public_beside(file)
    if path.exists():  # before a password is asked for
        raise BadInput(f"{path} exists already", input=str(path), hint="Choose a new name with --out, or remove it.")
    account = unlock(keystore, password_file)
    part = public_part(account, load_keys(file, secret_of(file, keys_password_file or password_file)))
    write_atomic(path, part.to_bytes())
    _tell({"public": str(path)}, part, json=json)


@key.command("register")
def register(
    file: KeyFile,
    keystore: Keystore,
    password_file: PasswordFile = None,
    keys_password_file: KeysPasswordFile = None,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Register the newest keys of a key file on chain, with the proof that they are yours. Sends only what is missing.

    Operators and auditors get content keys wrapped to theirs; winners deliver to the planner's, in rounds opened later.

    [dim]Example:[/] mia key register planner.keys.json --keystore planner.json
    """
    from oracle.cli.handover import register_keys
    from oracle.custody.keystore import load_keys

    session = open_session(rpc, contract, store)
    account = unlock(keystore, password_file)
    keys = load_keys(file, secret_of(file, keys_password_file or password_file))
    sent = register_keys(session, account, keys)
    document = {"owner": keys.owner} | {kind: transaction or None for kind, transaction in sent.items()}
    view = {kind: transaction or "was registered already" for kind, transaction in sent.items()}
    emit(document, facts({"owner": keys.owner} | view), as_json=json)


@key.command("rotate")
def rotate(file: KeyFile, password_file: PasswordFile = None, json: Json = False) -> None:
    """Add new keys to a key file; the old ones stay in it, so that all they were used for still opens.

    Register the new ones afterwards, and make a new backup.

    [dim]Example:[/] mia key rotate planner.keys.json --password-file planner.pw
    """
    from oracle.custody.keystore import rotate_keys

    keys = rotate_keys(file, secret_of(file, password_file))
    _tell({"keys": str(file), "generations": len(keys.generations)}, keys.public, json=json)


@key.command("backup")
def backup(
    file: KeyFile,
    copy: Annotated[Path, typer.Argument(metavar="COPY", help="Where the copy goes; must not exist.")],
    password_file: PasswordFile = None,
    json: Json = False,
) -> None:
    """Copy a key file and open the copy: a backup that nobody has opened is a hope.

    [dim]Example:[/] mia key backup planner.keys.json /media/usb/planner.keys.json
    """
    from oracle.custody.keystore import backup_keys

    keys = backup_keys(file, copy, secret_of(file, password_file))
    _tell({"keys": str(copy), "generations": len(keys.generations)}, keys.public, json=json)


def _kind(path: Path) -> str:
    """Which reader a file is for: "keys", "public" or "wallet"; that one says what is wrong with it."""
    from oracle.corpus.encoding import unmarked
    from oracle.custody.files import read_small

    try:
        found = parse(unmarked(read_small(path, "keystore or key file", most=MAX_FILE), str(path)))
    except (ValueError, RecursionError):
        return "wallet"
    if not isinstance(found, dict):
        return "wallet"
    return "keys" if "header" in found else "public" if "x25519" in found else "wallet"


def _tell(about: dict[str, Any], public: PublicKeys | PublicPart, *, json: bool) -> None:
    document = about | {
        "owner": public.owner,
        "x25519": public.x25519,
        "bn254": [str(coordinate) for coordinate in public.bn254],
    }
    view = document | {"x25519": "0x" + public.x25519.hex(), "bn254": "\n".join(document["bn254"])}
    emit(document, facts(view), as_json=json)
