"""``mia data fetch``: what a round bought, verified against the chain, as files to train on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from oracle.cli.output import emit, notes, progress
from oracle.cli.session import (
    DEFAULT_RPC,
    DEFAULT_STORE,
    Contract,
    Json,
    PasswordFile,
    RoundNumber,
    Rpc,
    Store,
    address_of,
    open_session,
)
from oracle.errors import CheckFailed

if TYPE_CHECKING:
    from oracle.cli.purchase import Bought, Purchase
    from oracle.corpus.exports.manifest import Export

MIB = 1 << 20


def fetch(
    round: RoundNumber,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to write; must not exist.")],
    format: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="NAME,...",
            help="parquet, jsonl, jsonl.zst, csv, tfrecord, webdataset, huggingface, croissant, all. Default: parquet.",
        ),
    ] = None,
    key: Annotated[
        list[Path] | None,
        typer.Option("--key", metavar="FILE", help="The planner's key file, or a data set's key.json."),
    ] = None,
    licence: Annotated[
        list[Path] | None,
        typer.Option("--licence", metavar="FILE", help="The text of a licence accepted beside the round's."),
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Take what is delivered; otherwise every winner must have.")
    ] = False,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="ADDRESS", help="Leave this winner out, whose data are lost or damaged."),
    ] = None,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Read every file back before it is shown.")] = True,
    shard: Annotated[int, typer.Option(min=1, metavar="MIB", help="Size of the files, about.")] = 256,
    workers: Annotated[int, typer.Option(min=1, metavar="N", help="Processes that hash.")] = 1,
    password_file: PasswordFile = None,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Collect what the winners of a round sold: check roots, keys and licences, decrypt, and write files to train on.

    The folder appears when everything in it is verified. Run the same command again after an interruption: it goes on.

    [dim]Example:[/] mia data fetch 1 --out bought --format parquet,jsonl.zst --key planner.keys.json
    """
    from oracle.cli.purchase import Keyring, collect, licence_texts
    from oracle.corpus.exports.export import write_export
    from oracle.corpus.exports.formats import chosen

    formats = [name.strip() for names in format or ["parquet"] for name in names.split(",")]
    chosen(formats)  # before anything else is asked for
    accepted = _texts(licence or [])
    session = open_session(rpc, contract, store)
    skipped = [address_of(text) for text in without or []]
    bought = collect(session, round, Keyring(key or [], password_file), accepted, skipped)
    if not partial:
        _require_all(bought)
    if not bought.purchases:
        hint = "See mia round status and mia delivery status."
        raise CheckFailed(f"nothing was bought in round {round}", input=f"round {round}", hint=hint)
    texts = licence_texts(session, bought.purchases, accepted)
    for absent in {purchase.licence for purchase in bought.purchases} - texts.keys():
        notes().print(f"the text of licence 0x{absent.hex()} is not in the store: ask the planner for it")
    market = session.market
    with progress() as tell:
        export = write_export(
            out,
            [purchase.lot(session.store, workers) for purchase in bought.purchases],
            formats,
            title=f"Round {round} of the data market {market.address} on chain {market.chain_id}",
            date=datetime.fromtimestamp(market.terms(round).settle_end, UTC).date().isoformat(),
            attachments={f"licences/{hashed.hex()}.txt": text.encode() for hashed, text in texts.items()}
            | {f"licences/{p.provider.lower()}.json": p.agreement.to_bytes() for p in bought.purchases if p.agreement},
            shard=shard * MIB,
            check=check,
            progress=tell,
        )
    document = {
        "round": round,
        "out": str(out),
        "documents": export.documents,
        "datasets": [_dataset(purchase) for purchase in bought.purchases],
        "missing": list(bought.missing),
        "wrong": list(bought.wrong),
        "reversed": list(bought.reversed),
        "formats": {
            name: {"files": len(files), "bytes": sum(file.size for file in files)}
            for name, files in export.files.items()
        },
    }
    emit(document, lambda console: _show(console, document, export), as_json=json)


def _require_all(bought: Bought) -> None:
    if bought.wrong:
        raise CheckFailed(
            f"the key that was delivered is wrong: {', '.join(bought.wrong)}",
            input=bought.wrong[0],
            hint="Dispute it before the window ends (mia delivery dispute), or take the others with --partial.",
        )
    if bought.missing:
        raise CheckFailed(
            f"nothing is delivered yet: {', '.join(bought.missing)}",
            input=bought.missing[0],
            hint="Wait for it, or take the others with --partial.",
        )


def _dataset(purchase: Purchase) -> dict[str, Any]:
    manifest, agreement = purchase.manifest, purchase.agreement
    return {
        "provider": manifest.provider,
        "dataset_root": manifest.dataset_root,
        "document_root": manifest.document_root,
        "licence": purchase.licence,
        "documents": manifest.documents,
        "bytes": manifest.size,
        "key": purchase.source,
        "signed": None if agreement is None else [r for r in agreement.roles() if r not in agreement.missing()],
    }


def _texts(files: list[Path]) -> dict[bytes, str]:
    from oracle.cli.packing import read_file
    from oracle.evidence.licence import licence_hash, read_text

    texts = [read_text(read_file(file, "licence"), name=str(file)) for file in files]
    return {licence_hash(text): text for text in texts}


def _show(console: Console, document: dict[str, Any], export: Export) -> None:
    table = Table("provider", "documents", "bytes", "key", "agreement signed by", box=None, pad_edge=False)
    for row in document["datasets"]:
        signed = ", ".join(row["signed"] or []) or "nobody"
        table.add_row(row["provider"], f"{row['documents']:,}", f"{row['bytes']:,}", row["key"], signed)
    console.print(table)
    for name, files in export.files.items():
        console.print(f"{document['out']}/{name}: {len(files)} files, {sum(file.size for file in files):,} bytes")
    for name, word in (
        ("missing", "has not delivered"),
        ("wrong", "delivered a wrong key: dispute it before the window ends"),
        ("reversed", "is not paid: no good key came"),
    ):
        for provider in document[name]:
            console.print(f"{provider} {word}", style="yellow")
