from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
import torch

from oracle.influence import sequences
from oracle.influence.base import BaseModel
from oracle.influence.gpt import IGNORED
from oracle.influence.sequences import PASSAGE, cut_windows, draw_key, draw_passages, text_digest


def test_passages_hold_the_whole_text_whatever_it_is() -> None:
    texts = ["word " * 1500, "x" * 5000, "", "  \n ", "short"]
    passages = list(draw_passages(texts, seed=3))
    assert sorted("".join("".join(passages).split())) == sorted("".join("".join(texts).split()))
    assert max(map(len, passages)) <= 2000
    assert all(passage.strip() for passage in passages)


def test_the_draw_depends_on_the_seed_and_the_texts_alone() -> None:
    texts = [f"document {place} " * 200 for place in range(30)]
    assert list(draw_passages(texts, 1)) == list(draw_passages(texts[::-1], 1))
    assert list(draw_passages(texts, 1)) != list(draw_passages(texts, 2))


def test_a_draw_in_parts_is_the_draw_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"page {place} of this and that " * (place % 90) for place in range(120)]
    at_once = sorted((p for t in texts for p in PASSAGE.findall(t) if p.strip()), key=lambda p: draw_key(5, p))
    monkeypatch.setattr(sequences, "_TOGETHER", 3_000)
    assert list(draw_passages(texts, 5)) == at_once


def test_what_a_quota_does_not_reach_is_not_held() -> None:
    def pages() -> Iterator[str]:
        return (f"{place:07} " * 250 for place in range(12_000))

    class Pages:
        def __iter__(self) -> Iterator[str]:
            return pages()

    tracemalloc.start()
    drawn = draw_passages(Pages(), seed=1)
    assert len([next(drawn) for _ in range(200)]) == 200
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * 2**20  # of 24 MB of text


def test_windows_predict_the_next_token_and_pad_the_end(base: BaseModel, market: dict[str, list[str]]) -> None:
    windows = cut_windows(market["near"], base.tokenizer, base.end, 32)
    stream = torch.cat([windows.inputs.flatten()[:1], windows.targets.flatten()])[: windows.tokens + 1]
    assert torch.equal(windows.inputs.flatten()[: windows.tokens], stream[:-1])
    assert (windows.targets.flatten()[windows.tokens :] == IGNORED).all()
    assert stream[0] == base.end
    decoded = base.tokenizer.decode([int(token) for token in stream if token != stream[0]])
    assert decoded == "".join(market["near"])


def test_a_quota_is_met_exactly(base: BaseModel, market: dict[str, list[str]]) -> None:
    full = cut_windows(market["near"], base.tokenizer, base.end, 32)
    cut = cut_windows(market["near"], base.tokenizer, base.end, 32, quota=100)
    assert cut.tokens == 100 < full.tokens
    assert torch.equal(cut.targets[:3], full.targets[:3])
    assert cut_windows(market["near"], base.tokenizer, base.end, 32, quota=10**9).tokens == full.tokens


def test_nothing_makes_no_windows(base: BaseModel) -> None:
    assert len(cut_windows([], base.tokenizer, base.end, 32)) == 0


def test_no_text_spells_the_end_of_text(base: BaseModel) -> None:
    end = base.end
    for text in ("<|endoftext|>", "</s>", "[SEP]", "\x00\x03", chr(end)):
        assert end not in base.tokenizer.encode(text).ids


def test_a_digest_sees_where_texts_end() -> None:
    assert text_digest(["ab", "c"]) != text_digest(["a", "bc"])
