"""Licences by whatever people call them: SPDX ids and expressions, ids of the Hugging Face hub, addresses, long names.

Two names agree when they may mean one licence: a name without version ("cc-by", "gpl") agrees with every version, one
without "-only" or "-or-later" with both, a family ("cc", "bsd") with its members, an unported Creative Commons licence
with its ports.
"""

from __future__ import annotations

import re
from functools import lru_cache

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from oracle.corpus.plain import plain

_FAMILIES = "agpl apache bsd cc cc-by cc-by-nc cc-by-nc-nd cc-by-nc-sa cc-by-nd cc-by-sa cc0 epl eupl gfdl gpl lgpl mpl"
_OF_THE_HUB = (
    "openrail openrail++ bigscience-openrail-m creativeml-openrail-m bigcode-openrail-m bigscience-bloom-rail-1.0 "
    "c-uda h-research intel-research apple-ascl apple-amlr odc-by odbl openmdw-1.0 pddl lgpl-lr deepfloyd-if-license "
    "fair-noncommercial-research-license llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 grok2-community gemma"
)
NAMES = frozenset((*_FAMILIES.split(), *_OF_THE_HUB.split(), "public-domain"))
"""Known names that are no SPDX ids: families, and the hub's (https://huggingface.co/docs/hub/repositories-licenses)."""
SILENT = frozenset(("other", "unknown", "none", ""))
"""What the hub has people write who do not name a licence."""

_LONGEST = 200  # characters of a name that are looked at
_LINK = re.compile(r"(?:(?:https?:)?//|\b(?=[\w-]+(?:\.[\w-]+)+/))(?:www\.)?(\S+)")
_ADDRESSES = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"creativecommons\.org/publicdomain/zero(?:/([\d.]+))?", r"cc0-\1"),
        (r"creativecommons\.org/(?:publicdomain/mark|licenses/publicdomain)", "public-domain"),
        (r"creativecommons\.org/licenses/([a-z-]+)/([\d.]+)/([a-z]{2}|igo|scotland)(?:/|$)", r"cc-\1-\2-\3"),
        (r"creativecommons\.org/licenses/([a-z-]+)(?:/([\d.]+))?", r"cc-\1-\2"),
        (r"opendatacommons\.org/(?:licenses/)?by(?:/([\d.]+))?", r"odc-by-\1"),
        (r"opendatacommons\.org/(?:licenses/)?(odbl|pddl)(?:/([\d.]+))?", r"\1-\2"),
        (r"(?:choosealicense\.com|spdx\.org|opensource\.org|opendefinition\.org)/licenses?/([\w.+-]+)", r"\1"),
        (r"(?:api\.github\.com/licenses|licenses\.nuget\.org)/([\w.+-]+)", r"\1"),
        (r"apache\.org/licenses/license-([\d.]+)", r"apache-\1"),
        (r"gnu\.org/(?:licenses|copyleft)/(?:old-licenses/)?f(dl)(?:-([\d.]+))?", r"gf\1-\2"),
        (r"gnu\.org/(?:licenses|copyleft)/(?:old-licenses/)?([al]?gpl)(?:-([\d.]+))?", r"\1-\2"),
        (r"mozilla\.org/(?:[a-z]{2}(?:-[a-z]{2})?/)?mpl(?:/([\d.]+))?", r"mpl-\1"),
        (r"cdla\.(?:dev|io)/(permissive|sharing)-([\d.]+)", r"cdla-\1-\2"),
        (r"eclipse\.org/(?:legal|org/documents)/epl-v?([\d.]+)", r"epl-\1"),
        (r"(unlicense)\.org|(wtfpl)\.net|(mit)-license\.org|(?:ai\.google\.dev/)?(gemma)/terms", r"\1\2\3\4"),
        (r"boost\.org/license_1_0", "bsl-1.0"),
        (r"scripts\.sil\.org/ofl|openfontlicense\.org", "ofl-1.1"),
        (r"eupl\.eu/([\d.]+)", r"eupl-\1"),
    )
)
_PHRASES = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"[\"'“”‘’(),;:–—]", " "),
        (r"\b(?:gnu )?(?:lesser|library) general public\b", "lgpl"),
        (r"\b(?:gnu )?affero general public\b", "agpl"),
        (r"\b(?:gnu )?general public\b", "gpl"),
        (r"\b(?:gnu )?free documentation\b", "gfdl"),
        (r"\bgnu (?=[al]?gpl|gfdl|fdl)|\bcreative commons (?=cc\b)", ""),
        (r"\bmozilla public\b", "mpl"),
        (r"\beclipse public\b", "epl"),
        (r"\beuropean union public\b", "eupl"),
        (r"\bcommunity data licen[cs]e agreement\b", "cdla"),
        (r"\b(?:open data commons )?open database\b", "odbl"),
        (r"\bopen data commons attribution\b", "odc by"),
        (r"\b(?:open data commons )?public domain dedication and\b", "pddl"),
        (r"\bopen data commons (?=odbl|pddl|odc)", ""),
        (r"\bcreative commons (?:zero|0)\b|\bcc[ -]?zero\b", "cc0"),
        (r"\bcreative commons\b", "cc"),
        (r"\battribution\b", "by"),
        (r"\bnon-? ?commercial\b", "nc"),
        (r"\bshare-? ?alike\b", "sa"),
        (r"\bno-? ?deriv(?:ative)?s?(?: works)?\b", "nd"),
        (r"\bboost software\b", "bsl"),
        (r"\bapache software\b", "apache"),
        (r"\bllama[ -](\d(?:\.\d)?)(?: community)?\b", r"llama\1"),
        (r"\bsil open font\b", "ofl"),
        (r"\bacademic free\b", "afl"),
        (r"\b(?:or|and)\s+(?:at your option\s+)?(?:any\s+)?(?:later|newer|greater)\b", " or-later"),
        (r"(?<=\d)\+", " or-later"),
        (r"\b(\d) clause bsd\b|\b(\d)-clause bsd\b", r"bsd \1\2 clause"),
        (r"\bbsd[ -](\d)(?![\d.]|[ -]clause)", r"bsd \1 clause"),
        (r"\b(?:the|licen[cs]e[sd]?|versions?|under|international|unported|generic|universal|deed|dedication)\b", " "),
        (r"\bpublic domain(?: mark)?\b", "public-domain"),
        (r"\b(?:new\s+or\s+revised|new|revised|simplified)\b", " "),
        (r"\b([a-z]+?)[ -]?v(?=[\d.])", r"\1 "),
        (r"\bv(?=[ .]?\d)|\.(?!\d)", " "),
    )
)
_VERSION = re.compile(r"-\d+\.\d+.*")
_MANNER = re.compile(r"-(?:only|or-later)$")
_OPERATORS = re.compile(r"\s+with\s+[\w.-]*exception[\w.-]*|\s+(?:and|or)\s+|[()]")
_PUBLIC = ("public-domain", "cc0-1.0", "pddl-1.0", "pddl", "unlicense", "cc-pddc", "cc0")
_NAME = re.compile(r"\S+|.*(?:licen[cs]|agreement|terms|commons|copyright|rights|domain|\d).*", re.IGNORECASE)


def is_name(text: str) -> bool:
    """Whether ``text`` may name a licence, known or not: a word, an address, or words that speak of licences."""
    return bool(named(text) or _NAME.fullmatch(text.strip()))


def spelled(text: str) -> str:
    """``text`` as it is compared where nobody knows the licence: an address without what varies in addresses."""
    text = plain(text[:_LONGEST]).strip().lower()
    if match := _LINK.fullmatch(text):
        text = re.sub(r"(?:/|\.html?|\.txt|/legalcode(?:\.[a-z-]+)?|/deed(?:\.[a-z-]+)?)*$", "", _bare(match))
    return " ".join(text.removeprefix("licenseref-").split())


@lru_cache(maxsize=1 << 12)
def named(text: str) -> frozenset[str]:
    """Ids of the licences that ``text`` names, in lower case; empty where it names none that is known."""
    text = plain(text[:_LONGEST]).strip().lower()
    if match := _LINK.search(text):
        text = _behind(_bare(match)) or _LINK.sub(" ", text).strip()
    ids = frozenset(filter(None, map(_known, _parts(text))))
    if not ids and (inside := re.search(r"\(([^()]+)\)", text)):
        return named(inside[1])
    return ids


def agree(first: frozenset[str], second: frozenset[str]) -> bool:
    """Whether two texts, by the ids that they name, may mean one licence."""
    return any(_same(a, b) or _same(b, a) for a in first for b in second)


def _bare(match: re.Match[str]) -> str:
    """An address without what comes before its host and behind its path."""
    return re.split(r"[?#]", match[1], maxsplit=1)[0].rstrip(".,;)>\"'/")


def _behind(address: str) -> str:
    """The name of the licence that is known to be at ``address``; empty where none is."""
    address = re.sub(r"(?<=[-/])(\d)-(?=\d(?![\d.]))", r"\1.", address)
    found = ((pattern.match(address), name) for pattern, name in _ADDRESSES)
    name = next((match.expand(name) for match, name in found if match), "")
    return re.sub(r"\.(?:html?|txt|json|jsonld|rdf)$", "", name.rstrip("/.-"))


def _parts(text: str) -> tuple[str, ...]:
    """The parts of an SPDX expression, long names allowed in place of ids; ``text`` itself where it is none."""
    parts = tuple(part.strip() for part in _OPERATORS.split(text) if part.strip())
    return parts if all(map(_known, parts)) else (text,)


@lru_cache(maxsize=1 << 12)
def _known(text: str) -> str:
    """The id of one licence; empty where it is not known."""
    if text in NAMES or _is_spdx(text):
        return text.replace("+", "-or-later") if text[-2:-1].isdigit() else text
    for pattern, name in _PHRASES:
        text = pattern.sub(name, text)
    slug = "-".join(re.split(r"[\s_/-]+", text.strip()))
    slug = re.sub(r"^(apache|[al]?gpl|gfdl|mpl|epl|cc-by(?:-[a-z]{2})*|cc0)-?(?=\d)", r"\1-", slug.strip("-"))
    whole = re.sub(r"-(\d+)(?=-only$|-or-later$|$)", r"-\1.0", slug)
    unported = re.sub(r"^(cc-by[a-z-]*-[\d.]+)-[a-z]+$", r"\1", slug)
    return next((name for name in (slug, whole, unported) if name in NAMES or _is_spdx(name)), "")


def _is_spdx(text: str) -> bool:
    try:
        return " " not in text and not canonicalize_license_expression(text).startswith("LicenseRef-")
    except InvalidLicenseExpression:
        return False


def _same(wide: str, narrow: str) -> bool:
    """Whether ``wide`` names the licence ``narrow``, perhaps with less said."""
    if wide == narrow or (wide in _PUBLIC[:1] and narrow in _PUBLIC):
        return True
    if wide in ("cc", "bsd"):
        return narrow.startswith(wide)
    if wide == "openrail":
        return "rail" in narrow
    if not _VERSION.search(wide):
        return wide == _VERSION.sub("", narrow)
    gnu = re.match(r"[al]?gpl-|gfdl-", wide) and not _MANNER.search(wide)
    port = re.fullmatch(r"cc-[a-z-]+-[\d.]+", wide)
    return bool(gnu or port) and narrow.startswith(f"{wide}-")
