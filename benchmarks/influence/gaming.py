"""Does gaming pay? Every attack of ``oracle.lab.attacks``, scored as a round scores it.

    .venv/bin/python -m benchmarks.influence.gaming MARKET [--tokens 12000] [--seeds 4] [--base FILE] [--json FILE]

A market of natural corpora, so many tokens each, and behind them one more provider: the attacker, or the honest
provider of the same size that it is compared with. *paid* is the attacker's weight over that one's: over its own text
handed in as it is, or, where it sells altered validation text, over other text of the validation pool sold honestly.
Weights are those of ``mia round open``'s defaults. Half of the pool is the round's sample; with a *public* one the
attacker knows it, with a *drawn* one only a quarter of the pool that was not drawn. Each seed draws pool, documents,
beacon and the corpus that the attacker starts from anew.

Finished cells are lines of build/influence/gaming.jsonl: a run that is started again goes on from there. Exits with 1
when an attack on a drawn sample is paid more than 1.1 times, or junk weighs more than the least honest provider.
--providers and --sentences make a quick look cheaper.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

from benchmarks.influence import CACHE
from benchmarks.influence.gaming_summary import CONTROLS, Row, show, summary
from benchmarks.influence.subject import base_of, up_to
from oracle.corpus.document import Document
from oracle.custody.store import open_store
from oracle.influence.base import BaseModel, load_base
from oracle.influence.log import code_digest
from oracle.influence.pretrain import BaseSpec
from oracle.influence.rescale import Scale, reference_gain
from oracle.influence.spec import InfluenceSpec
from oracle.lab.attacks import ATTACKS, Scene
from oracle.lab.market import DemoMarket, load_market
from oracle.mechanism.weights import weight
from oracle.node import pipeline
from oracle.node.compute import Inputs, Stage, compute
from oracle.node.held import Held
from oracle.quality.spec import QualitySpec

GOAL = 1.1
JUNK = ("word shuffle", "unigram stuffing", "term list", "random tokens", "noise")
SOURCES = ("p04-python-standards", "p08-task-dialogues", "p02-research-articles", "p11-gov-news-2012-2016")
"""Corpora that attackers start from, of high and of low value for the target, one after the other."""
CHARACTERS = 4  # of text per token that is scored: the quota is filled, whatever the text
PIECE = 3_000  # characters of a document
SAMPLE = 8  # characters of the validation sample per such token
REFERENCE = 3_000  # sentences of the reference corpus
KNOWN = ("public", "drawn")
QUANTUM = 10**14


class Rounds:
    """The rounds of one market: the rules, the base model and what has been scored already."""

    def __init__(self, market: DemoMarket, base: BaseModel, tokens: int, providers: int, sentences: int) -> None:
        self.market, self.base, self.tokens = market, base, tokens
        self.natural = market.providers[:providers]
        self.sources = [p.id for p in self.natural if p.id in SOURCES]
        self.reference = tuple(Random(0).sample(market.reference, min(REFERENCE, len(market.reference))))
        self.older = 0
        self.done = CACHE / "gaming.jsonl"
        self.results: dict[str, Any] = {}
        if self.done.exists():
            self.results = dict(json.loads(line) for line in self.done.read_text().splitlines())
        influence = InfluenceSpec(quota=tokens)
        scale = self.scale(influence)
        with tempfile.TemporaryDirectory() as folder:
            self.rules = pipeline.build(
                open_store(f"local:{folder}"),
                f"0x{1:040x}",
                quality=QualitySpec(sample=sentences),
                influence=influence,
                gain_ref=scale.gain_ref,
                noise_floor=scale.noise_floor,
                base_model=base.data,
                seed=market.seed[:1],
                reference=None,
                pool=len(market.validation),
                sample=len(market.validation) // 2,
            )

    def scale(self, spec: InfluenceSpec) -> Scale:
        """What the planner derives from the pool, once."""
        key = f"scale {self.base.digest} {spec}"
        if key not in self.results:
            texts = [document.text for document in self.market.seed]
            validation = [document.text for document in self.market.validation]
            self.keep(key, asdict(reference_gain(self.base, texts, validation, spec)))
        return Scale(**self.results[key])

    def keep(self, key: str, result: Any) -> None:
        self.results[key] = result
        with self.done.open("a") as file:
            file.write(json.dumps([key, result]) + "\n")

    def rows(self, seed: int, attacks: Sequence[str], known: Sequence[str]) -> Iterator[Row]:
        """The honest providers' cells of one seed, then every attack's."""
        rng = Random(seed)
        length = CHARACTERS * self.tokens
        pool = rng.sample(self.market.validation, len(self.market.validation))
        half, quarter = len(pool) // 2, len(pool) // 4
        kinds = pool[:half], pool[half : half + quarter], pool[half + quarter :]
        sample, others, target = (_shuffled(rng, [p for d in part for p in _pieces(d)]) for part in kinds)
        sample, target = up_to(SAMPLE * self.tokens, sample), up_to(length, target)
        source = self.sources[seed % len(self.sources)]
        natural: list[list[Document]] = []
        own: list[Document] = []
        for provider in self.natural:
            pieces = _shuffled(rng, [rng.choice(_pieces(document)) for document in provider.documents])
            natural.append(up_to(length, pieces))
            if provider.id == source:
                own = up_to(length, pieces[len(natural[-1]) :])
                earlier = [document.text for document in natural[-1]]
        texts = [document.text for document in own]
        seen = {"public": sample, "drawn": others}

        def row(attack: str, which: str, corpora: Sequence[Sequence[str]]) -> Row:
            # everybody says of the documents what their honest owner says
            told = [[_told(own, at, text) for at, text in enumerate(texts)] for texts in corpora]
            return self.scored(Row(attack, which, seed, source, 0, 0, 0, 0, []), natural, told, sample)

        yield row(CONTROLS["own"], "", [texts])
        yield row(CONTROLS["known"], "", [[document.text for document in target]])
        for name in attacks:
            sold = texts if ATTACKS[name].identities == 1 else self.counted(texts)
            for which in known:
                scene = Scene(sold, earlier, [document.text for document in seen[which]])
                yield row(name, which, ATTACKS[name].corpora(scene, Random(seed)))

    def counted(self, texts: Sequence[str]) -> list[str]:
        """The first documents that fill one provider's quota: more identities have a quota each."""
        found: list[str] = []
        left = self.tokens
        for text in texts:
            size = len(self.base.tokenizer.encode(text, add_special_tokens=False).ids)
            if size >= left:
                return [*found, text[: len(text) * left // size]]
            found.append(text)
            left -= size
        return found

    def scored(
        self,
        row: Row,
        natural: Sequence[Sequence[Document]],
        attackers: Sequence[Sequence[Document]],
        sample: Sequence[Document],
    ) -> Row:
        """Score one round, or remember it."""
        held = tuple(Held(tuple(corpus)) for corpus in (*natural, *attackers))
        beacon = hashlib.sha256(f"gaming {row.seed}".encode()).digest()
        inputs = Inputs(self.rules, self.base, held, tuple(sample), self.reference, beacon)
        parts = (
            code_digest(),
            self.rules.digest.hex(),
            beacon.hex(),
            Held(inputs.validation).digest,
            *(one.digest for one in held),
        )
        key = hashlib.sha256("".join(parts).encode()).hexdigest()
        if key not in self.results:
            found = [
                {"q": r.quality, "phi": r.impact, "gain": float(r.reasons["influence"]["gain"])}
                for r in compute(inputs, stage=self.remembering(inputs)).results
            ]
            self.keep(key, found)
        results = self.results[key]
        weights = [weight(r["q"] * QUANTUM, r["phi"] * QUANTUM) for r in results]
        ours = results[len(natural) :]
        return replace(
            row,
            gain=sum(r["gain"] for r in ours),
            phi=sum(r["phi"] for r in ours) / 10_000,
            q=fmean(r["q"] for r in ours) / 10_000,
            weight=sum(weights[len(natural) :]),
            honest=weights[: len(natural)],
        )

    def remembering(self, inputs: Inputs) -> Stage:
        """Influence is remembered by the texts that it reads: another rule of quality, or of what a gain counts, costs
        that alone. Whether other code estimated it is counted."""
        read = [
            self.base.digest,
            repr(inputs.pipeline.influence_spec),
            inputs.beacon.hex(),
            Held(inputs.validation).digest,
        ]

        def stage(name: str, subject: dict[str, Any], work: Callable[[], Any]) -> Any:
            if name == "quality":
                quality = work()
                read.append(json.dumps(quality["kept"]))
                return quality
            key = "influence " + hashlib.sha256("".join(read).encode()).hexdigest()
            if key not in self.results:
                self.keep(key, {**work(), "log": {}, "code": code_digest()})
            self.older += self.results[key].get("code") != code_digest()
            return self.results[key]

        return stage


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("market", type=Path)
    parser.add_argument("--tokens", type=int, default=12_000, help="of every provider")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--attacks", nargs="*", choices=list(ATTACKS), default=list(ATTACKS), metavar="NAME")
    parser.add_argument("--known", nargs="*", choices=KNOWN, default=KNOWN, help="what the attacker knows")
    parser.add_argument("--providers", type=int, default=14, help="the first so many corpora are the market")
    parser.add_argument("--sentences", type=int, default=64, help="of every corpus that quality looks at")
    parser.add_argument("--base", type=Path, help="a base model trained on the market's seed corpus")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    base = load_base(options.base) if options.base else base_of(options.market, BaseSpec())
    rounds = Rounds(load_market(options.market), base, options.tokens, options.providers, options.sentences)
    rows = []
    for seed in range(options.seeds):
        for row in rounds.rows(seed, options.attacks, options.known):
            rows.append(row)
            print(f"seed {seed}: {row.attack}, {row.known}: {row.weight / 10**18:.5f}", file=sys.stderr, flush=True)
    table = summary(rows)
    show(table)
    if options.json:
        options.json.write_text(
            json.dumps({"options": {k: str(v) for k, v in vars(options).items()}, "table": table}, indent=1)
        )
    over = [r["attack"] for r in table if r["known"] == "drawn" and r["paid"] > GOAL]
    heavy = [f"{r['attack']} ({r['known']})" for r in table if r["attack"] in JUNK and not r["least"]]
    if rounds.older:
        print(
            f"{rounds.older} impacts were estimated by other code than is here now: without {rounds.done} they are anew"
        )
    print(f"paid more than {GOAL} on a drawn sample: {', '.join(over) or 'none'}")
    print(f"junk that weighs more than the least honest provider: {', '.join(heavy) or 'none'}")
    return int(bool(over or heavy))


def _shuffled(rng: Random, documents: Sequence[Document]) -> list[Document]:
    return rng.sample(documents, len(documents))


def _pieces(document: Document) -> list[Document]:
    """The document in pieces of PIECE characters that end with a word; its end only if nothing else is there."""
    found: list[Document] = []
    rest = document.text
    while len(rest) > PIECE:
        part = rest[:PIECE].rsplit(maxsplit=1)[0]
        found.append(replace(document, id=f"{document.id}/{len(found)}", text=part))
        rest = rest[len(part) :].lstrip()
    return found or [document]


def _told(own: Sequence[Document], place: int, text: str) -> Document:
    """``text`` as the owner's document of that place; beyond the last, as the first again under another id."""
    again, at = divmod(place, len(own))
    return replace(own[at], id=f"{own[at].id}+{again}" if again else own[at].id, text=text)


if __name__ == "__main__":
    raise SystemExit(main())
