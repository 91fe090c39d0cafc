"""Influence on a 124 M-parameter GPT on a GPU: tokens/s and model FLOP utilisation against a floor stated first.

    .venv/bin/python -m benchmarks.influence.gpu [--json]
    .venv/bin/python -m benchmarks.influence.gpu --allow-cpu --width 64 --layers 2 --heads 2 --vocabulary 512 \
        --context 64 --steps 24 --side 512          # the same code on the CPU, at toy size

A gradient pass over T tokens takes at least 6 N T floating-point operations, N being the parameters that multiply (all
but the table of positions); causal attention adds 6 * layers * width * context a token, counted apart. T counts the
providers' tokens and whatever passes a run takes beyond them. Utilisation is the floor over time, against the device's
nominal dense bfloat16 rate and the best square product measured here. Four runs over the same text: torch's own AdamW,
this project's fine-tune, the in-run estimator, which adds validation gradients and credits, and the default, which
trains on three quarters, solves for a direction and measures the rest along it. Tokens are random: speed does not
depend on them. What precision and device do to phi is measured on real text with a small base.

Exits with 3, and no result, where there is no GPU and --allow-cpu was not given.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pydoc_data.topics import topics
from typing import Any

import torch
from tokenizers import Tokenizer, models

from oracle.influence import inrun, settled
from oracle.influence.base import BaseModel
from oracle.influence.device import PRECISIONS, Compute, pick_device, reproducible
from oracle.influence.finetune import FineTune
from oracle.influence.gpt import GPT, Architecture
from oracle.influence.inrun import InRun
from oracle.influence.job import Job
from oracle.influence.marginal import make_job
from oracle.influence.parallel import ALONE
from oracle.influence.pretrain import BaseSpec, train_base
from oracle.influence.sequences import Windows
from oracle.influence.settled import Settled
from oracle.influence.spec import InfluenceSpec

NOMINAL = {"H200": 989e12, "H100": 989e12}  # dense bfloat16, NVIDIA's data sheets of the SXM parts
PROVIDERS = 4


@dataclass(frozen=True)
class Floor:
    """Floating-point operations of gradients, a token, known before anything runs."""

    parameters: int
    multiplying: int
    per_token: int
    attention_per_token: int


def floor_of(shape: Architecture) -> Floor:
    model = GPT(shape)
    parameters = sum(own.numel() for own in model.parameters())
    multiplying = parameters - model.positions.weight.numel()
    return Floor(parameters, multiplying, 6 * multiplying, 6 * shape.layers * shape.width * shape.context)


def random_job(shape: Architecture, spec: InfluenceSpec, steps: int, compute: Compute) -> Job:
    """Exactly ``steps`` full steps over random tokens; a random model (its tokenizer is never asked)."""
    source = torch.Generator().manual_seed(0)

    def windows(count: int) -> Windows:
        stream = torch.randint(shape.vocabulary, (count, shape.context + 1), generator=source)
        return Windows(stream[:, :-1].contiguous(), stream[:, 1:].contiguous())

    model = GPT(shape).initialise(0)
    base = BaseModel(model, Tokenizer(models.BPE()), shape.vocabulary - 1, shape.context, "random", {})
    share = spec.sequences * spec.microbatches * steps // PROVIDERS
    data = tuple(windows(share) for _ in range(PROVIDERS))
    return Job(base, data, windows(spec.validation_sequences), spec, 0, compute)


def now(device: torch.device) -> float:
    """Seconds by the wall once the GPU has finished; of processor time on a CPU, which others may share."""
    if device.type != "cuda":
        return time.process_time()
    torch.cuda.synchronize(device)
    return time.perf_counter()


class Clock:
    """Seconds between the end of the warm-up (compilation, first kernels) and the end."""

    def __init__(self, device: torch.device, warm: int) -> None:
        self.device = device
        self.warm = warm
        self.marks: list[float] = []

    def __call__(self, _: str, done: int, total: int) -> None:
        if done in (self.warm, total):
            self.marks.append(now(self.device))

    @property
    def seconds(self) -> float:
        return self.marks[-1] - self.marks[0]


def run_in_run(job: Job, clock: Clock) -> None:
    inrun.Run(replace(job, progress=clock), ALONE).play()


def run_settled(job: Job, clock: Clock) -> None:
    run = settled.Run(replace(job, progress=clock), ALONE)
    run.settle()
    run.find_direction()
    run.measure()


def run_fine_tune(job: Job, clock: Clock) -> None:
    tune = FineTune(job.base, job.data, job.spec, job.seed, job.compute)
    for number in range(len(tune.steps)):
        tune.step(number)
        clock("", number + 1, len(tune.steps))


def run_adamw(job: Job, clock: Clock) -> None:
    """torch.optim.AdamW as anyone would use it, over the same microbatches."""
    tune = FineTune(job.base, job.data, job.spec, job.seed, job.compute)
    weights = [own.detach().clone().requires_grad_() for own in tune.weights.parameters]
    for own, fresh in zip(tune.weights.parameters, weights, strict=True):
        own.data = fresh.data
    parameters = tune.weights.parameters
    fused = job.compute.device.type == "cuda"
    optimiser = torch.optim.AdamW(parameters, job.spec.learning_rate, job.spec.betas, weight_decay=0.0, fused=fused)
    for number, step in enumerate(tune.steps):
        optimiser.zero_grad()
        for batch in step:
            on = batch.of(tune.data).to(job.compute.device)
            torch.autograd.backward(tune.weights.loss(on.inputs, on.targets) / tune.full)
        torch.nn.utils.clip_grad_norm_(parameters, job.spec.clip)
        optimiser.step()
        clock("", number + 1, len(tune.steps))


RUNS: dict[str, Callable[[Job, Clock], None]] = {
    "torch AdamW": run_adamw,
    "fine-tune": run_fine_tune,
    "in-run": run_in_run,
    "settled": run_settled,
}


def nothing(job: Job, warm: int) -> float:
    return 0.0


def looks(job: Job, warm: int) -> float:
    """The validation gradients of an in-run estimate."""
    steps = job.tokens // (job.spec.sequences * job.spec.microbatches * job.base.context) - warm
    return float(steps // job.spec.refresh * job.validation.tokens)


def solving(job: Job, warm: int) -> float:
    """All that the default does beside one pass: it takes fewer steps, solves and measures."""
    return (Settled().passes(job) - 1) * job.tokens


BEYOND = {"torch AdamW": nothing, "fine-tune": nothing, "in-run": looks, "settled": solving}
"""Tokens of gradients beyond the providers' own, after ``warm`` steps."""


def speed(name: str, job: Job, floor: Floor, warm: int, peaks: dict[str, float]) -> dict[str, Any]:
    """One run: the providers' tokens a second, and the share of each peak that the floor of all its passes makes."""
    device = job.compute.device
    clock = Clock(device, warm)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with reproducible():
        RUNS[name](job, clock)
    warmed = warm * job.spec.sequences * job.spec.microbatches * job.base.context
    worked = job.tokens - warmed + BEYOND[name](job, warm)
    rate = worked * floor.per_token / clock.seconds
    with_attention = rate * (1 + floor.attention_per_token / floor.per_token)
    return {
        "run": name,
        "precision": job.compute.precision,
        "compiled": job.compute.compiled,
        "seconds": clock.seconds,
        "passes": worked / (job.tokens - warmed),
        "tokens_per_second": (job.tokens - warmed) / clock.seconds,
        "gradient_tokens": worked,
        "floor_flops": worked * floor.per_token,
        "flops_per_second": rate,
        "utilisation": {kind: rate / peak for kind, peak in peaks.items()},
        "utilisation_with_attention": {kind: with_attention / peak for kind, peak in peaks.items()},
        "gigabytes": torch.cuda.max_memory_allocated(device) / 1e9 if device.type == "cuda" else None,
    }


def measured_peak(device: torch.device, side: int) -> float:
    """Floating-point operations a second of the best of 20 products of (side, side) matrices, in bfloat16 on CUDA."""
    kind = torch.bfloat16 if device.type == "cuda" else torch.float32
    left, right = (torch.randn(side, side, device=device).to(kind) for _ in range(2))
    best = float("inf")
    for _ in range(20):
        start = now(device)
        _ = left @ right
        best = min(best, now(device) - start)
    return 2 * side**3 / best


def differences(device: torch.device) -> dict[str, float]:
    """Largest difference of phi to float32 on the CPU, phi being the gain over four times the best provider's."""
    texts = [topics[name] for name in sorted(topics)]
    shape = Architecture(vocabulary=400, width=32, layers=1, heads=2, context=32)
    base = train_base(texts[0::4], BaseSpec(shape, tokens=60_000, sequences=8), device=torch.device("cpu"))
    corpora = [texts[21:41:2], texts[41:61:2], texts[61:81:2], ["0x3f 0b11 " * 400]]
    reference = Compute(torch.device("cpu"))
    ways = {"bfloat16, cpu": replace(reference, precision="bfloat16")}
    if device.type == "cuda":
        ways |= {f"{precision}, cuda": Compute(device, precision) for precision in PRECISIONS}
        ways["bfloat16 compiled, cuda"] = Compute(device, "bfloat16", compiled=True)
    found: dict[str, float] = {}
    with reproducible():
        job = make_job(base, corpora, texts[1:21:2], InfluenceSpec(quota=6_000), seed=1, compute=reference)
        for name, engine in (("settled", Settled()), ("in-run", InRun())):
            exact = engine.estimate(job).gains
            for way, compute in ways.items():
                gains = engine.estimate(replace(job, compute=compute)).gains
                apart = max(abs(gain - own) for gain, own in zip(gains, exact, strict=True))
                found[f"{name}, {way}"] = apart / (PROVIDERS * max(exact))
    return found


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("width", 768), ("layers", 12), ("heads", 12), ("vocabulary", 50_304), ("context", 1024)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--sequences", type=int, default=16, help="windows in a microbatch")
    parser.add_argument("--microbatches", type=int, default=4, help="microbatches in a step")
    parser.add_argument("--validation", type=int, default=64, help="windows in a validation gradient")
    parser.add_argument("--refresh", type=int, default=4, help="steps between validation gradients, and of warm-up")
    parser.add_argument("--steps", type=int, default=20, help="steps, warm-up included: a multiple of --refresh")
    parser.add_argument("--side", type=int, default=8192, help="of the matrices whose product gives the measured peak")
    parser.add_argument("--float32", action="store_true", help="in float32 too, uncompiled: the reference's speed")
    parser.add_argument("--allow-cpu", action="store_true", help="run on the CPU where there is no GPU: no GPU figures")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    options = parser.parse_args(arguments)
    if options.steps % options.refresh or options.steps <= options.refresh:
        parser.error("--steps must be a multiple of --refresh, and larger")
    return options


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    device = pick_device()
    cuda = device.type == "cuda"
    if not cuda and not options.allow_cpu:
        print("there is no GPU here: nothing was measured", file=sys.stderr)
        return 3
    shape = Architecture(options.vocabulary, options.width, options.layers, options.heads, options.context)
    spec = InfluenceSpec(
        sequences=options.sequences,
        microbatches=options.microbatches,
        validation_sequences=options.validation,
        refresh=options.refresh,
    )
    floor = floor_of(shape)
    name = torch.cuda.get_device_name(device) if cuda else "CPU (not a GPU figure)"
    peaks = {"measured": measured_peak(device, options.side)}
    for part, rate in NOMINAL.items():
        if part in name:
            peaks["nominal"] = rate
    say = sys.stderr if options.json else sys.stdout
    print(f"{name}: " + ", ".join(f"{kind} peak {rate / 1e12:.4g} TFLOP/s" for kind, rate in peaks.items()), file=say)
    print(
        f"{floor.parameters / 1e6:.1f} M parameters; floor {floor.per_token / 1e6:.4g} MFLOP a token, "
        f"attention {floor.attention_per_token / 1e6:.4g} more",
        file=say,
    )
    ways = [Compute(device, "bfloat16", compiled=True)] if cuda else [Compute(device)]
    if options.float32 and cuda:
        ways.append(Compute(device))
    rows = []
    for compute in ways:
        job = random_job(shape, spec, options.steps, compute)
        for run in RUNS:
            rows.append(row := speed(run, job, floor, options.refresh, peaks))
            shares = ", ".join(f"{share:.1%} of {kind}" for kind, share in row["utilisation"].items())
            print(
                f"{run:12} {compute.precision:9} {row['passes']:5.2f} passes {row['seconds']:9.2f} s "
                f"{row['tokens_per_second']:12,.0f} tokens/s  {shares}",
                file=say,
            )
    found = differences(device)
    for way, difference in found.items():
        print(f"phi, {way} against float32 on the CPU: at most {difference:.1e}", file=say)
    if options.json:
        result = {"device": name, "gpu": cuda, "peaks": peaks, "floor": vars(floor), "runs": rows, "phi": found}
        json.dump(result, sys.stdout, indent=1)
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
