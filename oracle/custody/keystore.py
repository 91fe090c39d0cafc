"""A person's two keys of custody: X25519 opens key wraps (HPKE), bn254 opens deliveries. They lie beside the wallet.

Both are random. Neither comes from a wallet signature: whoever gets a wallet to sign that message once, on any page,
would own every data set its owner ever buys. The file has the form of :mod:`oracle.custody.passwordfile`: owner and
public keys can be read by all, the private keys are under the password. Rotating adds a generation and keeps the old
ones, so that what was wrapped or delivered to an old key opens for ever; the newest is the one to register.

Secrets are in no repr, no message and no log. What Python cannot do is wipe them from memory: they live as long as
their process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from filelock import FileLock, Timeout
from pydantic import Field

from oracle.custody import bn254, passwordfile
from oracle.custody.bn254 import Point
from oracle.custody.files import write_checked
from oracle.custody.passwordfile import SCRYPT_WORK, Scrypt
from oracle.errors import BadInput, CheckFailed, EnvironmentFailure
from oracle.evidence.fields import Address, Bytes32, Record, Uint256

WHAT = "key file"
SUFFIX = ".keys.json"
GENERATION_BYTES = 64
MAX_GENERATIONS = 64
PATIENCE = 10.0
"""Seconds to wait for another process that rotates the same file."""


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """What others encrypt to. ``x25519``: 32 bytes; ``bn254``: a point."""

    owner: str
    x25519: bytes
    bn254: Point


@dataclass(frozen=True, slots=True)
class KeyPair:
    """One generation. ``x25519``: the private key, 32 bytes (RFC 7748); ``bn254``: a scalar in 1..Q-1."""

    x25519: bytes = field(repr=False)
    bn254: int = field(repr=False)

    @classmethod
    def random(cls) -> KeyPair:
        return cls(X25519PrivateKey.generate().private_bytes_raw(), bn254.random_scalar())

    @property
    def x25519_public(self) -> bytes:
        return X25519PrivateKey.from_private_bytes(self.x25519).public_key().public_bytes_raw()

    @property
    def bn254_public(self) -> Point:
        return bn254.multiply(bn254.GENERATOR, self.bn254)


@dataclass(frozen=True, slots=True)
class Keys:
    """An opened key file. ``generations``: oldest first, never empty; the properties speak of the newest."""

    owner: str
    generations: tuple[KeyPair, ...] = field(repr=False)

    @property
    def x25519(self) -> bytes:
        return self.generations[-1].x25519

    @property
    def bn254(self) -> int:
        return self.generations[-1].bn254

    @property
    def public(self) -> PublicKeys:
        newest = self.generations[-1]
        return PublicKeys(self.owner, newest.x25519_public, newest.bn254_public)

    def x25519_for(self, public: bytes) -> bytes:
        """The private key of a public one, of whatever generation; ``BadInput`` when it is none of these."""
        for pair in reversed(self.generations):
            if pair.x25519_public == public:
                return pair.x25519
        raise _stranger(self.owner, "0x" + public.hex())

    def bn254_for(self, public: Point) -> int:
        """The scalar of a public point, of whatever generation; ``BadInput`` when it is none of these."""
        for pair in reversed(self.generations):
            if pair.bn254_public == public:
                return pair.bn254
        raise _stranger(self.owner, "0x" + bn254.words(*public).hex())


class _Public(Record):
    x25519: Bytes32
    bn254: tuple[Uint256, Uint256]


class _Header(passwordfile.Header):
    kind: Literal["mixed-mia/keys/1"] = "mixed-mia/keys/1"
    owner: Address
    generations: tuple[_Public, ...] = Field(min_length=1, max_length=MAX_GENERATIONS)


def beside(wallet: Path) -> Path:
    """Where the keys of a wallet's keystore lie when nobody says otherwise: alice.json, alice.keys.json."""
    return wallet.with_name(wallet.name.removesuffix(".json") + SUFFIX)


def create_keys(path: Path, owner: str, secret: str, *, work: int = SCRYPT_WORK) -> Keys:
    """Draw both keys and write them, under the password ``secret``, to a new file that is read back at once.

    ``work`` is scrypt's n, a power of two: less than the default only for keys that guard nothing.
    Raises ``BadInput`` when the file exists or the password is empty, ``EnvironmentFailure`` when the disk fails.
    """
    keys = Keys(owner, (KeyPair.random(),))
    _write_new(path, keys, secret, work)
    return keys


def load_keys(path: Path, secret: str) -> Keys:
    """Open a key file.

    Raises ``BadInput`` for a missing file or a wrong password, ``CheckFailed`` for one that is damaged, altered or of
    another kind.
    """
    header, ciphertext = passwordfile.read(path, _Header, WHAT)
    plain = passwordfile.unseal(path, header, ciphertext, secret)
    pairs = tuple(
        KeyPair(plain[at : at + 32], int.from_bytes(plain[at + 32 : at + GENERATION_BYTES], "big"))
        for at in range(0, len(plain) - len(plain) % GENERATION_BYTES, GENERATION_BYTES)
    )
    keys = Keys(header.owner, pairs)
    if len(plain) % GENERATION_BYTES or _publics(pairs) != header.generations:
        raise CheckFailed(
            f"the keys in {path} are not those its header names", input=str(path), hint="restore it from your copy"
        )
    return keys


def public_keys(path: Path) -> PublicKeys:
    """Owner and newest public keys, without the password; errors as :func:`load_keys`.

    Not authenticated: only opening the file tells whether somebody put other public keys into it.
    """
    header, _ = passwordfile.read(path, _Header, WHAT)
    newest = header.generations[-1]
    return PublicKeys(header.owner, newest.x25519, bn254.require_point(newest.bn254, str(path)))


def generation_count(path: Path) -> int:
    """How many generations a key file holds, without the password."""
    return len(passwordfile.read(path, _Header, WHAT)[0].generations)


def rotate_keys(path: Path, secret: str, *, work: int = SCRYPT_WORK) -> Keys:
    """Add a new generation and return all; the old ones stay readable. The new public keys are yet to be registered.

    Errors as :func:`load_keys`; ``BadInput`` when the file is full, ``EnvironmentFailure`` when another process rotates
    it or the disk fails: then the file is as it was.
    """
    generation_count(path)  # there is such a file, before anything is written beside it
    with _one_writer(path):
        old = load_keys(path, secret)
        if len(old.generations) == MAX_GENERATIONS:
            raise BadInput(
                f"{path} holds {MAX_GENERATIONS} generations already", input=str(path), hint="begin a new key file"
            )
        keys = Keys(old.owner, (*old.generations, KeyPair.random()))
        _write(path, keys, secret, work)
    return keys


def backup_keys(path: Path, copy: Path, secret: str) -> Keys:
    """Copy a key file to a new place and open the copy with its password: only then it is a backup.

    Errors as :func:`load_keys`; ``BadInput`` when ``copy`` exists, ``EnvironmentFailure`` when the disk fails.
    """
    keys = load_keys(path, secret)
    _require_new(copy)
    write_checked(copy, path.read_bytes(), lambda beside: load_keys(beside, secret), keys)
    return keys


def _write_new(path: Path, keys: Keys, secret: str, work: int) -> None:
    if not secret:
        raise BadInput("a key file needs a password", input=str(path), hint="choose one and keep it")
    _require_new(path)
    _write(path, keys, secret, work)


def _require_new(path: Path) -> None:
    if path.exists():
        raise BadInput(f"{path} exists already", input=str(path), hint="keys are never overwritten: choose a new name")


def _write(path: Path, keys: Keys, secret: str, work: int) -> None:
    header = _Header(owner=keys.owner, generations=_publics(keys.generations), scrypt=Scrypt(n=work))
    plain = b"".join(pair.x25519 + bn254.words(pair.bn254) for pair in keys.generations)
    write_checked(path, passwordfile.seal(header, plain, secret), lambda beside: load_keys(beside, secret), keys)


def _publics(pairs: tuple[KeyPair, ...]) -> tuple[_Public, ...]:
    return tuple(_Public(x25519=pair.x25519_public, bn254=pair.bn254_public) for pair in pairs)


def _stranger(owner: str, public: str) -> BadInput:
    return BadInput(
        f"no key of {owner} in this file belongs to {public}", input=public, hint="open it with the file it was made in"
    )


@contextmanager
def _one_writer(path: Path) -> Iterator[None]:
    """Of two rotations at once one would lose its generation, perhaps after its keys were registered."""
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=PATIENCE)
    except Timeout as error:
        raise EnvironmentFailure(
            f"another program is rotating {path}", input=str(path), hint="wait for it, or end it"
        ) from error
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot lock {path}: {error.strerror or error}", input=str(path), hint="check the folder's permissions"
        ) from error
    try:
        yield
    finally:
        lock.release()
