"""Memory does not grow with the providers: the same tokens by 10 and by 1,000 of them, each in a fresh process.

    .venv/bin/python -m benchmarks.influence.memory [--windows 2000]

Model and windows are random, as in ``cost``. Also told is what one gradient a provider would take. Exits with 1 when
1,000 providers take more than a tenth more than 10.
"""

from __future__ import annotations

import argparse

from benchmarks.influence.cost import Size, measure

PROVIDERS = (10, 1_000)
LIMIT = 1.1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=2_000, help="of all providers together, of 128 tokens")
    options = parser.parse_args()
    peaks = []
    for count in PROVIDERS:
        found = measure("settled", Size(providers=count, windows=max(1, options.windows // count)))
        peaks.append(found.peak)
        print(
            f"{count:>5,} providers, {found.tokens:,} tokens: peak {found.peak / 2**20:,.0f} MiB, of these "
            f"{(found.peak - found.before) / 2**20:,.0f} MiB for the run, {found.seconds:.1f} CPU seconds "
            f"(a gradient for each: {4 * count * found.parameters / 2**20:,.0f} MiB)",
            flush=True,
        )
    return int(peaks[1] > LIMIT * peaks[0])


if __name__ == "__main__":
    raise SystemExit(main())
