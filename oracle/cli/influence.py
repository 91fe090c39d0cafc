"""What corpora do for a language model on the planner's validation text: ``mia influence``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from oracle.cli.base_model import cache_folder, trained_base
from oracle.cli.market_texts import read_market, read_validation
from oracle.cli.output import ProgressCallback, emit, notes, progress
from oracle.cli.scoring import read_corpus
from oracle.cli.session import Json
from oracle.errors import BadInput, CheckFailed

if TYPE_CHECKING:
    import torch

    from oracle.influence.base import BaseModel
    from oracle.influence.device import Compute
    from oracle.influence.log import Log
    from oracle.influence.spec import InfluenceSpec

ESTIMATOR_OF = {"robust": "in-run", "paper": "diagonal"}

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
        help="in-run (the default), tracin, cg, diagonal (paper's), leave-one-out, banzhaf or shapley.",
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
LogFile = Annotated[Path | None, typer.Option("--log", metavar="FILE", help="Write the replay log.")]
Replay = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Compute a log's run again, with its settings, and compare.")
]
State = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where a killed run goes on; default: the user's cache.")
]
Device = Annotated[str | None, typer.Option(metavar="cpu|cuda", help="Default: CUDA where there is some.")]


@dataclass(frozen=True)
class Settings:
    """By what rules a run is valued: given, read off the log that is replayed, or the defaults."""

    spec: InfluenceSpec
    seed: int
    profile: str
    gain_ref: float | None
    noise_floor: float | None


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
    state: State = None,
    device: Device = None,
    json: Json = False,
) -> None:
    """Marginal utility phi of corpora: what each does for a language model on the validation text.

    Documents close to the validation text are left out, then copies, earlier corpora first; a volume quota is drawn
    from the rest. A killed run goes on where it was. Exit code 1 when a log does not replay.

    [dim]Example:[/] mia influence --seed-corpus seed.jsonl --validation wanted.jsonl mine.jsonl theirs/ --log log.json

    [dim]Example:[/] mia influence --base gpt2/ --gain-ref 0.4 --validation wanted.jsonl mine.jsonl --estimator cg

    [dim]Example:[/] mia influence --base gpt2/ --validation wanted.jsonl mine.jsonl theirs/ --replay log.json
    """
    from oracle.influence.device import Compute, pick_device
    from oracle.influence.log import log_bytes, log_hash, read_log, with_scores
    from oracle.influence.marginal import marginal_utility
    from oracle.influence.replay import first_difference
    from oracle.influence.rescale import credit, rescale

    published = read_log(replay) if replay else None
    settings = _settings(published, estimator, profile, gain_ref, noise_floor, quota, repeats, seed)
    compute = Compute(pick_device(device))
    with progress() as tell:
        wanted = read_validation(validation, validation_root, tell)
        market = read_market(providers, wanted, tell)
        target = [document.text for document in wanted]
        public = [document.text for document in read_corpus(seed_corpus, None, tell)] if seed_corpus else None
        model = _base(base, public, compute.device, tell)
        settings = _scaled(settings, model, public, target, compute, tell)
        with named_by_path(providers):
            run = marginal_utility(
                model,
                [provider.texts for provider in market],
                target,
                settings.spec,
                seed=settings.seed,
                compute=compute,
                state=state or cache_folder() / "unfinished",
                announce=lambda passes: _say(
                    f"{settings.spec.estimator}: about {passes:.1f} gradient passes over the providers' text"
                ),
                progress=tell,
            )
            scale = {"gain_ref": settings.gain_ref or 0.0, "noise_floor": settings.noise_floor or 0.0}
            phi = rescale(run.gains, run.stderr, profile=settings.profile, **scale)
    found = with_scores(run.log, phi, profile=settings.profile, **scale)
    rows = [
        {
            "path": str(provider.path),
            "gain": gain,
            "stderr": error,
            "phi": quanta / 10_000,
            "tokens": tokens,
            "credited": float(credit(gain, error, scale["noise_floor"])),
            "documents": provider.documents,
            "removed": dict(provider.removed),
            "why": None if quanta else provider.why_nothing(gain, scale["noise_floor"]),
        }
        for provider, gain, error, quanta, tokens in zip(market, run.gains, run.stderr, phi, run.tokens, strict=True)
    ]
    document: dict[str, Any] = {
        "run": {
            "estimator": settings.spec.estimator,
            "profile": settings.profile,
            "passes": run.passes,
            "seconds": round(run.seconds, 3),
            "device": run.log["environment"]["device"],
            "log_hash": log_hash(found),
            "gain_ref": settings.gain_ref,
            "noise_floor": scale["noise_floor"],
            "quota": settings.spec.quota,
            "repeats": settings.spec.repeats,
            "seed": settings.seed,
            "base": model.digest,
        },
        "providers": rows,
    }
    if published is not None:
        spread = max(run.gains) - min(run.gains)
        difference = first_difference(published, found, scale=settings.gain_ref or spread)
        document["replay"] = {"ok": difference is None, "first_difference": difference and vars(difference)}
    if log is not None:
        from oracle.custody.files import write_atomic

        write_atomic(log, log_bytes(found))
    emit(document, lambda console: _show(console, document), as_json=json)
    if published is not None and not document["replay"]["ok"]:
        raise typer.Exit(1)


def _settings(
    published: Log | None,
    estimator: str | None,
    profile: str | None,
    gain_ref: float | None,
    noise_floor: float | None,
    quota: int | None,
    repeats: int | None,
    seed: int | None,
) -> Settings:
    """What is given counts, then what the log says, then the defaults. Raises BadInput for what makes no sense."""
    from oracle.influence import estimators
    from oracle.influence.log import read_spec
    from oracle.influence.rescale import PROFILES
    from oracle.influence.spec import InfluenceSpec

    before: Mapping[str, Any] = (published or {}).get("rescaled") or {}
    profile = profile or before.get("profile", "robust")
    if profile not in PROFILES:
        raise BadInput(f"unknown profile {profile!r}", input="--profile", hint=f"Use {' or '.join(PROFILES)}.")
    spec = read_spec(published["spec"]) if published else InfluenceSpec(ESTIMATOR_OF[profile])
    given: dict[str, Any] = {"estimator": estimator, "quota": quota, "repeats": repeats}
    spec = replace(spec, **{name: value for name, value in given.items() if value is not None})
    estimators.estimator(spec.estimator)
    reference = float(before["gain_ref"]) if gain_ref is None and before else gain_ref
    floor = float(before["noise_floor"]) if noise_floor is None and before else noise_floor
    if profile == "paper":
        reference = floor = None
    if reference is not None and not 0 < reference < math.inf:
        raise BadInput(f"the reference gain {reference} is not positive", input="--gain-ref", hint="Leave it out.")
    if floor is not None and not 0 <= floor < math.inf:
        raise BadInput(f"the noise floor {floor} is below 0", input="--noise-floor", hint="Leave it out.")
    number = seed if seed is not None else int(published["seed"]) if published else 0
    return Settings(spec, number, profile, reference, floor)


def _base(path: Path | None, public: Sequence[str] | None, device: torch.device, tell: ProgressCallback) -> BaseModel:
    """The given base model, or the one of the seed corpus."""
    from oracle.influence.base import load_base
    from oracle.influence.pretrain import BaseSpec

    if path is not None:
        return load_base(path)
    if public is None:
        raise BadInput("there is no base model", input="--base", hint="Give --base PATH or --seed-corpus PATH.")
    return trained_base(public, BaseSpec(), cache_folder() / "base", device=device, progress=tell)


def _scaled(
    settings: Settings,
    base: BaseModel,
    public: Sequence[str] | None,
    target: Sequence[str],
    compute: Compute,
    tell: ProgressCallback,
) -> Settings:
    """The settings with a scale: measured where none is given."""
    from oracle.influence.rescale import reference_gain

    if settings.profile == "paper" or settings.gain_ref is not None:
        return settings
    if public is None:
        raise BadInput(
            "the reference gain is measured with the seed corpus",
            input="--seed-corpus",
            hint="Give it, or the scale itself: --gain-ref X.",
        )
    _say("measuring the reference gain: one more run, over six corpora of the planner's own text")
    scale = reference_gain(base, public, target, settings.spec, compute=compute, progress=tell)
    floor = scale.noise_floor if settings.noise_floor is None else settings.noise_floor
    return replace(settings, gain_ref=scale.gain_ref, noise_floor=floor)


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


def _say(line: str) -> None:
    notes().print(line, soft_wrap=True)


def _show(console: Console, document: Mapping[str, Any]) -> None:
    run = document["run"]
    table = Table(box=None, pad_edge=False)
    table.add_column("path", overflow="fold")
    for name in ("gain", "±", "phi", "tokens"):
        table.add_column(name, justify="right")
    table.add_column("why", overflow="fold", style="dim")
    for row in document["providers"]:
        numbers = (f"{row['gain']:.6f}", f"{row['stderr']:.6f}", f"{row['phi']:.4f}", f"{row['tokens']:,}")
        table.add_row(escape(row["path"]), *numbers, row["why"] or "")
    console.print(table)
    reference = "min-max over these providers" if run["gain_ref"] is None else f"gain_ref {run['gain_ref']:.6f}"
    console.print(
        f"[dim]{run['estimator']}, {reference}, noise floor {run['noise_floor']:.6f}; {run['passes']:.2f} passes in "
        f"{run['seconds']:.1f} s on {run['device']}; log {run['log_hash']}[/]"
    )
    if "replay" in document:
        first = document["replay"]["first_difference"]
        if first is None:
            console.print("[bold green]the log replays[/]")
        else:
            console.print(f"[bold red]the log does not replay[/]: first difference at {escape(first['path'])}")
            console.print(f"  expected {escape(first['expected'])}\n  found    {escape(first['found'])}")
