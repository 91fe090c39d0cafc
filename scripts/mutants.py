"""Mutation run of the market, its key exchange and its libraries: does a test fail when the code is changed?

Mutants are drawn at random (`--seed`) from every possible one, until `--count` of them compile to bytecode of their
own. Progress is kept in build/mutants: a run that was stopped, however, goes on where it stood.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from mutation.compiler import ROOT, CompileError
from mutation.operators import Mutant, mutants_of
from mutation.results import Result, Results
from mutation.workshop import BrokenSuite, Workshop, build, stages

FOLDER = ROOT / "build/mutants"
NEEDED = 0.9
QUICK, FULL = 32, 256  # fuzz runs; what survives the quick ones is tried again with as many as `make test` has


def targets(tree: Path) -> list[str]:
    libraries = sorted(str(file.relative_to(tree)) for file in (tree / "contracts/libraries").glob("*.sol"))
    return ["contracts/DataMarket.sol", "contracts/KeyExchange.sol", *libraries]


def drawn(workshop: Workshop, only: str | None, seed: int) -> list[Mutant]:
    tree = workshop.folder
    paths = [path for path in targets(tree) if only is None or path.endswith(only)]
    if not paths:
        sys.exit(f"mutants: {only} is none of {', '.join(targets(tree))}")
    everything = [
        m for path in paths for m in mutants_of(path, (tree / path).read_bytes(), workshop.compiler.ast(path))
    ]
    random.Random(seed).shuffle(everything)
    return everything


def judge(workshop: Workshop, mutant: Mutant, results: Results, lock: threading.Lock) -> Result:
    """Quick first: no optimiser, likely killers before the whole suite; then what survives as `make test` has it."""
    code: dict[str, str] = {}
    whole = ""
    try:
        for contracts in stages(mutant.path):
            fresh = workshop.compile(mutant, contracts, optimise=False)
            code |= fresh
            whole = hashlib.sha256(repr(sorted(code.items())).encode()).hexdigest()[:16]
            with lock:
                if twin := results.twin(mutant, whole):
                    return results.add(mutant, "duplicate", twin)
            if by := workshop.killer(contracts, fresh, QUICK):
                with lock:
                    return results.add(mutant, "killed", by, whole)
        everything = {name: path for contracts in stages(mutant.path) for name, path in contracts.items()}
        optimised = workshop.compile(mutant, everything, optimise=True)
    except CompileError:
        with lock:
            return results.add(mutant, "does not compile")
    if workshop.same(everything, optimised):
        with lock:
            return results.add(mutant, "equivalent", code=whole)
    by = workshop.killer(everything, optimised, FULL)
    with lock:
        return results.add(mutant, "killed" if by else "survived", by or "", whole)


def run(mutants: list[Mutant], count: int, shops: list[Workshop], results: Results) -> dict[Mutant, Result]:
    """Judge mutants in their order until `count` of them count."""
    done: dict[Mutant, Result] = {}
    free: SimpleQueue[Workshop] = SimpleQueue()
    for shop in shops:
        free.put(shop)
    lock, start = threading.Lock(), time.monotonic()

    def work(mutant: Mutant) -> None:
        if sum(result.counts for result in list(done.values())) >= count:
            return
        result = results.get(mutant)
        if result is None:
            shop = free.get()
            try:
                result = judge(shop, mutant, results, lock)
            finally:
                free.put(shop)
        done[mutant] = result
        if result.counts:
            counted = sum(other.counts for other in list(done.values()))
            where = f"{mutant.path}:{mutant.line}"
            print(
                f"{counted:4}/{count} {time.monotonic() - start:6.0f} s  {result.outcome:9} {where} ({mutant.kind})",
                flush=True,
            )

    with ThreadPoolExecutor(len(shops)) as pool:
        for future in [pool.submit(work, mutant) for mutant in mutants]:
            try:
                future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return done


def report(done: dict[Mutant, Result], count: int) -> bool:
    """Print survivors and the table; whether enough were killed."""
    print()
    for mutant, result in sorted(done.items(), key=lambda pair: (pair[0].path, pair[0].start)):
        if result.outcome == "survived":
            print(f"survived: {mutant.path}:{mutant.line} ({mutant.kind}) {mutant.id}")
            print("".join(f"  - {line.strip()}\n" for line in mutant.before.splitlines()), end="")
            print("".join(f"  + {line.strip()}\n" for line in (mutant.after or "(nothing)").splitlines()))
    table: dict[str, Counter[str]] = {}
    for mutant, result in done.items():
        for row in (mutant.path, "all"):
            table.setdefault(row, Counter())[result.outcome] += 1
    heads = ("killed", "survived", "equivalent", "duplicate", "does not compile")
    print(f"{'':38}" + "".join(f"{head:>18}" for head in heads))
    for row in sorted(table, key=lambda row: (row == "all", row)):
        print(f"{row:38}" + "".join(f"{table[row][head]:18}" for head in heads))
    killed, survived = table["all"]["killed"], table["all"]["survived"]
    share = killed / (killed + survived) if killed + survived else 0.0
    print(f"\n{killed} of {killed + survived} mutants killed ({share:.1%}); {NEEDED:.0%} are needed")
    if killed + survived < count:
        print(f"fewer than the {count} asked for: there are no more")
    return share >= NEEDED


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="mutants that have to count (200)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="mutants at a time (2)")
    parser.add_argument("--only", metavar="FILE", help="mutate only this file, e.g. Clearing.sol")
    parser.add_argument("--survivors", action="store_true", help="only try again what survived the last run")
    arguments = parser.parse_args()
    os.nice(10)
    base, shops = FOLDER / "base", []
    print("compiling the tests once", flush=True)
    try:
        build(base)
        shops = [Workshop(base, FOLDER / f"job-{job}") for job in range(arguments.jobs)]
        shops[0].check(targets(base))
        mutants = drawn(shops[0], arguments.only, arguments.seed)
        print(f"{len(mutants)} mutants are possible", flush=True)
        results = Results(FOLDER / "progress.jsonl", base)
        if arguments.survivors:
            mutants = [mutant for mutant in mutants if results.survived_last(mutant)]
            print(f"{len(mutants)} of them survived", flush=True)
        done = run(mutants, arguments.count, shops, results)
    except BrokenSuite as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 2
    finally:
        for shop in shops:
            shop.compiler.close()
    return 0 if report(done, arguments.count) else 1


if __name__ == "__main__":
    sys.exit(main())
