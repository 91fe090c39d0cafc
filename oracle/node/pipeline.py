"""The published scoring specification: what turns committed text into scores, as one canonical JSON block.

``Terms.pipelineHash`` is the sha256 of the block's RFC 8785 bytes, which is its content id too: whoever reads the terms
fetches exactly the specification the planner froze, and everything it names (base model, reference corpus) is fetched
and checked against the digests inside it.
"""

from __future__ import annotations

import hashlib
import json
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from oracle.corpus.document import Document
from oracle.custody.dataset import fetch_dataset, publish_dataset
from oracle.custody.store import ContentStore, digest_to_cid, keep
from oracle.errors import BadInput, CheckFailed, EnvironmentFailure
from oracle.evidence import canonical, commitment
from oracle.evidence.fields import Address, Bytes32, Count, Record
from oracle.influence.estimators import estimator
from oracle.influence.log import KIND as INFLUENCE_KIND
from oracle.influence.log import read_spec
from oracle.influence.spec import InfluenceSpec
from oracle.quality.spec import QualitySpec, spec_of

KIND: Literal["mixed-mia/pipeline/2"] = "mixed-mia/pipeline/2"
MAX_BLOCK = 1 << 20  # bytes; the content store keeps no larger block
MAX_BLOB = 1 << 31
"""Bytes of a file that a specification names: whoever reads foreign content bounds it."""
MAX_SAMPLE = 10_000
"""Documents of a validation sample."""
BID_BYTES = 1 << 30
"""Bytes of canonical lines that a bid may offer where the planner says nothing else."""
BID_DOCUMENTS = 1 << 20
_SHOWN = 300  # characters of a foreign value in an error

Positive = Annotated[int, Field(strict=True, gt=0, lt=1 << 53)]


class Blob(Record):
    """A file in the content store: its sha256, its length in bytes, the content ids of its blocks in order."""

    sha256: Bytes32
    size: Count
    blocks: tuple[str, ...]

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.size > MAX_BLOB or len(self.blocks) != -(-self.size // MAX_BLOCK):
            raise ValueError(f"{len(self.blocks)} blocks of 1 MiB for {self.size} bytes, of at most {MAX_BLOB}")
        return self


class CorpusRef(Record):
    """A published corpus: its publisher, its dataset root and the digest of its manifest."""

    provider: Address
    dataset_root: Bytes32
    manifest: Bytes32


class SampleSize(Record):
    """Documents in the committed validation pool (its root is in the terms) and in the sample drawn from it."""

    pool: Positive
    sample: Annotated[int, Field(strict=True, gt=0, le=MAX_SAMPLE)]

    @model_validator(mode="after")
    def _drawable(self) -> Self:
        if self.sample > self.pool:
            raise ValueError(f"a sample of {self.sample} documents cannot be drawn from a pool of {self.pool}")
        return self


class BidLimits(Record):
    """What one bid may offer: ``bytes`` of canonical lines (their line feeds included) and ``documents``.

    Every operator reads and scores all of it, so that somebody has to say how much that is before anybody bids.
    """

    bytes: Positive = BID_BYTES
    documents: Positive = BID_DOCUMENTS

    def exceeded(self, size: int, documents: int) -> str:
        """What is too much about a data set of ``size`` bytes; empty when nothing is."""
        for what, has, most in (("bytes", size, self.bytes), ("documents", documents, self.documents)):
            if has > most:
                return f"it offers {has} {what}, this round's specification takes at most {most} of one bid"
        return ""


class Tolerance(Record):
    """What two honest computations may differ by, in quanta of 1e-4."""

    quality: Count
    impact: Count


class Pipeline(Record):
    """One scoring specification. ``quality`` and ``influence`` are the rooms' own published parameters.

    ``gain_ref`` (nats per validation token) is the gain that counts as phi = 1; gains below ``noise_floor`` (nats per
    validation token) score nothing (SCORING.md, Rescaling). The volume quota is part of ``influence``. A provider whose
    main language is one of ``tranche_languages`` (ISO 639-1) belongs to the diversity tranche (appendix E). Keys are
    wrapped to the ``auditors`` as they are to the operators. What goes beyond ``bid_limits`` is not read.
    """

    kind: Literal["mixed-mia/pipeline/2"] = KIND
    quality: dict[str, Any]
    influence: dict[str, Any]
    gain_ref: float = Field(gt=0, allow_inf_nan=False)
    noise_floor: float = Field(ge=0, allow_inf_nan=False)
    base_model: Blob
    seed_corpus: CorpusRef
    reference: CorpusRef | None
    validation: SampleSize
    bid_limits: BidLimits
    tolerance: Tolerance
    tranche_languages: tuple[str, ...] = ()
    auditors: tuple[Address, ...] = ()

    @property
    def digest(self) -> bytes:
        """``Terms.pipelineHash``: sha256 of :meth:`to_bytes`, 32 bytes."""
        return hashlib.sha256(self.to_bytes()).digest()

    @property
    def quality_spec(self) -> QualitySpec:
        """The choices of the quality scores; BadInput when they are not those of this version."""
        return spec_of(self.quality)

    @property
    def influence_spec(self) -> InfluenceSpec:
        """The parameters of the influence run as its own room reads them; BadInput when they are not."""
        return read_spec({name: value for name, value in self.influence.items() if name != "kind"})


def build(
    store: ContentStore,
    planner: str,
    *,
    quality: QualitySpec,
    influence: InfluenceSpec,
    gain_ref: float,
    noise_floor: float,
    base_model: bytes,
    seed: Sequence[Document],
    reference: Sequence[Document] | None,
    pool: int,
    sample: int,
    bid_limits: BidLimits | None = None,
    tranche_languages: Sequence[str] = (),
    auditors: Sequence[str] = (),
) -> Pipeline:
    """Publish everything a specification names (base model, seed and reference corpus) and return the specification.

    ``base_model`` are the bytes of the one file ``BaseModel.save`` writes; ``pool`` and ``sample`` count documents.
    The block itself goes out with :func:`publish`. Raises BadInput when the sample is larger than the pool or than
    ``MAX_SAMPLE``, for a base model above ``MAX_BLOB``, or for an unknown estimator.
    """
    if not 1 <= sample <= min(pool, MAX_SAMPLE):
        raise BadInput(
            f"a validation sample of {sample} documents cannot be drawn from a pool of {pool} (at most {MAX_SAMPLE})",
            input="validation sample",
            hint="give a larger validation pool or a smaller sample",
        )
    if len(base_model) > MAX_BLOB:
        raise BadInput(
            f"a base model of {len(base_model)} bytes, operators fetch at most {MAX_BLOB}",
            input="base model",
            hint="give a smaller one",
        )
    estimator(influence.estimator)
    return Pipeline(
        quality=_plain(quality.published()),
        influence=_plain({"kind": INFLUENCE_KIND, **asdict(influence)}),
        gain_ref=gain_ref,
        noise_floor=noise_floor,
        base_model=put_blob(store, base_model),
        seed_corpus=publish_corpus(store, planner, seed),
        reference=None if reference is None else publish_corpus(store, planner, reference),
        validation=SampleSize(pool=pool, sample=sample),
        bid_limits=bid_limits or BidLimits(),
        tolerance=Tolerance(quality=1, impact=10),
        tranche_languages=tuple(sorted(set(tranche_languages))),
        auditors=tuple(auditors),
    )


def publish(store: ContentStore, pipeline: Pipeline) -> bytes:
    """Put the specification into the store; returns its digest, the round's ``pipelineHash``."""
    keep(store, pipeline.to_bytes(), "specification")
    return pipeline.digest


def load(store: ContentStore, digest: bytes) -> Pipeline:
    """The specification behind ``Terms.pipelineHash``, checked to be one that this installation computes exactly.

    Raises CheckFailed when the block is missing, altered or not canonical, EnvironmentFailure when it asks for another
    version of the scoring code or its models than the one installed.
    """
    name = f"pipeline {digest.hex()}"
    try:
        raw = store.get(digest_to_cid(digest))
    except CheckFailed as error:
        raise CheckFailed(
            f"the scoring specification cannot be had from the content store: {error}",
            input=name,
            hint="ask the planner to publish the pipeline block again",
        ) from error
    value = canonical.loads(raw, name=name)
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind != KIND:
        raise EnvironmentFailure(
            f"the round is scored by {reprlib.repr(kind)}, this installation computes {KIND!r}",
            input=name,
            hint="install the version of mixed-mia that the planner published",
        )
    pipeline = Pipeline.from_bytes(raw, name=name, hint="ask the planner to open a round with one that can be read")
    _require_installed(pipeline, name)
    return pipeline


def put_blob(store: ContentStore, data: bytes) -> Blob:
    """Store a file of any size as blocks of at most 1 MiB."""
    parts = (data[start : start + MAX_BLOCK] for start in range(0, len(data), MAX_BLOCK))
    blocks = tuple(keep(store, part, "specification") for part in parts)
    return Blob(sha256=hashlib.sha256(data).digest(), size=len(data), blocks=blocks)


def get_blob(store: ContentStore, blob: Blob, *, name: str) -> bytes:
    """The bytes of a stored file, checked against its sha256; ``name`` says what it is in errors (CheckFailed)."""
    what = f"{name} {blob.sha256.hex()}"
    try:
        data = b"".join(store.get(cid) for cid in blob.blocks)
    except (CheckFailed, BadInput) as error:  # foreign content: a bad name inside it is a failed check
        raise CheckFailed(f"the {name} cannot be fetched: {error}", input=what, hint=error.hint) from error
    if hashlib.sha256(data).digest() != blob.sha256 or len(data) != blob.size:
        raise CheckFailed(f"the {name} in the store is not the file that was committed", input=what)
    return data


def fetch_base_model(store: ContentStore, pipeline: Pipeline, base_model_hash: bytes) -> bytes:
    """The base model's file, checked against the specification and ``Terms.baseModelHash`` (CheckFailed)."""
    named = pipeline.base_model.sha256
    if named != base_model_hash:
        raise CheckFailed(
            f"the specification names base model {named.hex()}, the terms {base_model_hash.hex()}", input="base model"
        )
    return get_blob(store, pipeline.base_model, name="base model")


def publish_corpus(store: ContentStore, publisher: str, documents: Sequence[Document]) -> CorpusRef:
    """Publish a corpus that belongs to the specification rather than to a bid."""
    manifest = publish_dataset(store, publisher, documents)
    root = commitment.dataset_root(publisher, manifest.document_root)
    return CorpusRef(provider=publisher, dataset_root=root, manifest=manifest.digest)


def fetch_corpus(store: ContentStore, ref: CorpusRef) -> tuple[Document, ...]:
    """A corpus the specification names, verified against its root (CheckFailed)."""
    documents = fetch_dataset(store, ref.manifest, provider=ref.provider, dataset_root=ref.dataset_root)
    return tuple(documents)


def _plain(spec: Mapping[str, Any]) -> dict[str, Any]:
    """``spec`` as its canonical JSON reads it back: tuples are lists, so that equal specifications compare equal."""
    plain: dict[str, Any] = json.loads(canonical.dumps(dict(spec)))
    return plain


def _require_installed(pipeline: Pipeline, name: str) -> None:
    """Refuse to score by a specification whose code, models or word lists are not the ones installed."""
    try:
        installed = _plain(pipeline.quality_spec.published())
    except BadInput as error:
        raise EnvironmentFailure(
            f"the specification's quality options are not those of this version: {str(error)[:_SHOWN]}",
            input=name,
            hint="install the version of mixed-mia that the planner published",
        ) from error
    if pipeline.quality_spec.reference_index:
        raise EnvironmentFailure(
            "the specification asks for the index of a whole reference, nodes compare with a sample of it",
            input=name,
            hint="publish a specification without quality.options.reference_index",
        )
    for key in sorted(installed.keys() | pipeline.quality.keys()):
        ours, theirs = installed.get(key), pipeline.quality.get(key)
        if ours != theirs:
            raise EnvironmentFailure(
                f"the specification asks for quality.{key} = {reprlib.repr(theirs)}, installed is {reprlib.repr(ours)}",
                input=name,
                hint="install the versions that the planner published; scores would differ otherwise",
            )
    kind = pipeline.influence.get("kind")
    if kind != INFLUENCE_KIND:
        raise EnvironmentFailure(
            f"the specification asks for influence by {reprlib.repr(kind)}, installed is {INFLUENCE_KIND}",
            input=name,
            hint="install the version of mixed-mia that the planner published",
        )
    try:
        estimator(pipeline.influence_spec.estimator)
    except BadInput as error:
        raise EnvironmentFailure(
            f"the specification's influence parameters are not those of this version: {str(error)[:_SHOWN]}",
            input=name,
            hint="install the version of mixed-mia that the planner published",
        ) from error
