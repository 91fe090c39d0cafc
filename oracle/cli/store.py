"""``mia store``: what an operator does with a content store: keep, let go, clean up, carry away."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.table import Table

from oracle.cli.output import emit, facts
from oracle.cli.session import DEFAULT_STORE, Json
from oracle.errors import BadInput
from oracle.pipes import open_at_once

store = typer.Typer(name="store", no_args_is_help=True, help="Content stores: pins, garbage, CAR files.")

Place = Annotated[
    str, typer.Option("--store", metavar="local:DIR|ipfs:ADDR", help="A folder, or an IPFS daemon: host:port or URL.")
]
ContentId = Annotated[
    str, typer.Argument(metavar="CID", help="Content id of a file or a block: in any base, ipfs://CID, Qm...")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the pin: letters, digits, '.', '_' and '-'.")]


@store.command("pins")
def pins(place: Place = DEFAULT_STORE, json: Json = False) -> None:
    """What the store keeps, by name.

    [dim]Example:[/] mia store pins --store ipfs:127.0.0.1:5001
    """
    from oracle.custody.store import open_store

    found = open_store(place).pins()

    def view(console: Console) -> None:
        table = Table("pin", "content id", box=None, pad_edge=False)
        for name, cid in found.items():
            table.add_row(name, cid)
        console.print(table if found else "nothing is pinned")

    emit({"pins": [{"name": name, "cid": cid} for name, cid in found.items()]}, view, as_json=json)


@store.command("pin")
def pin(cid: ContentId, name: Name, place: Place = DEFAULT_STORE, json: Json = False) -> None:
    """Keep a file, all of which has to be there; garbage collection then leaves it alone.

    [dim]Example:[/] mia store pin bafybei... round-7.manifest
    """
    from oracle.custody.cid import canonical
    from oracle.custody.store import open_store

    kept = canonical(cid)
    open_store(place).pin(kept, name)
    emit({"name": name, "cid": kept}, facts({name: kept}), as_json=json)


@store.command("unpin")
def unpin(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Pins to let go.")],
    place: Place = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Let go of pins: the next garbage collection removes what no other pin holds.

    [dim]Example:[/] mia store unpin round-7.manifest
    """
    from oracle.custody.store import open_store

    content = open_store(place)
    found = content.pins()
    unknown = [name for name in names if name not in found]
    if unknown:
        raise BadInput(f"no pin {unknown[0]!r} in this store", input=unknown[0], hint="see mia store pins")
    for name in names:
        content.unpin(name)
    rows = [{"name": name, "cid": found[name]} for name in names]
    emit({"unpinned": rows}, facts({row["name"]: f"let go of {row['cid']}" for row in rows}), as_json=json)


@store.command("gc")
def gc(place: Place = DEFAULT_STORE, json: Json = False) -> None:
    """Remove the blocks that no pin reaches; a folder keeps those of the last 24 hours too.

    Nothing is removed while nothing is pinned, or when a pinned file is broken.

    [dim]Example:[/] mia store gc --store local:market-data
    """
    from oracle.custody.store import open_store

    content = open_store(place)
    if not content.pins():
        raise BadInput(
            "nothing is pinned in this store: everything in it would go",
            input="--store",
            hint="pin what you need: mia store pin CID NAME",
        )
    removed = content.collect_garbage()
    emit({"removed": removed}, facts({"blocks removed": removed}), as_json=json)


@store.command("export")
def export(
    cid: ContentId,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The CAR file to write; replaced if it exists.")],
    place: Place = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Write a file of the store as a CAR, every block checked.

    [dim]Example:[/] mia store export bafybei... round-7.car
    """
    from oracle.custody.cid import canonical
    from oracle.custody.files import replacing
    from oracle.custody.store import open_store

    wanted = canonical(cid)
    content = open_store(place)
    with replacing(file) as out:
        content.export_car(wanted, out)
    size = file.stat().st_size
    emit({"cid": wanted, "file": str(file), "bytes": size}, facts({"file": file, "bytes": size}), as_json=json)


@store.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CAR file, version 1 or 2; - is stdin.")],
    place: Place = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Store the file of a CAR, every block checked; whatever is missing or altered is an error.

    [dim]Example:[/] mia store import round-7.car
    """
    from oracle.custody.store import open_store

    content = open_store(place)
    with _opened(file) as car:
        cid = content.import_car(car)
    emit({"cid": cid}, facts({"content id": cid}), as_json=json)


def _opened(file: Path) -> BinaryIO:
    if str(file) == "-":
        return sys.stdin.buffer
    try:
        return open_at_once(file)
    except OSError as error:
        why = f"cannot read {file}: {error.strerror or error}"
        raise BadInput(why, input=str(file), hint="Give a CAR file, or - for stdin.") from error
