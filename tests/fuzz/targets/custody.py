"""What keeps keys and data sets: manifests, wraps, key files, bid files, journals, deliveries."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

from eth_account import Account
from pydantic import TypeAdapter, ValidationError

from fuzz.change import change
from fuzz.damage import damage
from fuzz.forms import document, few, is_canonical, is_json, plain, record, varied
from fuzz.parties import (
    ACCOUNTS,
    CHAIN,
    CONTEXT,
    KEY,
    MARKET,
    OPERATOR,
    PROVIDER,
    READER,
    ROUND,
    File,
    Memory,
    documents,
    folder,
    sealed,
    sentence,
)
from fuzz.spelling import spell
from fuzz.target import Input, Target
from fuzz.targets.evidence import same
from oracle.chain.deploy import Deployment
from oracle.chain.exchange import exchange_of
from oracle.chain.keys import load_account, read_password
from oracle.corpus.canonical import canonical_line, parse_line
from oracle.corpus.document import Document
from oracle.custody import bidfile, bn254, delivery, passwordfile, stream
from oracle.custody import documents as tree
from oracle.custody.bidfile import Bid
from oracle.custody.contentkey import ContentKey, read_key, write_key
from oracle.custody.dataset import fetch_dataset, fetch_manifest, publish_dataset
from oracle.custody.journal import open_journal
from oracle.custody.keystore import KeyPair, Keys, load_keys, public_keys
from oracle.custody.manifest import read_manifest
from oracle.custody.publickeys import public_part, read_public_part
from oracle.custody.sealed import open_sealed
from oracle.custody.segments import whole
from oracle.custody.wraps import Wrap, read_wraps, require_signed, sign_wraps, unwrap_key, wrap_key
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import commitment

RUN = b"\x66" * 32
"""The salt of a packing."""
PASSWORD = "correct horse"
WORK = passwordfile.LEAST_WORK


def only_texts(found: Document) -> None:
    """What a parser of documents lets in has the types that a document says."""
    assert type(found.id) is type(found.text) is str, "id and text"
    stated = (found.source, found.date, found.lang, found.licence)
    assert {type(value) for value in stated} <= {str, type(None)}, "source, date, lang or licence"
    "".join((found.id, found.text, *filter(None, stated))).encode()


# --- document lines, alone, in a plain data set, in an opening and sealed ---


def _line(source: Random) -> bytes:
    return canonical_line(documents(source, 1)[0])


def _parse_line(data: bytes) -> None:
    found = parse_line(data)
    only_texts(found)
    assert canonical_line(found) == data


def _opening(source: Random) -> bytes:
    lines = [canonical_line(document) for document in documents(source)]
    return tree.prove(tree.salt_key(KEY, CONTEXT, RUN), lines, len(lines), source.randrange(len(lines))).to_bytes()


def _opening_varied(source: Random) -> Input:
    """An opening with one thing changed, or of a document with one thing changed that the root commits to."""
    if source.random() < 0.5:
        return varied(source, _opening)
    made = varied(source, _line)
    lines = [_line(source), made.data]
    try:
        opening = tree.prove(tree.salt_key(KEY, CONTEXT, RUN), lines, 2, 1)
    except UnicodeDecodeError:
        return varied(source, _opening)
    return Input(opening.to_bytes(), f"the document: {made.change}")


def _open(data: bytes) -> None:
    opening = tree.read_opening(data)
    only_texts(tree.verify(opening.document_root, opening))


def _plain_manifest(source: Random) -> bytes:
    return publish_dataset(Memory(), PROVIDER.address, documents(source)).to_bytes()


def _fetch_manifest(data: bytes) -> None:
    store = Memory()
    cid = store.put(data)
    found = fetch_manifest(store, commitment_digest(cid))
    same(found, data)
    fetch_dataset(store, found.digest, provider=found.provider, dataset_root=found.dataset_root)


def _fetch_manifest_warm(data: bytes) -> None:
    """A valid manifest is let in and ends at its shards, which this store lacks."""
    try:
        _fetch_manifest(data)
    except CheckFailed as error:
        if "is not in" not in str(error):
            raise


def commitment_digest(cid: str) -> bytes:
    from oracle.custody.cid import decode

    return decode(cid)[1]


# --- the sealed data set ---


def _sealed_manifest(_: Random) -> bytes:
    return sealed()[1].manifest.to_bytes()


def _read_manifest(data: bytes) -> None:
    found = read_manifest(data, name="manifest")
    same(found, data)
    assert len(found.dataset_root) == len(found.digest) == 32
    store, packed = sealed()
    for only_text in open_sealed(store, found, packed.key):
        only_texts(only_text)


def _stream(source: Random, lines: list[bytes]) -> bytes:
    return b"".join(stream.seal(KEY, CONTEXT, [b"".join(line + b"\n" for line in lines)], whole(RUN)))


def _ciphertext(source: Random) -> bytes:
    return _stream(source, [canonical_line(document) for document in documents(source)])


def _ciphertext_varied(source: Random) -> Input:
    """One thing changed in the text, which is then sealed with the right key: in one line, or in the lines."""
    lines = [canonical_line(document) for document in documents(source)]
    if source.random() < 0.8:
        made = varied(source, _line)
        lines[source.randrange(3)] = made.data
        return Input(_stream(source, lines), made.change)
    made = damage(source, b"\n".join(lines), _line(source))
    return Input(b"".join(stream.seal(KEY, CONTEXT, [made.data], whole(RUN))), made.change)


def _opens(data: bytes) -> bool:
    try:
        list(stream.unseal(KEY, CONTEXT, [data], whole(RUN)))
    except CheckFailed:
        return False
    return True


def _open_ciphertext(data: bytes) -> None:
    """The ciphertext of a bid whose manifest speaks of it; count and roots cannot fit, which is found at the end."""
    store, packed = sealed()
    content = store.add([data])
    told: dict[str, Any] = {"cid": content.cid, "ciphertext_size": content.size, "segments": whole(RUN)}
    manifest = packed.manifest.model_copy(update=told)
    told["key_commit"] = commitment.key_commit(
        chain_id=CHAIN,
        market=MARKET,
        round=ROUND,
        provider=PROVIDER.address,
        content_hash=manifest.content_hash,
        key=KEY,
    )
    for found in open_sealed(store, packed.manifest.model_copy(update=told), KEY):
        only_texts(found)


def _open_ciphertext_warm(data: bytes) -> None:
    try:
        _open_ciphertext(data)
    except CheckFailed as error:
        if "is not what the manifest says" not in str(error):
            raise


# --- wraps ---


def _wrapped(source: Random) -> list[Wrap]:
    public = READER.x25519_public
    others = [(account.address, KeyPair(source.randbytes(32), 1).x25519_public) for account in ACCOUNTS[3:]]
    return [wrap_key(CONTEXT, KEY, who, key) for who, key in [(OPERATOR.address, public), *others]]


def _wraps(source: Random) -> bytes:
    return sign_wraps(PROVIDER, sealed()[1].manifest, _wrapped(source)).to_bytes()


def _wraps_varied(source: Random) -> Input:
    """One thing changed in the wraps, which their provider signs then wherever it can; or in what it signed."""
    made = varied(source, lambda source: spell([wrap.model_dump(mode="json") for wrap in _wrapped(source)]))
    try:
        wraps = TypeAdapter(tuple[Wrap, ...]).validate_json(made.data)
        return Input(sign_wraps(PROVIDER, sealed()[1].manifest, wraps).to_bytes(), f"{made.change}, signed")
    except ValidationError:
        return varied(source, _wraps)


def _unwrap(data: bytes) -> None:
    manifest = sealed()[1].manifest
    found = read_wraps(data, manifest=manifest.digest, name="wraps")
    same(found, data)
    require_signed(manifest, found, name="wraps")
    assert unwrap_key(manifest, found, OPERATOR.address, READER.x25519) == KEY


# --- files under a password ---


def _bid(source: Random) -> Bid:
    return Bid(
        chain=CHAIN,
        market=MARKET,
        round=ROUND,
        provider=PROVIDER.address,
        terms_hash=source.randbytes(32),
        dataset_root=source.randbytes(32),
        manifest=source.randbytes(32),
        cost=source.randrange(1 << 64),
        salt=source.randbytes(32),
        content_key=source.choice((None, source.randbytes(32))),
    )


def _bid_header(source: Random) -> dict[str, Any]:
    place = {"chain": CHAIN, "market": MARKET, "provider": PROVIDER.address, "round": ROUND}
    return {"kind": "mixed-mia/bid/1", **place, **_password_header(source)}


def _password_header(source: Random) -> dict[str, Any]:
    return {
        "cipher": "aes-256-gcm",
        "nonce": source.randbytes(12).hex(),
        "scrypt": {"n": WORK, "p": 1, "r": 8, "salt": "00" * 32},
    }


def _locked(header: Any, plain_text: bytes) -> bytes:
    """A file of this header, whatever it says: its ciphertext and its checksum fit to it."""
    from hashlib import sha256

    bound = spell(header)
    ciphertext = _cipher().encrypt(_nonce(header), plain_text, bound)
    checksum = sha256(bound + ciphertext).hexdigest()
    return spell({"ciphertext": ciphertext.hex(), "header": header, "sha256": checksum})


@cache
def _cipher() -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(passwordfile._key(PASSWORD, passwordfile.Scrypt(n=WORK, salt="00" * 32)))


def _nonce(header: Any) -> bytes:
    try:
        found = bytes.fromhex(header["nonce"])
    except (ValueError, TypeError, KeyError):
        return bytes(12)
    return found if 8 <= len(found) <= 128 else bytes(12)


def _locked_varied(header: dict[str, Any], content: bytes, source: Random) -> Input:
    """One thing changed in the header, in the content under the password, or in the file around them."""
    match source.randrange(3):
        case 0:
            changed = change(source, header)
            return Input(_locked(changed.value, content), f"header: {changed.how}")
        case 1:
            try:
                changed = change(source, json.loads(content))
                return Input(_locked(header, spell(changed.value)), f"content: {changed.how}")
            except ValueError:
                made = damage(source, content, content)
                return Input(_locked(header, made.data), f"content: {made.change}")
        case _:
            return varied(source, lambda _: _locked(header, content))


def _bid_file(source: Random) -> bytes:
    return _locked(_bid_header(source), _bid_content(source))


def _bid_content(source: Random) -> bytes:
    return spell(_bid(source).model_dump(mode="json", exclude_none=True))


def _read_bid(data: bytes) -> None:
    path = File("bid").holding(data)
    found = bidfile.read_bid(path, PASSWORD)
    assert len(found.sealed()) == 32


def _key_pairs(source: Random) -> list[KeyPair]:
    return [KeyPair(bytes([3 + number]) * 32, 5 + number) for number in range(2)]


@cache
def _publics() -> list[dict[str, Any]]:
    return [
        {"bn254": list(map(str, pair.bn254_public)), "x25519": f"0x{pair.x25519_public.hex()}"}
        for pair in _key_pairs(Random(0))
    ]


def _key_header(source: Random) -> dict[str, Any]:
    return {
        "kind": "mixed-mia/keys/1",
        "owner": OPERATOR.address,
        "generations": _publics(),
        **_password_header(source),
    }


def _key_content(source: Random) -> bytes:
    return b"".join(pair.x25519 + bn254.words(pair.bn254) for pair in _key_pairs(source))


def _key_file(source: Random) -> bytes:
    return _locked(_key_header(source), _key_content(source))


def _load_keys(data: bytes) -> None:
    path = File("keys").holding(data)
    found = load_keys(path, PASSWORD)
    assert found.public == public_keys(path)


def _public_part(data: bytes) -> None:
    found = public_keys(File("keys").holding(data))
    assert len(found.x25519) == 32 and bn254.is_on_curve(found.bn254)


def _shown(source: Random) -> bytes:
    """What `mia key public` writes."""
    keys = Keys(OPERATOR.address, tuple(_key_pairs(source)))
    return public_part(OPERATOR, keys).to_bytes()


def _read_shown(data: bytes) -> None:
    found = read_public_part(File("shown.public.json").holding(data))
    assert found.owner == OPERATOR.address and bn254.is_on_curve(found.bn254)


@cache
def keystores() -> tuple[str, str]:
    return tuple(  # type: ignore[return-value]
        json.dumps(Account.encrypt(OPERATOR.key, PASSWORD, kdf=kdf, iterations=work))
        for kdf, work in (("scrypt", 2), ("pbkdf2", 1))
    )


def _load_account(data: bytes) -> None:
    password = folder() / "password"
    password.write_text(PASSWORD)
    assert load_account(File("keystore").holding(data), password_file=password).address == OPERATOR.address


def _password(source: Random) -> bytes:
    return f"{sentence(source)}\r\n{sentence(source)}\n".encode()


def _read_password(data: bytes) -> None:
    assert read_password(File("password-file").holding(data))


# --- other files ---


def _content_key(source: Random) -> bytes:
    path = folder() / "key.json"
    write_key(path, ContentKey(manifest=source.randbytes(32), key=source.randbytes(32)))
    return path.read_bytes()


def _read_key(data: bytes) -> None:
    found = read_key(data, name="key")
    assert len(found.key) == len(found.manifest) == 32


def _journal(source: Random) -> bytes:
    path = folder() / f"{source.random()}.packing"
    with open_journal(path, CONTEXT) as journal:
        chunks = [source.randbytes(40) for _ in range(source.randint(0, 3))]
        list(journal.guard(chunks, journal.segments()[-1]))
    data = path.read_bytes()
    path.unlink()
    return data


def _journal_varied(source: Random) -> Input:
    line, _, tags = _journal(source).partition(b"\n")
    made = varied(source, lambda _: line)
    return Input(made.data + b"\n" + tags, made.change)


def _read_journal(data: bytes) -> None:
    with open_journal(File("journal").holding(data), CONTEXT) as journal:
        assert len(journal.key) == 32
        list(journal.guard([], journal.segments()[-1]))


def _deployment(source: Random) -> bytes:
    path = folder() / "deployment.json"
    Deployment(CHAIN, MARKET, ACCOUNTS[0].address, ACCOUNTS[1].address, source.randrange(1 << 30)).save(path)
    return path.read_bytes()


def _load_deployment(data: bytes) -> None:
    found = Deployment.load(File("deployment").holding(data))
    assert type(found.chain_id) is type(found.block) is int
    assert all(type(value) is str for value in (found.market, found.committee, found.shares))


# --- deliveries, as words of the chain ---

SALE = delivery.Sale(CHAIN, exchange_of(MARKET), MARKET, ROUND, PROVIDER.address)
WORDS = 7
EDGES = (0, 1, 2, bn254.ORDER - 1, bn254.ORDER, bn254.FIELD - 1, bn254.FIELD, (1 << 256) - 1)


@cache
def parcel() -> delivery.Delivery:
    return delivery.deliver(
        SALE, KEY, READER.bn254_public, deliverer=PROVIDER.address, content_hash=b"\x01" * 32, key_commit=b"\x02" * 32
    )


def _parcel() -> bytes:
    made = parcel()
    proof = bn254.words(made.proof.challenge, made.proof.response)
    return bn254.encode(made.point) + made.sealed_key + proof + made.content_hash + made.key_commit


def _parcel_varied(source: Random) -> Input:
    at, value = source.randrange(WORDS), source.choice((*EDGES, source.getrandbits(256)))
    data = _parcel()
    return Input(data[: 32 * at] + bn254.words(value) + data[32 * (at + 1) :], f"word {at} is {value}")


def _is_parcel(data: bytes) -> bool:
    return len(data) == 32 * WORDS


def _open_delivery(data: bytes) -> None:
    """As the planner does with what the log of the chain holds: seven words, or the library refused it before."""
    if not _is_parcel(data):
        raise CheckFailed("no parcel")
    word = [data[at : at + 32] for at in range(0, len(data), 32)]
    number = [int.from_bytes(one, "big") for one in word]
    proof = bn254.Proof(number[3], number[4])
    made = delivery.Delivery(PROVIDER.address, (number[0], number[1]), word[2], proof, word[5], word[6])
    opened = delivery.open_delivery(SALE, READER.bn254, made)
    assert len(opened) == 32
    if delivery.delivery_holds(SALE, made):
        delivery.is_of(SALE, made, bytes(32))
        delivery.is_committed(SALE, made, opened)


def _locked_target(
    name: str,
    header: Callable[[Random], dict[str, Any]],
    content: Callable[[Random], bytes],
    parse: Callable[[bytes], object],
    **rest: Any,
) -> Target:
    return Target(
        name,
        lambda source: _locked(header(source), content(source)),
        lambda source: _locked_varied(header(source), content(source), source),
        is_json,
        parse,
        **rest,
    )


TARGETS = (
    record("document line", _line, _parse_line, allowed=(BadInput,)),
    Target("document opening", _opening, _opening_varied, is_canonical, _open, allowed=(CheckFailed,)),
    record("plain manifest", _plain_manifest, _fetch_manifest_warm, allowed=(CheckFailed,)),
    record("sealed manifest", _sealed_manifest, _read_manifest, allowed=(CheckFailed,)),
    Target("sealed stream", _ciphertext, _ciphertext_varied, _opens, _open_ciphertext_warm, allowed=(CheckFailed,)),
    Target("wraps", few(_wraps), _wraps_varied, is_canonical, _unwrap, allowed=(CheckFailed,)),
    _locked_target("bid file", _bid_header, _bid_content, _read_bid, cost=3),
    _locked_target("key file", _key_header, _key_content, _load_keys, cost=3, memory=160),
    _locked_target("key file, public part", _key_header, _key_content, _public_part),
    record("public part of a key file", few(_shown), _read_shown),
    document("keystore", lambda source: source.choice(keystores()).encode(), _load_account, memory=300),
    plain("password file", _password, _read_password, lambda data: True),
    document("content key", _content_key, _read_key, allowed=(BadInput,)),
    Target("packing journal", _journal, _journal_varied, lambda data: is_json(data.partition(b"\n")[0]), _read_journal),
    document("deployment", _deployment, _load_deployment),
    Target("delivery", lambda _: _parcel(), _parcel_varied, _is_parcel, _open_delivery, cost=4),
)
