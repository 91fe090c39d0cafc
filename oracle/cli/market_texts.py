"""What the market's rules leave of corpora before their influence is estimated, as in a round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from oracle.cli.corpora import read_corpus
from oracle.cli.output import ProgressCallback
from oracle.corpus.document import Document
from oracle.corpus.folders import PassedOver
from oracle.errors import BadInput, CheckFailed


@dataclass(frozen=True)
class Provider:
    """A corpus: how many documents it offers, the texts that are left, and documents removed by reason."""

    path: Path
    documents: int
    texts: list[str]
    removed: Mapping[str, int]

    def why_nothing(self, gain: float, noise_floor: float) -> str:
        """Why this provider's phi is 0."""
        if not self.documents:
            return "it holds no text"
        if self.removed["near_validation"] == self.documents:
            return "all its documents are close to the validation text"
        if not self.texts:
            return "what is not close to the validation text repeats earlier documents"
        if gain <= 0:
            return "its text does not lower the loss on the validation text"
        return f"its gain is not above the noise floor of {noise_floor:.3g} by more than its standard error"


def read_market(
    paths: Sequence[Path], validation: Sequence[Document], tell: ProgressCallback, passed: list[PassedOver]
) -> tuple[Provider, ...]:
    """Corpora less documents close to the validation text, then less copies, within and across, earlier paths first.

    A corpus without text keeps its place; ``passed`` gets the files of folders that are not read. Raises BadInput for
    what is no corpus, or when nothing is left of any.
    """
    from oracle.corpus.dedup import decontaminate, deduplicate

    offered = [_offered(path, tell, passed) for path in paths]
    clean = [decontaminate(documents, validation) for documents in offered]
    kept = deduplicate([documents for documents, _ in clean])
    market = tuple(
        Provider(
            path,
            len(documents),
            [document.text for document in own.kept],
            {"near_validation": leaked, **own.removed},
        )
        for path, documents, (_, leaked), own in zip(paths, offered, clean, kept, strict=True)
    )
    if not any(provider.texts for provider in market):
        reasons = "; ".join(f"{provider.path}: {provider.why_nothing(0.0, 0.0)}" for provider in market)
        raise BadInput("no provider has any usable text", input=str(paths[0]), hint=reasons)
    return market


def read_validation(path: Path, root: str, tell: ProgressCallback, passed: list[PassedOver]) -> Sequence[Document]:
    """The validation text; with ``root`` (hex) only what hashes to it. Raises BadInput and CheckFailed accordingly."""
    from oracle.node.validation import pool_root

    documents = read_corpus(path, None, tell, passed)
    if root and (found := pool_root(documents).hex()) != root.lower().removeprefix("0x"):
        raise CheckFailed(
            f"the validation text is not the committed one: its root is 0x{found}, not {root}",
            input=str(path),
            hint="give the very documents, in the same order, that the terms commit to",
        )
    return documents


def _offered(path: Path, tell: ProgressCallback, passed: list[PassedOver]) -> Sequence[Document]:
    from oracle.corpus.readers import NoText

    try:
        return read_corpus(path, None, tell, passed)
    except NoText:
        return ()
