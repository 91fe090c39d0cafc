"""From texts to token windows, in an order that only a seed decides.

Texts are cut into passages of about 2,000 characters and the passages are drawn by a keyed hash. So a volume quota
takes a fair sample of a provider (not its longest document, nor the page it put first), the draw is the same for
every roster, and only what is drawn is tokenised.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor

from oracle.influence.gpt import IGNORED

PASSAGE = re.compile(r".{1,2000}(?!\S)|\S{2000}", re.DOTALL)
_TOGETHER = 1 << 20  # characters of drawn passages that are held at first


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """Byte-level BPE of ``vocabulary`` - 1 tokens: the last id is end-of-text, which no text can spell."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - 1,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def draw_key(seed: int, *parts: str) -> bytes:
    """Sort key of a draw: SHA-256 of the seed and of what is drawn, as lines."""
    return hashlib.sha256("\n".join((str(seed), *parts)).encode("utf-8", "surrogatepass")).digest()


def draw_passages(texts: Iterable[str], seed: int) -> Iterator[str]:
    """All passages of ``texts`` that hold more than white space, in the order ``seed`` draws them.

    ``texts`` are gone through once for the order, and then for the first ``_TOGETHER`` characters, for twice as many
    after them, and so on: whoever stops at a quota holds 40 bytes a passage and little text, however much there is.
    """
    keys, sizes = bytearray(), array("Q")
    for passage in _passages(texts):
        keys += draw_key(seed, passage)
        sizes.append(len(passage))
    order = np.lexsort(np.frombuffer(keys, dtype=">u8").reshape(-1, 4).T[::-1])
    ends = np.cumsum(np.frombuffer(sizes, dtype=np.uint64)[order])
    start, room = 0, _TOGETHER
    while start < len(order):
        most = int(ends[start - 1] if start else 0) + room
        stop = max(start + 1, int(np.searchsorted(ends, np.uint64(most), "right")))
        yield from _gathered(texts, order[start:stop])
        start, room = stop, 2 * room


def _gathered(texts: Iterable[str], places: NDArray[np.intp]) -> list[str]:
    """The passages at ``places`` among all of ``texts``, in the order of ``places``."""
    found = dict.fromkeys(places.tolist(), "")
    for place, passage in enumerate(_passages(texts)):
        if place in found:
            found[place] = passage
    return list(found.values())


def _passages(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for match in PASSAGE.finditer(text):
            if not (passage := match[0]).isspace():
                yield passage


@dataclass(frozen=True)
class Windows:
    """Token windows: ``inputs`` and ``targets``, int64, (windows, context); padded targets are IGNORED."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, part: slice | list[int]) -> Windows:
        return Windows(self.inputs[part], self.targets[part])

    @property
    def tokens(self) -> int:
        """Targets that are not padding."""
        return int((self.targets != IGNORED).sum())

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of inputs and targets."""
        return hashlib.sha256(self.inputs.numpy().tobytes() + self.targets.numpy().tobytes()).hexdigest()

    def to(self, device: torch.device) -> Windows:
        """A copy on ``device``; from pinned memory where it is a GPU, so that nobody waits for what runs there."""
        if device.type != "cuda":
            return Windows(self.inputs.to(device), self.targets.to(device))
        inputs, targets = (own.pin_memory().to(device, non_blocking=True) for own in (self.inputs, self.targets))
        return Windows(inputs, targets)


def join(parts: Sequence[Windows]) -> Windows:
    """The windows of all ``parts``, in order."""
    return Windows(torch.cat([part.inputs for part in parts]), torch.cat([part.targets for part in parts]))


def cut_windows(
    passages: Iterable[str], tokenizer: Tokenizer, end: int, context: int, quota: int | None = None
) -> Windows:
    """The passages as one stream, ``end`` (of text) before each, cut into windows of at most ``quota`` targets in all.

    The windows do not overlap; the last one is padded.
    """
    stream: list[int] = []
    for passage in passages:
        stream.append(end)
        stream.extend(tokenizer.encode(passage, add_special_tokens=False).ids)
        if quota is not None and len(stream) > quota:
            del stream[quota + 1 :]
            break
    count = max(0, -(-(len(stream) - 1) // context))
    padded = torch.full((count * context + 1,), IGNORED)
    padded[: len(stream)] = torch.tensor(stream[: len(padded)], dtype=torch.int64)
    targets = padded[1:].view(count, context)
    inputs = padded[:-1].clamp(min=0).view(count, context)
    return Windows(inputs, targets)


def text_digest(texts: Iterable[str]) -> str:
    """SHA-256 (hex) of the texts in order, each preceded by its length in bytes."""
    digest = hashlib.sha256()
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()
