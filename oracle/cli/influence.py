"""What corpora do for a language model on the planner's validation text: ``mia influence``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from oracle.cli.base_model import cache_folder
from oracle.cli.corpora import passed_over, read_corpus
from oracle.cli.influence_documents import (
    check_log,
    check_spot,
    documents_file,
    read_documents,
    run_document,
    show_influence,
    spot_document,
    verdict,
    write_log,
)
from oracle.cli.influence_settings import choose_settings, find_base, say, with_scale
from oracle.cli.market_texts import read_market, read_validation
from oracle.cli.output import emit, progress
from oracle.cli.session import Json
from oracle.corpus.folders import PassedOver
from oracle.errors import CheckFailed

Providers = Annotated[
    list[Path], typer.Argument(metavar="PROVIDER...", help="Corpora, as for `mia score`; earlier ones come first.")
]
SeedCorpus = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="Public text: the base model is trained on it, the scale measured with it."),
]
Validation = Annotated[Path, typer.Option(metavar="PATH", help="Text of the domain that the model is wanted for.")]
Base = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="A base model file or Hugging Face folder; default: trained once and kept."),
]
EstimatorName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="settled (the default), in-run, tracin, cg, diagonal (paper's), leave-one-out, banzhaf or shapley.",
    ),
]
Profile = Annotated[str | None, typer.Option(metavar="robust|paper", help="How gains become phi; default: robust.")]
GainRef = Annotated[float | None, typer.Option(metavar="X", help="Gain of phi = 1, in nats; default: measured.")]
NoiseFloor = Annotated[
    float | None, typer.Option(metavar="X", help="Gain of phi = 0, in nats; default: measured, or 0.")
]
Quota = Annotated[int | None, typer.Option(metavar="TOKENS", help="Tokens used of a provider; default: 12,000.")]
Repeats = Annotated[int | None, typer.Option(metavar="N", help="Runs with other draws; their spread is the error.")]
Seed = Annotated[
    int | None, typer.Option(metavar="N", help="Decides draws and order, in a round the beacon; default: 0.")
]
Root = Annotated[
    str, typer.Option(metavar="HEX", help="The validation text's root, as the round's terms commit to it.")
]
LogFile = Annotated[
    Path | None,
    typer.Option("--log", metavar="FILE", help="Write the replay log, and for --spot FILE.documents.jsonl."),
]
Replay = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Compute a log's run again, with its settings, and compare.")
]
Spot = Annotated[
    int | None,
    typer.Option(metavar="N", help="With --replay, settled, cg, diagonal: check N drawn windows of each, not all."),
]
State = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where a killed run goes on; default: the user's cache.")
]
Device = Annotated[str | None, typer.Option(metavar="cpu|cuda", help="Default: CUDA where there is some.")]
Precision = Annotated[str, typer.Option(metavar="float32|bfloat16", help="Of matrix products; bfloat16 pays on a GPU.")]
Compiled = Annotated[bool, typer.Option("--compile", help="Compile the model before the run; it pays on a GPU.")]
Processes = Annotated[
    int, typer.Option(metavar="N", help="settled, in-run: share the work, on CUDA a GPU each; killed, it starts over.")
]


def influence(
    providers: Providers,
    validation: Validation,
    seed_corpus: SeedCorpus = None,
    base: Base = None,
    estimator: EstimatorName = None,
    profile: Profile = None,
    gain_ref: GainRef = None,
    noise_floor: NoiseFloor = None,
    quota: Quota = None,
    repeats: Repeats = None,
    seed: Seed = None,
    validation_root: Root = "",
    log: LogFile = None,
    replay: Replay = None,
    spot: Spot = None,
    state: State = None,
    device: Device = None,
    precision: Precision = "float32",
    compiled: Compiled = False,
    processes: Processes = 1,
    json: Json = False,
) -> None:
    """Marginal utility phi of corpora: what each does for a language model on the validation text.

    Documents close to the validation text are left out, then copies, earlier corpora first; a volume quota is drawn
    from the rest. A killed run goes on where it was. Exit code 1 when a log does not replay; --device, --precision,
    --compile and --processes are one's own there, not the log's.

    [dim]Example:[/] mia influence --seed-corpus seed.jsonl --validation wanted.jsonl mine.jsonl theirs/ --log log.json

    [dim]Example:[/] mia influence --base gpt2/ --gain-ref 0.4 --validation wanted.jsonl mine.jsonl --estimator cg

    [dim]Example:[/] mia influence --base gpt2/ --validation wanted.jsonl mine.jsonl theirs/ --replay log.json

    [dim]Example:[/] mia influence --base gpt2/ --validation wanted.jsonl mine.jsonl --replay log.json --spot 5

    [dim]Example:[/] mia influence --base gpt2/ --gain-ref 0.4 --validation wanted.jsonl mine.jsonl --device cuda
    --precision bfloat16 --compile
    """
    from oracle.influence.device import Compute, pick_device
    from oracle.influence.log import log_hash, read_log, with_scores
    from oracle.influence.marginal import environment, marginal_utility
    from oracle.influence.replay import first_difference
    from oracle.influence.rescale import gain_scale, rescale
    from oracle.influence.spot_audit import spot_audit

    check_spot(spot, replay, log)
    given = [*providers, validation, seed_corpus, base, replay, replay and documents_file(replay)]
    check_log(log, [path for path in given if path is not None])
    published = read_log(replay) if replay else None
    lines = read_documents(replay) if replay and spot else []
    settings = choose_settings(published, estimator, profile, gain_ref, noise_floor, quota, repeats, seed)
    passed: list[PassedOver] = []
    compute = Compute(pick_device(device), precision, compiled, processes)
    with progress() as tell:
        wanted = read_validation(validation, validation_root, tell, passed)
        market = read_market(providers, wanted, tell, passed)
        target = [document.text for document in wanted]
        public = [document.text for document in read_corpus(seed_corpus, None, tell, passed)] if seed_corpus else None
        model = find_base(base, public, compute.device, tell)
        settings = with_scale(settings, model, public, target, compute, tell)
        texts = [provider.texts for provider in market]
        about = {
            "estimator": settings.spec.estimator,
            "profile": settings.profile,
            "device": compute.describe()["device"],
            "gain_ref": settings.gain_ref,
            "noise_floor": settings.scale["noise_floor"],
            "quota": settings.spec.quota,
            "repeats": settings.spec.repeats,
            "seed": settings.seed,
            "base": model.digest,
        }
        with named_by_path(providers):
            if published is not None and spot is not None:
                audit = spot_audit(
                    published,
                    lines,
                    model,
                    texts,
                    target,
                    settings.spec,
                    seed=settings.seed,
                    draw=spot,
                    scale=settings.scale,
                    compute=compute,
                    progress=tell,
                )
                own = {"environment": environment(compute)}
                document = spot_document(about | {"log_hash": log_hash(published)}, audit, published, own)
            else:
                run = marginal_utility(
                    model,
                    texts,
                    target,
                    settings.spec,
                    seed=settings.seed,
                    compute=compute,
                    state=state or cache_folder() / "unfinished",
                    announce=lambda passes: say(
                        f"{settings.spec.estimator}: about {passes:.1f} gradient passes over the providers' text"
                    ),
                    progress=tell,
                )
                found = with_scores(run.log, rescale(run.gains, run.stderr, **settings.scale), **settings.scale)
                document = run_document(about | {"log_hash": log_hash(found)}, market, run, found)
                if published is not None:
                    scale = gain_scale(run.gains, settings.gain_ref or 0.0)
                    document["replay"] = verdict(first_difference(published, found, scale=scale), published, found)
                if log is not None and (published is None or document["replay"]["ok"]):
                    write_log(log, found, run.documents)
                elif log is not None:
                    say(f"{log} is not written: what was to be replayed does not replay")
    document["passed_over"] = passed_over(passed)
    emit(document, lambda console: show_influence(console, document), as_json=json)
    if "replay" in document and not document["replay"]["ok"]:
        raise typer.Exit(1)


@contextmanager
def named_by_path(paths: Sequence[Path]) -> Iterator[None]:
    """A provider that a failed check knows by its place is called by its path."""
    try:
        yield
    except CheckFailed as error:
        place = re.fullmatch(r"provider (\d+)", error.input)
        if place is None:
            raise
        path = str(paths[int(place[1])])
        raise CheckFailed(f"{error}; provider {place[1]} is {path}", input=path, hint=error.hint) from error
