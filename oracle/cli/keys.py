"""``mia key``: keystore files, the only form in which this program takes keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oracle.cli.output import emit, facts
from oracle.cli.session import Json, PasswordFile, ask, keystore_address

keys = typer.Typer(name="key", no_args_is_help=True, help="Keystore files: make one, show its address.")


@keys.command("new")
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the keystore goes; must not exist.")],
    password_file: PasswordFile = None,
    json: Json = False,
) -> None:
    """Make a key and keep it in an encrypted keystore file.

    [dim]Example:[/] mia key new alice.json --password-file alice.pw
    """
    from oracle.chain.keys import create_keystore, password_for

    secret = password_for(file, password_file=password_file, prompt=lambda what: ask(what, confirm=True))
    address = create_keystore(file, secret).address
    emit({"keystore": str(file), "address": address}, facts({"keystore": file, "address": address}), as_json=json)


@keys.command("show")
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A keystore file.")],
    json: Json = False,
) -> None:
    """The address of a keystore, without opening it.

    [dim]Example:[/] mia key show alice.json
    """
    address = keystore_address(file)
    emit({"keystore": str(file), "address": address}, facts({"address": address}), as_json=json)
