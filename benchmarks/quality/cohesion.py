"""Does cohesion tell written text from Markov chains over it?

    .venv/bin/python -m benchmarks.quality.cohesion MARKET [--even]

By domain and language, corpora of 24,000 characters drawn from pieces of 3,000: clean ones, and chains of orders 1 to 4
over all of the domain, in documents of the same lengths, begun anew every eight words or not at all. Thresholds were
chosen on the even half of the sources. Domains of less than 60,000 characters are left out, and scripts without spaces.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from statistics import median

import numpy as np

from benchmarks.quality.samples import load
from oracle.corpus.document import Document
from oracle.corpus.tokens import count_tokens
from oracle.quality.cohesion import RAMP, cohesion

SIZE, PIECE, LEAST = 24_000, 3_000, 60_000  # characters
REPEATS = 5
CHAINS = ((1, 8), (2, 8), (2, None), (3, 8), (4, 8))


def ratio(texts: Sequence[str]) -> float | None:
    documents = [Document(str(place), text) for place, text in enumerate(texts)]
    return cohesion(documents, np.array([count_tokens(text) for text in texts]), b"benchmark").ratio


def drawn(pieces: Sequence[str], rng: Random) -> list[str]:
    """Pieces of ``SIZE`` characters together."""
    found: list[str] = []
    for piece in rng.sample(pieces, len(pieces)):
        found.append(piece)
        if sum(map(len, found)) >= SIZE:
            break
    return found


def chain(words: Sequence[str], order: int, every: int | None, rng: Random) -> Iterator[str]:
    """Words without end; begun anew after ``every`` words, and where nothing follows."""
    follows: dict[tuple[str, ...], list[str]] = {}
    for at in range(len(words) - order):
        follows.setdefault(tuple(words[at : at + order]), []).append(words[at + order])
    starts = list(follows)
    while True:
        state = rng.choice(starts)
        yield from state
        said = order
        while state in follows and (every is None or said < every):
            word = rng.choice(follows[state])
            yield word
            state, said = (*state[1:], word), said + 1


def babble(pieces: Sequence[str], order: int, every: int | None, like: Sequence[str], rng: Random) -> list[str]:
    words = chain([word for piece in pieces for word in piece.split()], order, every, rng)
    return [" ".join(next(words) for _ in text.split()) for text in like]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("market", type=Path)
    parser.add_argument("--even", action="store_true", help="the half that thresholds were chosen on")
    options = parser.parse_args()
    everything: dict[str, list[float]] = {"clean": [], "babble": []}
    print(f"{'':<40}{'clean: lowest, median':>22}{'babble: median, highest':>25}")
    for (domain, language), documents in load(options.market, half=not options.even).items():
        rng = Random(f"{domain} {language}")
        texts = [document.text for document in documents]
        pieces = [text[at : at + PIECE] for text in texts for at in range(0, max(1, len(text) - PIECE), PIECE)]
        if sum(map(len, pieces)) < LEAST:
            continue
        samples = [drawn(pieces, rng) for _ in range(REPEATS)]
        made = [babble(pieces, *kind, like=sample, rng=rng) for kind, sample in zip(CHAINS, samples, strict=True)]
        clean, spoilt = ([one for one in map(ratio, side) if one is not None] for side in (samples, made))
        if not clean:
            continue
        everything["clean"] += clean
        everything["babble"] += spoilt
        print(
            f"{f'{domain}, {language}':<40}{min(clean):>14.2f}{median(clean):>8.2f}"
            f"{median(spoilt):>17.2f}{max(spoilt):>8.2f}",
            flush=True,
        )
    low, high = RAMP
    clean, spoilt = everything["clean"], everything["babble"]
    full, floor = sum(one >= high for one in clean), sum(one <= low for one in spoilt)
    print(
        f"clean: {full} of {len(clean)} count in full; babble: {floor} of {len(spoilt)} at the floor, "
        f"{sum(one < high for one in spoilt)} below full"
    )
    return int(full < len(clean))


if __name__ == "__main__":
    raise SystemExit(main())
