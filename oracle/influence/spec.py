"""Every choice of an influence run in one place: what is hashed into the round's terms."""

from __future__ import annotations

from dataclasses import dataclass, fields

from oracle.errors import BadInput


@dataclass(frozen=True)
class InfluenceSpec:
    """How marginal utility is estimated.

    The fine-tune (all families): ``quota`` bounds each provider's training tokens (of the base model's tokenizer);
    ``sequences`` per microbatch, ``microbatches`` per step; AdamW without weight decay (it moves nobody's credit), a
    linear ``warm_up`` in steps, gradient norm at most ``clip``; ``floor`` of the preconditioner relative to the mean of
    sqrt(v_hat). ``document_clip`` bounds the gradient norm of every single window, 0 for none and for settled.

    The estimator: its name; ``repeats`` with fresh draws and orders, whose spread is the standard error;
    ``validation_sequences`` in a look at the validation sample (in-run takes one every ``refresh`` steps) and in the
    sample of a curvature; ``iterations`` of conjugate gradients. ``checkpoints`` of TracIn; for curvature at the base
    model its ``damping``, relative to the mean diagonal, and ``probes`` of Hutchinson's diagonal; ``subsets`` of an
    ablation by sampling.
    """

    estimator: str = "settled"
    quota: int = 12_000
    repeats: int = 1
    learning_rate: float = 5e-4
    betas: tuple[float, float] = (0.9, 0.99)
    floor: float = 0.1
    warm_up: int = 5
    clip: float = 1.0
    document_clip: float = 0.0
    sequences: int = 4
    microbatches: int = 4
    validation_sequences: int = 64
    refresh: int = 4
    checkpoints: int = 4
    damping: float = 0.1
    iterations: int = 12
    probes: int = 8
    subsets: int = 64

    def __post_init__(self) -> None:
        """Raises BadInput naming the first choice that makes no sense."""
        for choice in fields(self):
            value = getattr(self, choice.name)
            if isinstance(choice.default, int) and value < 1:
                raise BadInput(f"{choice.name} is {value}, not at least 1", input=choice.name)
            if isinstance(choice.default, float) and choice.name != "document_clip" and not value > 0:
                raise BadInput(f"{choice.name} is {value}, not positive", input=choice.name)
        if not all(0 <= beta < 1 for beta in self.betas):
            raise BadInput(f"betas are {self.betas}, not from 0 to below 1", input="betas")
        if not self.document_clip >= 0:
            raise BadInput(f"document_clip is {self.document_clip}, not 0 or more", input="document_clip")
        if self.document_clip and self.estimator == "settled":
            raise BadInput(
                "settled measures windows without their gradients, which cannot be clipped then",
                input="document_clip",
                hint="set document_clip to 0, or take another estimator: in-run, tracin, cg or diagonal",
            )
