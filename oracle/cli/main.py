"""``mia``: the command line of the market. Every command works against any RPC URL; none needs a checkout."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import typer

from oracle.addresses import scrubbed
from oracle.cli import (
    allocate,
    auditor,
    chain,
    data,
    delivery,
    demo,
    fetch,
    influence,
    key,
    licence,
    operator,
    planner,
    provider,
    revenue,
    scoring,
    simulate,
    store,
)
from oracle.cli.output import emit_error, say_plainly
from oracle.errors import MiaError

INTERRUPTED = 130

# Typer carries its own copy of click from 0.2x on, so the base of its usage errors is reached through its public class.
ClickException: type[Exception] = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="mia",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="A truthful market for text corpora: sealed bids, attested scores, on-chain settlement.",
)
app.command("demo")(demo.demo)
app.command("score")(scoring.score)
data.data.command("fetch")(fetch.fetch)
app.add_typer(data.data, name="data")
app.command("influence")(influence.influence)
app.command("allocate")(allocate.allocate)
app.add_typer(provider.bids, name="bid")
app.command("claim")(provider.claim)
app.add_typer(delivery.deliveries, name="delivery")
app.command("chain")(chain.chain)
app.add_typer(key.key, name="key")
app.command("deploy")(planner.deploy)
app.command("terms")(planner.terms)
planner.rounds.command("simulate")(simulate.simulate)
app.add_typer(planner.rounds, name="round")
app.add_typer(licence.licence, name="licence")
app.add_typer(revenue.revenue, name="revenue")
app.add_typer(store.store, name="store")
app.add_typer(operator.oracles, name="oracle")
app.command("explain")(auditor.explain)
app.add_typer(auditor.audits, name="audit")


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; every error is told once, in the form asked for."""
    as_json = "--json" in arguments
    try:
        code = app(list(arguments), prog_name="mia", standalone_mode=False)
        if code == INTERRUPTED:  # what typer makes of Ctrl-C inside a command
            raise KeyboardInterrupt
    except MiaError as error:
        emit_error(error.name, str(error), input=error.input, hint=error.hint, as_json=as_json)
        return error.exit_code
    except ClickException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "mia"
        said = scrubbed(error.format_message())  # type: ignore[attr-defined]
        emit_error("UsageError", said, input=path, hint=f"See `{path} --help`.", as_json=as_json)
        return 2
    except (typer.Abort, KeyboardInterrupt):
        emit_error("Interrupted", "stopped by the user", input="", hint="Run the command again.", as_json=as_json)
        return INTERRUPTED
    except OSError as error:
        emit_error(
            type(error).__name__,
            scrubbed(error.strerror or str(error)),
            input=str(error.filename or ""),
            hint="Check the connection, the path, its permissions and the free space, then run the command again.",
            as_json=as_json,
        )
        return 3
    except Exception as error:
        say_plainly(scrubbed(traceback.format_exc()))
        emit_error(
            type(error).__name__,
            scrubbed(str(error)),
            input="",
            hint="This is a defect of mia: please report it with the lines above.",
            as_json=as_json,
        )
        return 3
    return code if isinstance(code, int) else 0


def main() -> None:
    """Entry point of the ``mia`` script."""
    # torch's threads wait for each other asleep, not spinning: where cores are shared, spinning trebles the time
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
