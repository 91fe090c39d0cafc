"""A tiny base model on real text: the language reference that every Python carries."""

from __future__ import annotations

from collections.abc import Iterator
from pydoc_data.topics import topics

import pytest
import torch
from torch import Tensor

from oracle.influence.base import BaseModel
from oracle.influence.gauss_newton import PRODUCT, GaussNewton, Graph
from oracle.influence.gpt import GPT, Architecture
from oracle.influence.pretrain import BaseSpec, train_base
from oracle.influence.sequences import Windows

TEXTS = [topics[name] for name in sorted(topics)]
TINY = BaseSpec(
    architecture=Architecture(vocabulary=400, width=32, layers=1, heads=2, context=32),
    tokens=60_000,
    sequences=8,
    learning_rate=3e-3,
    embedding_rate=1e-2,
)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Matrices this small are slower on two threads, the more so when tests run side by side."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def seed_corpus() -> list[str]:
    return TEXTS[0::8]


@pytest.fixture(scope="session")
def market() -> dict[str, list[str]]:
    """Text kept from the base model: ``validation``, ``near`` of the same kind, ``far``, and ``noise``."""
    rest = TEXTS[1::2]
    noise = ["".join(chr(33 + (7 * i * i + 13 * i + j) % 90) for i in range(1500)) for j in range(8)]
    return {"validation": rest[:10], "near": rest[10:30], "far": ["0x3f 0b11 " * 400], "noise": noise}


@pytest.fixture(scope="session")
def tiny() -> BaseSpec:
    return TINY


@pytest.fixture(scope="session")
def base(seed_corpus: list[str]) -> BaseModel:
    return train_base(seed_corpus, TINY)


@pytest.fixture
def meter(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Gradient passes over windows: every call of the model, and every product with a curvature, adds its share."""
    forward, graph, product = GPT.forward, GaussNewton.graph, GaussNewton.__call__
    seen: list[float] = []

    def counted(self: GPT, tokens: Tensor) -> Tensor:
        seen.append(len(tokens) * (1 if torch.is_grad_enabled() else 1 / 3))
        return forward(self, tokens)

    def counted_graph(self: GaussNewton, windows: Windows) -> Graph:
        seen.append(len(windows) * (PRODUCT - 1))  # beside the call of the model
        return graph(self, windows)

    def counted_product(self: GaussNewton, vector: Tensor) -> Tensor:
        seen.append(len(self.sample) * PRODUCT)
        return product(self, vector)

    monkeypatch.setattr(GPT, "forward", counted)
    monkeypatch.setattr(GaussNewton, "graph", counted_graph)
    monkeypatch.setattr(GaussNewton, "__call__", counted_product)
    yield seen
