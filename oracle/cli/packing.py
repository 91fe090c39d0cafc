"""What ``mia data`` reads and leaves behind: a folder with manifest, key, wraps and blocks; keys from their files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from json import loads as parse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oracle.errors import BadInput

if TYPE_CHECKING:
    from oracle.custody.context import Context
    from oracle.custody.journal import Journal
    from oracle.custody.publickeys import PublicPart
    from oracle.custody.sealed import Packed, SealedManifest
    from oracle.custody.store import ContentStore
    from oracle.custody.wraps import Wraps

MAX_FILE = 1 << 20
WRAPS = "wraps.json"
STORE = "store"


class Folder:
    """Where a packed data set is kept: manifest.json comes last, so where it is, the rest is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest, self.key, self.wraps = folder / "manifest.json", folder / "key.json", folder / WRAPS
        self._journal = folder / ".packing"

    def store(self, address: str) -> ContentStore:
        """The store at ``address``, or the one in this folder."""
        from oracle.custody.store import open_store

        return open_store(address or f"local:{self.folder / STORE}")

    @contextmanager
    def journal(self, context: Context) -> Iterator[Journal]:
        """The interrupted packing, or a new one. ``BadInput`` when the folder holds a data set already."""
        from oracle.custody.files import make_folder
        from oracle.custody.journal import open_journal

        taken = self.manifest if self.manifest.exists() else self.key
        if self.manifest.exists() or (self.key.exists() and not self._journal.exists()):
            raise BadInput(
                f"{taken} exists already",
                input=str(taken),
                hint="A key is never overwritten: choose another folder with --out.",
            )
        if self.folder.exists() and not self.folder.is_dir():
            raise BadInput("not a folder", input=str(self.folder), hint="Choose another folder with --out.")
        new = not self.folder.exists()
        make_folder(self.folder, private=True)  # the key will lie in it
        with open_journal(self._journal, context) as journal:
            try:
                yield journal
            except BadInput:
                if journal.empty:  # nothing to go on with: leave nothing behind
                    journal.discard()
                    if new:
                        with suppress(OSError):  # something else was put there meanwhile
                            self.folder.rmdir()
                raise

    def finish(self, packed: Packed, wraps: Wraps | None) -> None:
        """Write key, wraps and manifest, in this order."""
        from oracle.custody.contentkey import ContentKey, write_key
        from oracle.custody.files import write_atomic

        write_key(self.key, ContentKey(manifest=packed.manifest.digest, key=packed.key))
        if wraps is not None:
            write_atomic(self.wraps, wraps.to_bytes())
        write_atomic(self.manifest, packed.manifest.to_bytes())


def place(chain_id: int, market: str, round: int, provider: str) -> Context:
    """The context of a new data set: for one round of a market, or for none."""
    from oracle.cli.session import address_of
    from oracle.custody.context import Context

    given = {"--chain-id": chain_id, "--contract": market, "--round": round, "--provider": provider}
    absent = [name for name, value in given.items() if not value]
    if len(absent) == len(given):
        return Context.new()
    if absent:
        raise BadInput(
            f"a data set for a round also needs {', '.join(absent)}",
            input=", ".join(name for name in given if name not in absent),
            hint="Give all four, or none to pack outside of a market.",
        )
    return Context.new(chain_id=chain_id, market=address_of(market), round=round, provider=address_of(provider))


def recipients(files: Sequence[Path]) -> list[PublicPart]:
    """The public parts that people handed out; ``BadInput`` or ``CheckFailed`` naming the file that is none."""
    from oracle.custody.publickeys import read_public_part

    return [read_public_part(file) for file in files]


def read_file(path: Path, what: str) -> bytes:
    """A small file, without the mark of an editor that saved it; ``BadInput`` naming it when there is none."""
    from oracle.corpus.encoding import unmarked
    from oracle.pipes import open_at_once

    try:
        with open_at_once(path) as file:
            content = file.read(MAX_FILE + 1)
    except OSError as error:
        raise BadInput(
            f"cannot read the {what}: {error.strerror or error}", input=str(path), hint="Check the path."
        ) from error
    if len(content) > MAX_FILE:
        raise BadInput(f"this is no {what}: it is above {MAX_FILE} bytes", input=str(path), hint="Check the path.")
    return unmarked(content, str(path))


def read_json(path: Path | None, what: str) -> dict[str, Any]:
    """The JSON object in a file; empty where no file is named."""
    if path is None:
        return {}
    try:
        found = parse(read_file(path, what))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"the {what} is no JSON: {error}", input=str(path), hint="Give a JSON object.") from error
    if not isinstance(found, dict):
        raise BadInput(f"the {what} is no JSON object", input=str(path), hint="Give a JSON object.")
    return found


def licence_of(path: Path | None) -> bytes:
    """The hash of a licence file's canonical text; zero where none is named."""
    from oracle.evidence.licence import licence_hash, read_text

    return bytes(32) if path is None else licence_hash(read_text(read_file(path, "licence"), name=str(path)))


def opened(manifest: Path, store: str) -> tuple[SealedManifest, ContentStore]:
    """A manifest from its file and the store that it speaks of; ``CheckFailed`` when it is not whole."""
    from oracle.custody.sealed import read_manifest
    from oracle.custody.store import open_store

    found = read_manifest(read_file(manifest, "manifest"), name=str(manifest))
    beside = manifest.parent / STORE
    if not store and not beside.is_dir():
        raise BadInput("there is no store beside the manifest", input=str(beside), hint="Name it: --store local:DIR.")
    return found, open_store(store or f"local:{beside}")


def content_key(path: Path, manifest: SealedManifest, wraps: Path, password_file: Path | None) -> bytes:
    """The data set's key: from a key.json, or unwrapped with somebody's key file.

    Raises ``BadInput`` for a file that is neither, ``CheckFailed`` when nothing is wrapped to its owner.
    """
    from oracle.cli.session import secret_of
    from oracle.custody.contentkey import read_key
    from oracle.custody.keystore import load_keys
    from oracle.custody.wraps import read_wraps, unwrap_key

    data = read_file(path, "key")
    if b"mixed-mia/keys/" not in data:
        return read_key(data, name=str(path)).key
    found = read_wraps(read_file(wraps, "file of key wraps"), manifest=manifest.digest, name=str(wraps))
    keys = load_keys(path, secret_of(path, password_file))
    return unwrap_key(manifest, found, keys.owner, *(pair.x25519 for pair in keys.generations))
