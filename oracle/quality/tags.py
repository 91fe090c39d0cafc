"""Language tags: many spellings of one language, one code to compare by.

People write ISO 639-1, 639-2 and 639-3 codes and BCP 47 tags ("no", "nob", "nb-NO", "EN_us", "iw"), and libraries
choose among them. Languages of one macrolanguage (ISO 639-3: Bokmål and Nynorsk; Bosnian, Croatian and Serbian;
Indonesian and Malay) share a code here: they are told apart by convention more than by their words.
"""

from __future__ import annotations

from functools import lru_cache

from langcodes import Language
from langcodes.data_dicts import MACROLANGUAGES
from langcodes.tag_parser import LanguageTagError

_LONGEST = 35  # characters, the length that RFC 5646 has every program accept


def one_code(tag: str) -> str:
    """The code of the (macro)language that ``tag`` names; what is no tag, as it stands in lower case."""
    return _one_code(tag.strip()[:_LONGEST])


@lru_cache(maxsize=1 << 12)
def _one_code(tag: str) -> str:
    try:
        language = Language.get(tag).language or ""
    except LanguageTagError:
        return tag.lower()
    return MACROLANGUAGES.get(language, language)
