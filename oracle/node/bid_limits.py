"""How much one bid may offer, which the scoring specification says before anybody bids."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from oracle.evidence.fields import Record

Positive = Annotated[int, Field(strict=True, gt=0, lt=1 << 53)]


class BidLimits(Record):
    """What one bid may offer: ``bytes`` of canonical lines (their line feeds included) and ``documents``.

    Every operator reads and scores all of it, so that somebody has to say how much that is before anybody bids.
    """

    bytes: Positive = 1 << 30
    documents: Positive = 1 << 20

    def exceeded(self, size: int, documents: int) -> str:
        """What is too much about a data set of ``size`` bytes; empty when nothing is."""
        for what, has, most in (("bytes", size, self.bytes), ("documents", documents, self.documents)):
            if has > most:
                return f"it offers {has} {what}, this round's specification takes at most {most} of one bid"
        return ""
