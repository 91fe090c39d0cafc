"""``mia data``: one's own data set, looked at, packed for sale, checked, opened, and proved document by document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oracle.cli import scoring
from oracle.cli.corpora import passed_over, read_documents
from oracle.cli.output import ProgressCallback, emit, facts, notes, progress, styled
from oracle.cli.packing import WRAPS, Folder, content_key, licence_of, opened, place, read_file, read_json, recipients
from oracle.cli.session import Json, PasswordFile
from oracle.errors import BadInput, CheckFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oracle.corpus.document import Document
    from oracle.corpus.folders import PassedOver
    from oracle.custody.journal import Journal
    from oracle.custody.sealed import Packed
    from oracle.custody.store import ContentStore

data = typer.Typer(name="data", no_args_is_help=True, help="Data sets: scan, pack, verify, unpack, prove, fetch.")
data.command("scan")(scoring.scan)

Corpus = Annotated[
    list[Path],
    typer.Argument(metavar="PATH...", help="Corpus: .jsonl, .parquet, .csv, .txt (.gz, .zst), folders; - is stdin."),
]
ManifestFile = Annotated[Path, typer.Argument(metavar="MANIFEST", help="The manifest.json of a packed data set.")]
SealedStore = Annotated[
    str, typer.Option("--store", metavar="local:DIR|ipfs:ADDR", help="Content store; default: beside the manifest.")
]
KeyOption = typer.Option(
    "--key", metavar="FILE", help="The data set's key.json, or a key file (mia key create) that it is wrapped to."
)
WrapsFile = Annotated[
    Path | None, typer.Option("--wraps", metavar="FILE", help="The wraps.json of the data set; default: beside it.")
]
Workers = Annotated[int, typer.Option(min=1, metavar="N", help="Processes that hash; the result stays the same.")]
Sample = Annotated[int | None, typer.Option(min=1, metavar="N", help="At most N documents of each path.")]


@data.command("pack")
def pack(
    paths: Corpus,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where manifest.json and key.json go.")],
    store: SealedStore = "",
    to: Annotated[
        list[Path] | None,
        typer.Option("--to", metavar="PUBLIC", help="Wrap the key to whose public part this is (mia key public)."),
    ] = None,
    round: Annotated[int, typer.Option("--round", min=0, metavar="N", help="For this round of a market.")] = 0,
    contract: Annotated[str, typer.Option("--contract", metavar="ADDRESS", help="The market's DataMarket.")] = "",
    chain_id: Annotated[int, typer.Option("--chain-id", min=0, metavar="N", help="The market's chain.")] = 0,
    provider: Annotated[str, typer.Option("--provider", metavar="ADDRESS", help="Who offers it, or a keystore.")] = "",
    licence: Annotated[
        Path | None, typer.Option("--licence", metavar="FILE", help="Text of the licence: its hash is committed to.")
    ] = None,
    metadata: Annotated[
        Path | None, typer.Option("--metadata", metavar="FILE", help="A Croissant file: what is told in public.")
    ] = None,
    sample: Sample = None,
    workers: Workers = 1,
    json: Json = False,
) -> None:
    """Encrypt a corpus, store the ciphertext, and write its manifest (public) and its key (secret: keep a copy).

    Run the same command again after an interruption: it goes on. Nothing is published under a name before all of it is.

    [dim]Example:[/] mia data pack corpus.jsonl.gz --out sealed --to oracle1.public.json --to oracle2.public.json
    """
    from oracle.custody.wraps import Wraps, wrap_key

    context = place(chain_id, contract, round, provider)
    readers, told = recipients(to or []), read_json(metadata, "Croissant file")
    agreed = licence_of(licence)
    folder = Folder(out)
    passed: list[PassedOver] = []
    content = folder.store(store)
    with folder.journal(context) as journal, progress() as tell:
        packed = _packed(content, journal, paths, sample, passed, agreed, told, workers, tell)
        manifest = packed.manifest
        wraps = [wrap_key(manifest.context, packed.key, reader.owner, reader.x25519) for reader in readers]
        folder.finish(packed, Wraps(manifest=manifest.digest, wraps=tuple(wraps)) if wraps else None)
        journal.discard()
    document = {
        "manifest": str(folder.manifest),
        "cid": manifest.cid,
        "ciphertext_digest": "0x" + manifest.ciphertext_digest.hex(),
        "document_root": "0x" + manifest.document_root.hex(),
        "documents": manifest.documents,
        "bytes": manifest.size,
        "key_commit": "0x" + manifest.key_commit.hex(),
    }
    secret = {"key": f"{folder.key} (keep a copy: without it nobody ever opens the data again)"}
    emit(document | passed_over(passed), facts(document | secret), as_json=json)


@data.command("verify")
def verify(
    manifest: ManifestFile,
    key: Annotated[Path | None, KeyOption] = None,
    store: SealedStore = "",
    wraps: WrapsFile = None,
    password_file: PasswordFile = None,
    workers: Workers = 1,
    json: Json = False,
) -> None:
    """Check every block of a packed data set; with the key also key commitment, document root and digest.

    Exit code 1, and the first bad thing by name, when anything is not what the manifest says.

    [dim]Example:[/] mia data verify sealed/manifest.json --key sealed/key.json
    """
    from oracle.custody.sealed import require_published, verify_sealed

    bad: CheckFailed | None = None
    try:
        sealed, content = opened(manifest, store)
        require_published(content, sealed)
        secret = content_key(key, sealed, wraps or manifest.parent / WRAPS, password_file) if key else None
        with progress() as tell:
            verify_sealed(content, sealed, secret, progress=tell, processes=workers)
    except CheckFailed as error:
        bad = error
        notes().print(styled((str(error), "bold red"), f"\n  {error.hint}"), soft_wrap=True)
    document = {"ok": bad is None, "first_bad": bad.input if bad else None}
    emit(document, facts({"manifest": manifest} | document), as_json=json)
    if bad:
        raise typer.Exit(1)


@data.command("unpack")
def unpack(
    manifest: ManifestFile,
    key: Annotated[Path, KeyOption],
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="The JSON lines file to write, or its folder.")],
    store: SealedStore = "",
    wraps: WrapsFile = None,
    password_file: PasswordFile = None,
    workers: Workers = 1,
    json: Json = False,
) -> None:
    """Decrypt a packed data set into one JSON lines file, which appears once everything in it is verified.

    [dim]Example:[/] mia data unpack sealed/manifest.json --key sealed/key.json --out documents.jsonl
    """
    from oracle.corpus.canonical import canonical_line
    from oracle.custody.files import replacing
    from oracle.custody.sealed import open_sealed

    sealed, content = opened(manifest, store)
    secret = content_key(key, sealed, wraps or manifest.parent / WRAPS, password_file)
    path = out / "documents.jsonl" if out.is_dir() else out
    if path.suffix in (".gz", ".zst", ".parquet", ".csv"):
        raise BadInput("documents are unpacked as plain JSON lines", input=str(out), hint="Name a .jsonl file.")
    with progress() as tell, replacing(path, private=True) as file:
        for found in open_sealed(content, sealed, secret, progress=tell, processes=workers):
            file.write(canonical_line(found) + b"\n")
    document = {"path": str(path), "documents": sealed.documents, "bytes": sealed.size}
    emit(document, facts(document), as_json=json)


@data.command("prove")
def prove(
    manifest: ManifestFile,
    index: Annotated[int | None, typer.Option("--document", min=0, metavar="I", help="Open this one, from 0.")] = None,
    key: Annotated[Path | None, KeyOption] = None,
    check: Annotated[
        Path | None, typer.Option("--check", metavar="PROOF", help="Check a proof; no key needed.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the proof here too.")] = None,
    store: SealedStore = "",
    wraps: WrapsFile = None,
    password_file: PasswordFile = None,
    json: Json = False,
) -> None:
    """Open one document to an auditor, who checks it against the manifest; all others stay closed.

    [dim]Example:[/] mia data prove sealed/manifest.json --document 7 --key sealed/key.json --out proof.json
    [dim]         [/] mia data prove sealed/manifest.json --check proof.json
    """
    if (check is None) == (index is None or key is None):
        raise BadInput(
            "neither a proof to make nor one to check",
            input="mia data prove",
            hint="Give --document I and --key FILE, or --check PROOF.",
        )
    if check is not None:
        _check_proof(manifest, check, json)
        return
    assert index is not None and key is not None  # the types' sake: seen above
    from oracle.custody.files import write_atomic
    from oracle.custody.sealed import prove_document

    sealed, content = opened(manifest, store)
    secret = content_key(key, sealed, wraps or manifest.parent / WRAPS, password_file)
    with progress() as tell:
        opening = prove_document(content, sealed, secret, index, progress=tell)
    if out is not None:
        write_atomic(out, opening.to_bytes(), private=True)
    document = opening.model_dump(mode="json")
    emit(document, facts(document if out is None else {"document": index, "proof": out}), as_json=json)


def _check_proof(manifest: Path, proof: Path, json: bool) -> None:
    from oracle.custody.documents import read_opening
    from oracle.custody.documents import verify as verify_opening
    from oracle.custody.sealed import read_manifest

    sealed = read_manifest(read_file(manifest, "manifest"), name=str(manifest))
    opening = read_opening(read_file(proof, "proof"))
    found = verify_opening(sealed.document_root, opening)
    document = {"ok": True, "index": opening.index, "id": found.id, "text": found.text}
    emit(document, facts(document), as_json=json)


def _packed(
    content: ContentStore,
    journal: Journal,
    paths: list[Path],
    sample: int | None,
    passed: list[PassedOver],
    licence: bytes,
    told: dict[str, Any],
    workers: int,
    tell: ProgressCallback,
) -> Packed:
    """Pack, going on where an earlier run stopped; from the start under a new key if the documents changed since."""
    from oracle.corpus.readers import STDIN
    from oracle.custody.journal import TextChanged
    from oracle.custody.sealed import pack as seal

    while True:
        if journal.resumed:
            notes().print("going on where the last run stopped")
        try:
            return seal(
                content,
                journal.context,
                _documents(paths, sample, passed),
                journal.key,
                licence=licence,
                metadata=told,
                journal=journal,
                progress=tell,
                processes=workers,
            )
        except TextChanged as error:
            journal.restart()
            if STDIN in paths:  # what was read is gone
                raise BadInput(str(error), input="-", hint="Run it again: it begins anew, under a new key.") from error
            notes().print(f"{error}: beginning anew, under a new key")


def _documents(paths: list[Path], sample: int | None, passed: list[PassedOver]) -> Iterator[Document]:
    passed.clear()  # a packing that begins anew reads anew
    for path in paths:
        yield from read_documents(path, sample, passed)
