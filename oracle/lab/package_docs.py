"""A market that every machine has: corpora cut from the documentation inside the installed Python packages.

Eight natural providers, some near the target domain (numerical and scientific computing) and some far, and three
made from them: an exact copy committed later, one with character noise, one with its words shuffled. Seed corpus,
novelty reference and validation text come from other modules; no paragraph is in two of them. The same installed
versions give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import platform
import random
import shutil
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from oracle.corpus.document import Document
from oracle.corpus.sentences import split_sentences
from oracle.corpus.tokens import count_tokens
from oracle.errors import BadInput, EnvironmentFailure
from oracle.lab.market import write_corpus
from oracle.lab.prose import docstrings, prose

TARGET = "documentation of numerical and scientific computing"
FORMAT = "gzip (mtime 0) JSON lines; fields id, text, source, date (null), lang, licence"

PROVIDER_TOKENS = 10_000
VALIDATION_TOKENS = 24_000
SEED_TOKENS = 310_000
REFERENCE_SENTENCES = 1_200
SHORTEST = 30  # tokens of a document
STDLIB = "python"
TOPICS = "pydoc_data/topics.py"
TESTS = {"test", "tests", "testing", "_vendor", "externals", "site-packages", "dist-packages"}


@dataclass(frozen=True)
class Cut:
    """What one corpus is cut from: (distribution, folders or files inside it)."""

    id: str
    domain: str
    expected: str
    origin: tuple[tuple[str, tuple[str, ...]], ...]


NEAR, MIDDLE, FAR = "near the target: high phi", "some way from the target: medium phi", "far from the target: low phi"

VALIDATION = Cut(
    "validation",
    TARGET,
    "",
    (
        ("scipy", ("scipy/optimize", "scipy/linalg", "scipy/integrate", "scipy/interpolate")),
        ("scikit-learn", ("sklearn/linear_model", "sklearn/decomposition", "sklearn/metrics")),
        ("numpy", ("numpy/linalg", "numpy/fft", "numpy/polynomial")),
    ),
)

NATURAL = (
    Cut("p01-statistics", "statistics (SciPy)", NEAR, (("scipy", ("scipy/stats",)),)),
    Cut(
        "p02-machine-learning",
        "machine learning (scikit-learn)",
        NEAR,
        (
            (
                "scikit-learn",
                (
                    "sklearn/ensemble",
                    "sklearn/cluster",
                    "sklearn/svm",
                    "sklearn/neighbors",
                    "sklearn/tree",
                    "sklearn/gaussian_process",
                    "sklearn/mixture",
                    "sklearn/manifold",
                    "sklearn/neural_network",
                ),
            ),
        ),
    ),
    Cut(
        "p03-signals",
        "signals, images, sparse matrices (SciPy)",
        NEAR,
        (("scipy", ("scipy/signal", "scipy/ndimage", "scipy/sparse")),),
    ),
    Cut("p04-arrays", "array programming (NumPy)", NEAR, (("numpy", ("numpy/lib", "numpy/_core", "numpy/ma")),)),
    Cut(
        "p05-neural-networks",
        "neural networks (PyTorch)",
        MIDDLE,
        (("torch", ("torch/nn", "torch/optim", "torch/autograd")),),
    ),
    Cut("p06-graphs", "graph algorithms (NetworkX)", MIDDLE, (("networkx", ("networkx/algorithms",)),)),
    Cut("p07-language", "the Python language reference (pydoc topics)", FAR, ((STDLIB, (TOPICS,)),)),
    Cut(
        "p08-networking",
        "e-mail, network and logging modules of the standard library",
        FAR,
        ((STDLIB, ("email", "asyncio", "logging", "http", "urllib", "xmlrpc", "wsgiref", "importlib", "unittest")),),
    ),
)

SEED = Cut(
    "seed",
    "other modules of the same and other packages",
    "",
    (
        (STDLIB, ("tkinter", "idlelib", "xml", "json", "collections", "concurrent", "multiprocessing", "curses")),
        ("networkx", ("networkx/classes", "networkx/generators", "networkx/drawing", "networkx/utils")),
        ("scipy", ("scipy/special", "scipy/spatial", "scipy/cluster", "scipy/io", "scipy/fft")),
        ("scikit-learn", ("sklearn/datasets", "sklearn/model_selection", "sklearn/preprocessing", "sklearn/utils")),
        ("sympy", ("sympy/solvers", "sympy/physics", "sympy/core", "sympy/combinatorics", "sympy/utilities")),
        ("sentence-transformers", ("sentence_transformers",)),
        ("torch", ("torch/distributed", "torch/utils", "torch/fx", "torch/ao", "torch/distributions")),
        ("transformers", ("transformers/generation", "transformers/utils", "transformers/models")),
    ),
)

REFERENCE = Cut(
    "reference",
    "documentation nobody sells here",
    "",
    (
        ("huggingface_hub", ("huggingface_hub",)),
        ("mpmath", ("mpmath",)),
        ("pydantic", ("pydantic",)),
        ("rich", ("rich",)),
        ("click", ("click",)),
    ),
)


def build_market(folder: Path) -> None:
    """Write the market into ``folder`` (new or empty): manifest.json, providers/, seed, reference, validation.

    Raises BadInput when the folder holds something, EnvironmentFailure when packages or their sources are missing.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BadInput("the folder is not empty", input=str(folder), hint="name a new folder")
    cutter = Cutter()
    validation = cutter.cut(VALIDATION, VALIDATION_TOKENS)
    providers = [(cut, cutter.cut(cut, PROVIDER_TOKENS)) for cut in NATURAL]
    reference = list(cutter.sentences(REFERENCE, REFERENCE_SENTENCES))
    seed = cutter.cut(SEED, SEED_TOKENS)

    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "providers").mkdir(parents=True)
    rows = [_write_provider(partial, cut, documents, kind="natural") for cut, documents in providers]
    rows += [_write_provider(partial, cut, documents, kind="made") for cut, documents in _made(dict(providers))]
    sets = [
        write_corpus(partial, f"{name}.jsonl.gz", documents) | {"id": name, "role": role}
        for name, role, documents in (
            ("validation", f"validation set of the planner (target domain: {TARGET})", validation),
            ("seed", "public seed corpus: train the base language model on it", seed),
            ("reference", "novelty reference, one sentence per record", reference),
        )
    ]
    manifest = {"format": FORMAT, "target_domain": TARGET, "providers": rows, "sets": sets}
    (partial / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    if folder.exists():
        folder.rmdir()
    partial.rename(folder)


class Cutter:
    """Cuts corpora one after the other; a paragraph that one has taken is not there for the next.

    An origin that has less than its part leaves the rest to those after it: the richest come last.
    """

    def __init__(self) -> None:
        self.taken: set[str] = set()
        cuts = (VALIDATION, *NATURAL, SEED, REFERENCE)
        self.installed = find_installed(name for cut in cuts for name, _ in cut.origin)

    def cut(self, cut: Cut, tokens: int) -> list[Document]:
        """Documents of ``cut`` until they hold ``tokens`` tokens, each origin giving its equal part or all it has."""
        documents: list[Document] = []
        held = 0
        for place, (name, paths) in enumerate(cut.origin):
            due = held + (tokens - held) // (len(cut.origin) - place)
            for document in self._documents(self.installed[name], paths):
                if held >= due:
                    break
                documents.append(document)
                held += count_tokens(document.text)
        if held < tokens * 0.9:
            raise EnvironmentFailure(
                f"the installed packages document too little for {cut.id}: {held} of {tokens} tokens",
                input=", ".join(name for name, _ in cut.origin),
                hint="install the packages of mixed-mia with their Python sources, or give a market with --market",
            )
        return documents

    def sentences(self, cut: Cut, count: int) -> Iterator[Document]:
        """``count`` sentences, one a document, the same number from every origin."""
        for name, paths in cut.origin:
            left = count // len(cut.origin)
            for document in self._documents(self.installed[name], paths):
                for place, sentence in enumerate(split_sentences(document.text)[:left]):
                    yield replace(document, id=f"{document.id}/{place}", text=sentence)
                    left -= 1
                if not left:
                    break

    def _documents(self, installed: Installed, paths: tuple[str, ...]) -> Iterator[Document]:
        """One document per documented object, the modules in the order of their hashed names."""
        for file in installed.files(paths):
            module = file.relative_to(installed.root).as_posix()
            for name, text in _texts(file):
                paragraphs = [paragraph for paragraph in prose(text) if paragraph not in self.taken]
                document = Document(
                    id=f"{module}#{name}" if name else module,
                    text="\n\n".join(dict.fromkeys(paragraphs)),
                    source=f"{installed.title}: {module}",
                    lang="en",
                    licence=installed.licence,
                )
                if count_tokens(document.text) >= SHORTEST:
                    self.taken.update(paragraphs)
                    yield document


@dataclass(frozen=True)
class Installed:
    """Where a distribution's files lie and what its metadata says."""

    root: Path
    title: str
    licence: str

    @staticmethod
    def find(name: str) -> Installed:
        if name == STDLIB:
            return Installed(
                Path(sysconfig.get_path("stdlib")), f"Python {platform.python_version()} standard library", "PSF-2.0"
            )
        found = metadata.distribution(name)
        about = found.metadata.json
        classes = [name.split(" :: ")[-1] for name in about.get("classifier", ()) if str(name).startswith("License")]
        licence = about.get("license_expression") or str(about.get("license", "")).split("\n")[0] or ", ".join(classes)
        return Installed(Path(str(found.locate_file(""))), f"{name} {found.version}", str(licence) or "not stated")

    def files(self, paths: tuple[str, ...]) -> list[Path]:
        found = {
            file
            for path in paths
            for file in ((self.root / path).rglob("*.py") if not path.endswith(".py") else [self.root / path])
            if file.is_file() and not TESTS & set(file.relative_to(self.root).parts)
        }
        return sorted(found, key=lambda f: hashlib.sha256(f.relative_to(self.root).as_posix().encode()).digest())


def find_installed(names: Iterable[str]) -> dict[str, Installed]:
    """Where each distribution lies. Raises EnvironmentFailure that names those which are not installed."""
    found, missing = {}, []
    for name in sorted(set(names)):
        try:
            found[name] = Installed.find(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        raise EnvironmentFailure(
            "the default market is cut from the documentation of packages that are not installed",
            input=", ".join(missing),
            hint="install mixed-mia with its dependencies, or give a market with --market",
        )
    return found


def _texts(file: Path) -> Iterator[tuple[str, str]]:
    """(name, text) of what ``file`` documents; pydoc's topics are one dictionary of texts."""
    if file.as_posix().endswith(TOPICS):
        from pydoc_data.topics import topics

        return iter(sorted(topics.items()))
    return docstrings(file)


def _made(providers: dict[Cut, list[Document]]) -> Iterator[tuple[Cut, list[Document]]]:
    """The three providers that must lose, made from the first three natural ones."""
    (statistics, first), (learning, second), (signals, third) = list(providers.items())[:3]
    copied = [
        replace(document, id=f"copy/{place:04}") for place, document in enumerate(sorted(second, key=lambda d: d.text))
    ]
    yield Cut("p09-copy", learning.domain, f"exact copy of {learning.id}, later: nothing for copied text", ()), copied
    random_noise, random_words = random.Random(1), random.Random(2)
    noisy = [replace(d, id=f"noisy/{d.id}", text=_noise(d.text, random_noise)) for d in first]
    yield Cut("p10-noisy", statistics.domain, f"{statistics.id} with 20 % of its characters changed: loses", ()), noisy
    shuffled = [replace(d, id=f"shuffled/{d.id}", text=_shuffle(d.text, random_words)) for d in third]
    yield Cut("p11-shuffled", signals.domain, f"{signals.id} with its words in random order: loses", ()), shuffled


def _noise(text: str, source: random.Random) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(source.choice(letters) if source.random() < 0.2 else character for character in text)


def _shuffle(text: str, source: random.Random) -> str:
    words = text.split()
    source.shuffle(words)
    return " ".join(words)


def _write_provider(folder: Path, cut: Cut, documents: list[Document], *, kind: str) -> dict[str, Any]:
    return write_corpus(folder, f"providers/{cut.id}.jsonl.gz", documents) | {
        "id": cut.id,
        "kind": kind,
        "domain": cut.domain,
        "expected": cut.expected,
        "documents": len(documents),
        "langs": {"en": len(documents)},
        "licence": ", ".join(sorted({document.licence or "not stated" for document in documents})),
        "origin": sorted({(document.source or "").split(":")[0] for document in documents}),
    }
