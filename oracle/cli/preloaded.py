"""Imported once, by the server that a demo's children are forked from: what each would otherwise load for itself.

Heavy libraries and the word lists that every text is read with; memory that nobody writes to is shared.
"""

from __future__ import annotations

import gc

import sentence_transformers  # noqa: F401

import oracle.cli.main
import oracle.node.scoring  # noqa: F401
from oracle.quality.languages import SUPPORTED
from oracle.quality.lexicon import lexicon

lexicon("en", "large")
for language in SUPPORTED:
    lexicon(language)
gc.freeze()  # a collection in a child would write to every object, and so copy it
