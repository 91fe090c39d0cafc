"""The replay log: one JSON object from which a run is computed again and compared.

Numbers that are not integers are strings that read back exactly, so that a log has one canonical text (RFC 8785) on
every machine. At the top level stands what the run was given; under ``runs`` what each repeat did, step by step; then
gains, standard errors and what they were made into.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from oracle.errors import BadInput, CheckFailed
from oracle.influence.spec import InfluenceSpec

KIND = "mixed-mia/influence/2"

FINGERPRINT = re.compile(r"[0-9a-f]{64}")

Log = dict[str, Any]


def log_bytes(log: Log) -> bytes:
    """The log as the one text that is hashed and published: sorted keys, no spaces, UTF-8."""
    return json.dumps(log, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def log_hash(log: Log) -> str:
    """SHA-256 (hex) of the log's bytes."""
    return hashlib.sha256(log_bytes(log)).hexdigest()


def read_log(path: Path) -> Log:
    """A log from a file. Raises BadInput when there is none, CheckFailed when a number in it is not finite."""
    name, hint = str(path), "give a file that `mia influence --log FILE` wrote"
    try:
        log = json.loads(path.read_bytes())
    except OSError as error:
        raise BadInput(f"cannot read the replay log: {error.strerror}", input=name, hint="check the path") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"the replay log is not JSON: {error}", input=name, hint=hint) from error
    kind = log.get("kind") if isinstance(log, dict) else None
    if kind != KIND:
        raise BadInput(f"this is no replay log of kind {KIND}: its kind is {kind!r}", input=name, hint=hint)
    if lacking := {"spec", "seed", "runs"} - log.keys():
        raise BadInput(f"the replay log lacks its {' and '.join(sorted(lacking))}", input=name, hint=hint)
    require_finite(log, name)
    return dict(log)


def require_finite(log: Log, name: str) -> None:
    """CheckFailed naming the first number of the log that is not finite: nothing can be built on such a log."""
    for path, value in leaves(log):
        if isinstance(value, str | float) and not math.isfinite(number(value) or 0.0):
            raise CheckFailed(
                f"the replay log is poisoned: {path} is {value}",
                input=name,
                hint="look for the step at which the losses stop being finite: the model or a text is damaged there",
            )


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every number, text and truth value of a JSON value with its path, such as ``runs[0].losses[3]``."""
    if isinstance(value, dict):
        for key in sorted(value):
            yield from leaves(value[key], f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from leaves(item, f"{path}[{place}]")
    else:
        yield path, value


def number(value: Any) -> float | None:
    """The number that a leaf spells, or None."""
    if isinstance(value, str) and FINGERPRINT.fullmatch(value):
        return None  # digits and one e would read as a number
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def plain_spec(spec: InfluenceSpec) -> dict[str, Any]:
    """The specification as logs write it."""
    return {name: _plain(value) for name, value in asdict(spec).items()}


def read_spec(written: Mapping[str, Any]) -> InfluenceSpec:
    """The specification that :func:`plain_spec` or a JSON file wrote; BadInput when it is none of this version."""
    defaults: dict[str, Any] = {field.name: field.default for field in fields(InfluenceSpec)}
    try:
        if unknown := written.keys() - defaults.keys():
            raise ValueError(f"unknown are {', '.join(sorted(unknown))}")
        choices: dict[str, Any] = {name: _like(defaults[name], value) for name, value in written.items()}
        return InfluenceSpec(**choices)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput(
            f"these influence parameters are not those of this version: {error}",
            input="influence specification",
            hint="install the version of mixed-mia that wrote them",
        ) from error


def with_scores(log: Log, phi: Sequence[int], *, gain_ref: float, profile: str, noise_floor: float) -> Log:
    """The log with what the gains were made into: phi in units of 1e-4, and by which scale."""
    scale = {"profile": profile, "gain_ref": repr(gain_ref), "noise_floor": repr(noise_floor)}
    return {**log, "rescaled": {**scale, "phi": list(phi)}}


def code_digest() -> str:
    """SHA-256 (hex) of this package's source files, by name."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return repr(value) if isinstance(value, float) else value


def _like(default: Any, value: Any) -> Any:
    """``value`` as the type that ``default`` is of."""
    if isinstance(default, tuple):
        if len(value) != len(default):
            raise ValueError(f"{value} are not {len(default)} numbers")
        return tuple(_like(own, item) for own, item in zip(default, value, strict=True))
    if isinstance(default, float):
        return float(value)
    if type(default) is not type(value):
        raise TypeError(f"{value!r} is no {type(default).__name__}")
    return value
