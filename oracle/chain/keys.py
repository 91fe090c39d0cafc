"""Keys in keystore files (Web3 Secret Storage, version 3), opened by a password file or a prompt.

Never by an argument or the environment: other users of the machine can read both.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from oracle.custody.files import write_atomic
from oracle.errors import BadInput, EnvironmentFailure

SCRYPT_WORK = 1 << 18
"""scrypt's n of a new keystore: about a second."""
Prompt = Callable[[str], str]
"""Asks a person, without echo, for the password of what the argument names."""


def read_password(path: Path) -> str:
    """The first line of a password file; ``BadInput`` when it is missing or empty."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read the password file {path}", input=str(path), hint="one line of UTF-8") from error
    if not lines or not lines[0]:
        raise BadInput(f"the password file {path} is empty", input=str(path), hint="put the password on its first line")
    return lines[0]


def password_for(path: Path, *, password_file: Path | None, prompt: Prompt | None) -> str:
    """The password of ``path`` from its password file, or else from the prompt; ``BadInput`` without either."""
    if password_file is not None:
        return read_password(password_file)
    if prompt is not None:
        return prompt(str(path))
    raise BadInput(f"no password for {path}", input=str(path), hint="name a password file")


def load_account(keystore: Path, *, password_file: Path | None = None, prompt: Prompt | None = None) -> LocalAccount:
    """The account in a keystore file; ``BadInput`` for a missing file, another format or a wrong password."""
    try:
        stored = json.loads(keystore.read_text("utf-8"))
    except FileNotFoundError as error:
        raise BadInput(f"there is no keystore {keystore}", input=str(keystore), hint="check the path") from error
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot read {keystore}: {error.strerror}", input=str(keystore), hint="check its permissions"
        ) from error
    except ValueError as error:
        raise BadInput(f"{keystore} is no keystore", input=str(keystore), hint="expected JSON, version 3") from error
    password = password_for(keystore, password_file=password_file, prompt=prompt)
    try:
        account: LocalAccount = Account.from_key(Account.decrypt(stored, password))
    except ValueError as error:
        wrong = "MAC mismatch" in str(error)
        message = f"wrong password for {keystore}" if wrong else f"{keystore} is no keystore of version 3: {error}"
        raise BadInput(message, input=str(keystore), hint="try again" if wrong else "restore it") from error
    except (TypeError, KeyError, AttributeError, NotImplementedError) as error:
        raise BadInput(
            f"{keystore} is no keystore of version 3", input=str(keystore), hint="restore it from your copy"
        ) from error
    return account


def create_keystore(
    keystore: Path, password: str, *, key: bytes | None = None, work: int = SCRYPT_WORK
) -> LocalAccount:
    """Write a new key (or ``key``) to a new file, read it back, and return its account.

    ``work`` is scrypt's n, a power of two: less than the default only for keys that guard nothing.
    Raises ``BadInput`` when the file exists or the password is empty, ``EnvironmentFailure`` when the disk fails.
    """
    if not password:
        raise BadInput("a keystore needs a password", input=str(keystore), hint="choose one and keep it")
    if keystore.exists():
        raise BadInput(f"{keystore} exists already", input=str(keystore), hint="a key is never overwritten")
    account: LocalAccount = Account.from_key(key) if key is not None else Account.create()
    encrypted = json.dumps(Account.encrypt(account.key, password, kdf="scrypt", iterations=work), indent=1).encode()
    write_atomic(keystore, encrypted + b"\n", private=True)
    if load_account(keystore, prompt=lambda _: password).address != account.address:
        raise EnvironmentFailure(
            f"{keystore} does not hold what was written", input=str(keystore), hint="use another disk"
        )
    return account
