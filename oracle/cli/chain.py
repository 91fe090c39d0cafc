"""``mia chain``: a local chain in the foreground, empty or from a saved state."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from oracle.cli.output import notes


def chain(
    state: Annotated[Path | None, typer.Argument(metavar="[STATE]", help="A saved state, such as a demo's.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65_535, metavar="N", help="0 takes a free one.")] = 8545,
) -> None:
    """Run a local chain until Ctrl-C: to go on from a demo, or to try every command on play money.

    [dim]Example:[/] mia chain reports/demo/chain-state/state.json
    """
    from oracle.chain.devnet import Anvil

    with Anvil(load_state=state, port=port) as anvil:
        notes().print(f"chain at {anvil.rpc}; Ctrl-C ends it")
        signal.pause()
