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
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from oracle.errors import BadInput, CheckFailed
from oracle.influence.spec import InfluenceSpec
from oracle.pipes import open_at_once

KIND = "mixed-mia/influence/3"
LARGEST = 1 << 28
"""Bytes of a log that is read."""

FINGERPRINT = re.compile(r"[0-9a-f]{64}")
WHOLE = re.compile(r"-?[0-9]{1,99}")

Log = dict[str, Any]


def log_bytes(log: Log) -> bytes:
    """The log as the one text that is hashed and published: sorted keys, no spaces, UTF-8."""
    return json.dumps(log, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def log_hash(log: Log) -> str:
    """SHA-256 (hex) of the log's bytes."""
    return hashlib.sha256(log_bytes(log)).hexdigest()


def read_log(path: Path) -> Log:
    """A log from a file, with what is needed to compute its run again; the rest is for the comparison to judge.

    Raises BadInput when there is none, naming the field where one is not as logs have it, CheckFailed when a number in
    it is not finite.
    """
    name, hint = str(path), "give a file that `mia influence --log FILE` of this version wrote"
    try:
        with open_at_once(path) as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise ValueError(f"it is above {LARGEST >> 20} MiB")
        log = json.loads(data)
        log_bytes(log)  # texts that are no Unicode have no bytes to hash
    except OSError as error:
        raise BadInput(f"cannot read the replay log: {error.strerror}", input=name, hint="check the path") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"the replay log is not JSON: {error}", input=name, hint=hint) from error
    kind = log.get("kind") if isinstance(log, dict) else None
    if kind != KIND:
        raise BadInput(f"this is no replay log of kind {KIND}: its kind is {kind!r}", input=name, hint=hint)
    if lacking := {"spec", "seed", "environment", "runs"} - log.keys():
        raise BadInput(f"the replay log lacks its {' and '.join(sorted(lacking))}", input=name, hint=hint)
    require_finite(log, name)
    try:
        _require_readable(log)
    except ValueError as error:
        raise BadInput(f"the replay log is damaged: {error}", input=name, hint=hint) from error
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
    waiting = [(path, value)]  # not by recursion: a stranger's log may be nested as deep as it likes
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{path}.{key}" if path else key, value[key]) for key in sorted(value, reverse=True)]
        elif isinstance(value, list):
            waiting += [(f"{path}[{place}]", value[place]) for place in reversed(range(len(value)))]
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


def _require_readable(log: Log) -> None:
    """ValueError naming the first field that is not as logs have it, of those that a run is computed again from."""
    for field in ("spec", "environment", "rescaled"):
        _require(isinstance(log.get(field, {}), dict), log, field, "an object")
    try:
        read_spec(log["spec"])
    except BadInput as error:
        raise ValueError(f"spec: {error}") from error
    seed = log["seed"]
    _require(isinstance(seed, str) and bool(WHOLE.fullmatch(seed)), log, "seed", "a whole number, as a text")
    runs = log["runs"]
    _require(isinstance(runs, list) and all(isinstance(run, dict) for run in runs), log, "runs", "a list of objects")
    for place, run in enumerate(runs):
        gains = run.get("gains", [])
        right = isinstance(gains, list) and all(isinstance(gain, str) for gain in gains)
        _require(right, run, "gains", "a list of numbers, as texts", inside=f"runs[{place}].")
    if scale := log.get("rescaled", {}):
        _require(isinstance(scale.get("profile"), str), scale, "profile", "a text", inside="rescaled.")
        for field in ("gain_ref", "noise_floor"):
            written = scale.get(field)
            value = number(written) if isinstance(written, str) else None
            right = value is not None and value >= 0
            _require(right, scale, field, "a number of 0 or more, as a text", inside="rescaled.")


def _require(right: bool, fields: Mapping[str, Any], field: str, what: str, *, inside: str = "") -> None:
    if not right:
        raise ValueError(f"{inside}{field} is {reprlib.repr(fields.get(field))}, not {what}")


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
