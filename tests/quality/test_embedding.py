from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from english_texts import TEXTS

from oracle.corpus.sentences import split_sentences
from oracle.errors import EnvironmentFailure
from oracle.quality import embedding, minilm, minilm_onnx, minilm_torch
from oracle.quality.embedding import GRID, Vectors, embed

SENTENCES = [sentence for text in TEXTS[:12] for sentence in split_sentences(text)][:16]
ODD = [
    "",
    " ",
    "emoji 😀 🏳️‍🌈 in a row 👩‍👩‍👧",
    "שלום עולם \u202eمرحبا بالعالم",
    "\x00 control \x01\x7f characters\u0085 and a lone \ud800 surrogate",
    "ten thousand words " * 3_334,
    "[PAD] marks [SEP] of the [CLS] model [MASK] in a text [PAD]",
    "ΑΣ Σίσυφος ẞ İstanbul ﬁne",
    "中文测试句子。" * 60,
    "a" * 300 + " beyond any word",
    "x" * 9_999 + " one endless word, then a few more",
]
GOLDEN = [0.0099702, 0.0273435, -0.0018839, 0.0589421, -0.0495683, -0.1079782]
"""First coordinates of "Hello world, this is a test." by sentence-transformers 6.2."""
GOLDEN_GRID = [163, 448, -31, 966, -812, -1769]


@pytest.fixture(scope="module")
def audited() -> Vectors:
    return embed(SENTENCES + ODD, audited=True)


def test_vectors_are_those_of_the_published_model() -> None:
    sentences = ["Hello world, this is a test.", "The cat sat on the mat.", "A cat is sitting on a mat."]
    vectors = embed(sentences)
    assert np.allclose(vectors[0, :6], GOLDEN, atol=2e-7)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    assert vectors[1] @ vectors[2] > 0.9 > vectors[1] @ vectors[0]
    assert (embed(sentences, audited=True)[0, :6] * GRID).tolist() == GOLDEN_GRID
    assert embed([]).shape == embed([], audited=True).shape == (0, 384)


def test_vectors_equal_those_of_sentence_transformers() -> None:
    from sentence_transformers import SentenceTransformer

    texts = [minilm._readable(text) for text in SENTENCES + ODD]
    model = SentenceTransformer(str(minilm.folder()), device="cpu")
    assert model.max_seq_length == minilm.MAX_TOKENS
    expected = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    assert np.abs(embed(SENTENCES + ODD) - expected).max() <= 1e-5
    assert np.abs(embed(SENTENCES + ODD, audited=True) - expected).max() <= 0.51 / GRID


def test_audited_vectors_lie_on_the_grid(audited: Vectors) -> None:
    assert audited.dtype == np.float32
    assert (audited * GRID == np.rint(audited * GRID)).all()
    assert np.allclose(np.linalg.norm(audited.astype(np.float64), axis=1), 1.0, atol=1e-3)


@pytest.mark.parametrize("batch", [1, 16, 64])
def test_audited_vectors_do_not_depend_on_threads_batches_or_order(audited: Vectors, batch: int) -> None:
    texts = SENTENCES + ODD
    order = random.Random(batch).sample(range(len(texts)), len(texts))
    threads = torch.get_num_threads()
    torch.set_num_threads(3 - min(threads, 2))
    try:
        parts = [
            embed([texts[place] for place in order[start : start + batch]], audited=True, batch=batch * 100)
            for start in range(0, len(order), batch)
        ]
    finally:
        torch.set_num_threads(threads)
    assert np.array_equal(np.concatenate(parts), audited[order])


def test_audited_vectors_do_not_depend_on_the_instruction_set(audited: Vectors, tmp_path: Path) -> None:
    """The same sentences in a process held to AVX2 (what it cannot be held to, it runs as this one does)."""
    code = (
        "import sys, numpy; sys.path.insert(0, 'tests/quality'); from test_embedding import *;"
        "numpy.save(sys.argv[1], embed(SENTENCES + ODD, audited=True))"
    )
    older = {"ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
    file = tmp_path / "vectors.npy"
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code, str(file)], check=True, cwd=root, env=os.environ | older)
    assert np.array_equal(np.load(file), audited)


def test_the_fast_path_follows_the_thread_limit_without_changing_a_bit() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        two = embed(SENTENCES)
        torch.set_num_threads(1)
        assert np.array_equal(embed(SENTENCES), two)
    finally:
        torch.set_num_threads(threads)
    assert np.abs(embed(SENTENCES[::-1], batch=64)[::-1] - two).max() < 1e-6


def test_chunks_follow_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, int, int]] = []
    whole = embed(SENTENCES, audited=True)
    monkeypatch.setattr(embedding, "CHUNK", 6)
    assert np.array_equal(embed(SENTENCES, audited=True, progress=lambda *step: told.append(step)), whole)
    done = [step[1] for step in told]
    assert done == sorted(done) and told[-1] == ("embeddings", 16, 16)


def test_a_long_sentence_costs_what_a_short_one_does() -> None:
    ten_megabytes = ["one two three " * 700_000, "x" * 10_000_000]
    beginnings = ["one two three " * 100, "x" * 1_000]
    start = time.process_time()
    long = minilm.cut(ten_megabytes)
    assert time.process_time() - start < 2
    short = minilm.cut(beginnings)
    assert long.lengths.tolist() == [minilm.MAX_TOKENS, 3]
    assert np.array_equal(long.ids, short.ids)


def test_wrong_or_missing_files_say_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "folder", lambda: tmp_path)
    for name, read in (
        ("model.safetensors", minilm_onnx.network.__wrapped__),
        ("tokenizer.json", minilm._tokenizer.__wrapped__),
    ):
        for make in (lambda: None, lambda name=name: (tmp_path / name).write_bytes(b"altered")):
            make()
            with pytest.raises(EnvironmentFailure, match="minilm") as caught:
                read()
            assert "pip install" in caught.value.hint


def test_what_a_gpu_runs_gives_the_same_vectors() -> None:
    """The network in torch with padding and a mask, on this machine's processor."""
    pieces = minilm.cut(SENTENCES + ODD)
    places = np.arange(len(SENTENCES + ODD))
    model = minilm_torch.Network(torch.float32, torch.device("cpu"))
    vectors = model(torch.from_numpy(pieces.padded(places)), torch.from_numpy(pieces.lengths)).numpy()
    assert np.abs(vectors - embed(SENTENCES + ODD)).max() < 1e-6
