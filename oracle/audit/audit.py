"""``audit round``: everything about one round again, from an RPC URL and a content folder; scores by an auditor.

A stage compares one kind of thing and names what differs; later stages run even when an earlier one fails, so that the
report is complete, and the first difference is the first in this order.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from oracle.audit import attested, content, settled
from oracle.audit.difference import AuditResult, Check, Difference, Mismatch
from oracle.audit.rescore import rescore
from oracle.audit.subject import Subject
from oracle.chain.client import Market
from oracle.custody.store import Board, ContentStore
from oracle.errors import CheckFailed
from oracle.node.folder import Progress
from oracle.node.opening import Reader


def audit_round(
    market: Market,
    round_id: int,
    store: ContentStore,
    board: Board,
    *,
    reader: Reader | None = None,
    device: torch.device | None = None,
    progress: Progress | None = None,
) -> AuditResult:
    """Recompute and compare every stage the round has reached.

    ``reader`` is an auditor to whom keys were wrapped: only then the texts can be opened and scored again.

    Never raises for what is wrong with the round: that is the result. Raises BadInput for an unknown round and
    EnvironmentFailure when node or disk fail, or when this installation cannot compute the round's specification.
    """
    subject = Subject(market, round_id, store, board)
    stages = _stages(subject, reader, device, progress)
    checks: list[Check] = []
    first: Difference | None = None
    for done, (stage, check) in enumerate(stages):
        if progress:
            progress(f"audit: {stage}", done, len(stages))
        try:
            checks.append(Check(stage, True, check()))
        except CheckFailed as error:
            difference = _difference(stage, error)
            first = first or difference
            checks.append(Check(stage, False, str(error)))
    return AuditResult(tuple(checks), first)


def _stages(
    subject: Subject, reader: Reader | None, device: torch.device | None, progress: Progress | None
) -> tuple[tuple[str, Callable[[], str]], ...]:
    """Name and work of every stage, in order."""
    checks: list[Callable[[Subject], str]] = [
        attested.terms,
        attested.domain,
        attested.committee,
        attested.commitments,
        content.pipeline,
        content.base_model,
    ]
    if subject.state.observers:
        checks += [content.validation_sample, attested.observations]
    if subject.state.reported:
        checks += [attested.scores, attested.signatures, content.datasets, content.evidence]
        if reader is not None:
            checks.append(partial(rescore, reader=reader, device=device, progress=progress))
        checks += [settled.records, settled.weights]
    if subject.state.settled:
        checks += [settled.certificate, settled.rewards]
    checks += [settled.escrow, settled.shares]
    return tuple((_name(check), partial(check, subject)) for check in checks)


def _name(check: Callable[[Subject], str]) -> str:
    function = check.func if isinstance(check, partial) else check
    return function.__name__.replace("_", " ")


def _difference(stage: str, error: CheckFailed) -> Difference:
    if isinstance(error, Mismatch):
        return Difference(stage, error.item, error.expected, error.found)
    return Difference(stage, error.input or stage, "what was committed to", str(error))
