"""Keys in keystore files (Web3 Secret Storage, version 3), opened by a password file or a prompt.

Never by an argument or the environment: other users of the machine can read both.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.exceptions import ValidationError

from oracle.chain.wallet_file import read_wallet_file
from oracle.corpus.encoding import unmarked
from oracle.custody.files import read_small, write_checked
from oracle.errors import BadInput

SCRYPT_WORK = 1 << 18
"""scrypt's n of a new keystore: about a second."""
KEY_BYTES = 32
MAX_PASSWORD_FILE = 1 << 16
Prompt = Callable[[str], str]
"""Asks a person, without echo, for the password of what the argument names."""


def read_password(path: Path) -> str:
    """The first line of a password file: everything before its line feed (or carriage return and line feed), spaces
    and other separators included.

    UTF-8, or UTF-16 with its byte order mark; a mark is no part of the password. Raises ``BadInput`` when the file is
    missing, empty or no text, ``EnvironmentFailure`` when it cannot be read.
    """
    data = unmarked(read_small(path, "password file", most=MAX_PASSWORD_FILE), str(path))
    try:
        line = str(data.partition(b"\n")[0], "utf-8").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise BadInput(f"the password file {path} is not UTF-8", input=str(path), hint="one line of UTF-8") from error
    if not line:
        raise BadInput(f"the password file {path} is empty", input=str(path), hint="put the password on its first line")
    if "\0" in line:
        raise BadInput(f"the password file {path} is no text: it holds a NUL", input=str(path), hint="save it as UTF-8")
    return line


def password_for(path: Path, *, password_file: Path | None, prompt: Prompt | None) -> str:
    """The password of ``path`` from its password file, or else from the prompt; ``BadInput`` without either."""
    if password_file is not None:
        return read_password(password_file)
    if prompt is not None:
        return prompt(str(path))
    raise BadInput(f"no password for {path}", input=str(path), hint="name a password file")


def load_account(keystore: Path, *, password_file: Path | None = None, prompt: Prompt | None = None) -> LocalAccount:
    """The account in a keystore file.

    Raises ``BadInput`` for a missing file, another format, a wrong password, or a key that is of another address than
    the file names; ``EnvironmentFailure`` for a file that cannot be read.
    """
    stored = read_wallet_file(keystore)
    password = password_for(keystore, password_file=password_file, prompt=prompt)
    try:
        key = bytes(Account.decrypt(stored.document(), _bytes(password)))  # type: ignore[arg-type]
        account: LocalAccount = Account.from_key(key.rjust(KEY_BYTES, b"\0"))  # old wallets left out leading zeros
    except (ValueError, ValidationError) as error:
        wrong = "MAC mismatch" in str(error)
        message = f"wrong password for {keystore}" if wrong else f"{keystore} is no keystore of version 3: {error}"
        raise BadInput(message, input=str(keystore), hint="try again" if wrong else "restore it") from error
    if stored.address is not None and stored.address.lower() != account.address.lower():
        raise BadInput(
            f"{keystore} names {stored.address}, but holds the key of {account.address}",
            input=str(keystore),
            hint="restore it from your copy; if that is the key you mean, take the address out of the file",
        )
    return account


def create_keystore(
    keystore: Path, password: str, *, key: bytes | None = None, work: int = SCRYPT_WORK
) -> LocalAccount:
    """Write a new key (or ``key``) to a new file that is read back before it appears, and return its account.

    ``work`` is scrypt's n, a power of two: less than the default only for keys that guard nothing.
    Raises ``BadInput`` when the file exists or the password is empty, ``EnvironmentFailure`` when the disk fails.
    """
    if not password:
        raise BadInput("a keystore needs a password", input=str(keystore), hint="choose one and keep it")
    if keystore.exists():
        raise BadInput(f"{keystore} exists already", input=str(keystore), hint="a key is never overwritten")
    account: LocalAccount = Account.from_key(key) if key is not None else Account.create()
    sealed = Account.encrypt(account.key, _bytes(password), kdf="scrypt", iterations=work)  # type: ignore[arg-type]
    encrypted = json.dumps(sealed, indent=1).encode() + b"\n"
    write_checked(keystore, encrypted, lambda copy: load_account(copy, prompt=lambda _: password).key, account.key)
    return account


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")  # whatever a terminal lets somebody type
