"""Bytes as the text they are: UTF-8 where it is valid, else repaired - and counted, because a guess is a guess.

What is not UTF-8 is, in this order: UTF-16 or UTF-32 with its byte order mark; UTF-8 with a few bytes of cp1252 among
it (files glued together); cp1252, if that yields the letters and quotes of western Europe; what charset-normalizer
finds in its first ``_SAMPLE`` bytes; cp1252 all the same. The result depends on the bytes alone.
"""

from __future__ import annotations

import codecs
from collections import Counter

import charset_normalizer

from oracle.errors import BadInput

MARK = "\ufeff"
"""The byte order mark, as UTF-8 has it at the start of files, and of lines where files were joined."""

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WESTERN = frozenset("äöüßÄÖÜéèêëàâáãåîíïôóòõúùûñçœæøÉÈÊÀÂÁÅÎÍÔÓÚÑÇŒÆØ¿¡«»‹›“”„‘’‚–—…•·€£¥§°ºª©®™±×½¼´\u00a0")
_TYPICAL = 0.95  # share of western letters and signs among the other than ASCII characters
_SAMPLE = 2**16
_TRIES = 50  # a file: a look takes up to a tenth of a second
_LEGACY = (
    *("cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "iso8859_2", "koi8_r", "cp866"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
)
"""What text is found in; among all encodings there are, charset-normalizer would find rarer ones than are used."""
_CONTROLS = bytes({*range(32), 127} - set(b"\t\n\v\f\r\b\x1b"))
_BINARY = 0.02  # share of control characters that no text has


def wide_encoding(opening: bytes) -> str | None:
    """The codec that a byte order mark of UTF-16 or UTF-32 asks for, if ``opening`` begins with one."""
    return next((codec for mark, codec in _MARKS if opening.startswith(mark)), None)


def unmarked(data: bytes, name: str) -> bytes:
    """A small file that a person may have saved with an editor, as UTF-8: without the byte order mark that Notepad
    writes, converted where the mark is that of UTF-16 or UTF-32 (PowerShell).

    Raises:
        BadInput: the mark promises what the bytes are not.
    """
    codec = wide_encoding(data)
    if codec is None:
        return data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode(codec).encode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} is no {codec.upper()}", input=name, hint="save it as UTF-8") from error


def refuse_binary(opening: bytes, place: str) -> None:
    """Raise where the first bytes of a file are no text in any encoding.

    Raises:
        BadInput: too many control characters, and no byte order mark that explains them.
    """
    controls = len(opening) - len(opening.translate(None, _CONTROLS))
    if controls > _BINARY * len(opening) and not wide_encoding(opening):
        hint = "give the text itself; UTF-16 needs its byte order mark"
        raise BadInput(f"{place} is a binary file, not text", input=place, hint=hint)


class Decoder:
    """Decodes the pieces (lines or all) of one file; ``repaired`` counts those that were not UTF-8 by encoding."""

    def __init__(self, repaired: Counter[str]) -> None:
        self._repaired = repaired
        self._tries = _TRIES
        self._found: str | None = None  # what charset-normalizer said: the lines of a file mostly agree

    def decode(self, data: bytes) -> str:
        """``data`` as text, whatever it is."""
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            text, encoding = self._legacy(data)
            self._repaired[encoding] += 1
            return text

    def _legacy(self, data: bytes) -> tuple[str, str]:
        escaped = data.decode("utf-8", "surrogateescape")
        broken = len(escaped) - len(data.decode("utf-8", "ignore"))
        if len(escaped) - len(escaped.encode("ascii", "ignore")) > 2 * broken:
            mended = "".join(_cp1252(bytes([ord(c) - 0xDC00])) if "\udc80" <= c <= "\udcff" else c for c in escaped)
            return mended, "utf-8 with cp1252"
        western = _cp1252(data)
        foreign = [character for character in western if character > "\x7f"]
        letters = sum(map(str.isalpha, western))
        if 3 * len(foreign) < letters and sum(c in _WESTERN for c in foreign) >= _TYPICAL * len(foreign):
            return western, "cp1252"
        for found in (self._found, None):
            encoding = found or self._normalizer(data)
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError:
                continue
            self._found = found or encoding
            return text, encoding
        return western, "cp1252"

    def _normalizer(self, data: bytes) -> str:
        if not self._tries:
            return "utf-8"  # which it is not
        self._tries -= 1
        best = charset_normalizer.from_bytes(data[:_SAMPLE], cp_isolation=list(_LEGACY)).best()
        return best.encoding if best else "cp1252"


def _cp1252(data: bytes) -> str:
    """As browsers read it: the five bytes that cp1252 leaves open are the control characters of Latin-1."""
    return data.decode("cp1252", "surrogateescape").translate(_OPEN)


_OPEN = {0xDC00 + byte: byte for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}
