"""All targets by name."""

from __future__ import annotations

from fuzz.target import Target
from fuzz.targets import (
    audited,
    columns,
    command,
    containers,
    corpora,
    custody,
    daemon,
    evidence,
    exports,
    influence,
    market,
    metadata,
    models,
    node,
    rpc,
    signing,
    terms,
)

TARGETS: dict[str, Target] = {
    target.name: target
    for room in (
        *(evidence, custody, containers, daemon, corpora, columns, exports),
        *(metadata, node, signing, influence, models, audited, terms, rpc, market, command),
    )
    for target in room.TARGETS
}
