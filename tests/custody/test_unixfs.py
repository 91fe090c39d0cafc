"""Files as blocks, against Kubo's published content ids, a naive second implementation, and hostile nodes."""

import hashlib
import random
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from oracle.custody import cid as cids
from oracle.custody import dagpb, unixfs, varint
from oracle.custody.dagpb import Link
from oracle.errors import BadInput, CheckFailed

MIB = 1 << 20


# --- the profile once more, the plain way ---


def number(value: int) -> bytes:
    out = b""
    while value >= 128:
        out, value = out + bytes([value % 128 + 128]), value // 128
    return out + bytes([value])


def naive(leaves: list[tuple[bytes, int]], most: int) -> tuple[bytes, int]:
    """Binary content id and total size of a file out of its leaves (digest, size), by whole levels."""
    level = [(b"\x01\x55\x12\x20" + digest, size, size) for digest, size in leaves]
    while len(level) > 1:
        parents = []
        for start in range(0, len(level), most):
            group = level[start : start + most]
            links = b""
            for raw, _, total in group:
                link = b"\x0a\x24" + raw + b"\x12\x00" + b"\x18" + number(total)
                links += b"\x12" + number(len(link)) + link
            data = b"\x08\x02\x18" + number(sum(size for _, size, _ in group))
            data += b"".join(b"\x20" + number(size) for _, size, _ in group)
            node = links + b"\x0a" + number(len(data)) + data
            raw = b"\x01\x70\x12\x20" + hashlib.sha256(node).digest()
            parents.append((raw, sum(size for _, size, _ in group), len(node) + sum(total for _, _, total in group)))
        level = parents
    return level[0][0], level[0][1]


def naive_of(data: bytes, leaf: int, most: int) -> tuple[bytes, int]:
    pieces = [data[start : start + leaf] for start in range(0, len(data), leaf)] or [b""]
    return naive([(hashlib.sha256(piece).digest(), len(piece)) for piece in pieces], most)


# --- writing ---


def keystream(seed: str, size: int) -> Iterator[bytes]:
    """The bytes that the test vectors of IPIP-499 are made of: ChaCha20, key sha256(seed), counter and nonce zero."""
    cipher = Cipher(algorithms.ChaCha20(hashlib.sha256(seed.encode()).digest(), bytes(16)), None).encryptor()
    while size:
        part = min(size, MIB)
        yield cipher.update(bytes(part))
        size -= part


@pytest.mark.parametrize(
    ("seed", "size", "cid"),
    [  # kubo, test/cli/cid_profiles_test.go, profile unixfs-v1-2025
        ("chunk-v1-seed", MIB, "bafkreiacndfy443ter6qr2tmbbdhadvxxheowwf75s6zehscklu6ezxmta"),
        ("chunk-v1-seed", MIB + 1, "bafybeigmix7t42i6jacydtquhet7srwvgpizfg7gjbq7627d35mjomtu64"),
        ("v1-2025-seed", 1024 * MIB, "bafybeihmf37wcuvtx4hpu7he5zl5qaf2ineo2lqlfrapokkm5zzw7zyhvm"),
        ("v1-2025-seed", 1024 * MIB + 1, "bafybeibdsi225ugbkmpbdohnxioyab6jsqrmkts3twhpvfnzp77xtzpyhe"),
    ],
)
def test_the_ids_that_kubo_publishes_for_the_profile(seed: str, size: int, cid: str) -> None:
    root = deque(unixfs.build(keystream(seed, size)), maxlen=1).pop()
    assert (root.cid, root.size) == (cid, size)


@pytest.mark.parametrize("size", [0, 1, 262_144, MIB - 1, MIB, MIB + 1, 2 * MIB - 1, 2 * MIB, 2 * MIB + 1, 7 * MIB + 5])
def test_sizes_around_every_chunk_border(size: int) -> None:
    data = random.Random(size).randbytes(size)
    *_, root = unixfs.build([data])
    assert (cids.to_bytes(root.cid), root.size) == naive_of(data, MIB, 1024)


@pytest.mark.parametrize("count", [1023, 1024, 1025, 2047, 2048, 2049, 3 * 1024 + 7])
@pytest.mark.parametrize("rest", [0, 1])
def test_sizes_around_every_link_border(count: int, rest: int) -> None:
    # gigabytes of one leaf again and again: only its digest has to be worked out each time
    leaf, tail = bytes(MIB), b"x" * rest
    links = [(hashlib.sha256(leaf).digest(), MIB)] * count + [(hashlib.sha256(tail).digest(), 1)] * rest
    *_, root = (block for block in fast([leaf] * count + [tail] * rest) if unixfs.is_node(block.cid))
    assert (cids.to_bytes(root.cid), root.size) == naive(links, 1024)


def fast(leaves: list[bytes]) -> Iterator[unixfs.Block]:
    known = {leaf: cids.of(leaf) for leaf in set(leaves)}
    of = cids.of
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cids, "of", lambda data, codec=cids.RAW: known[data] if codec == cids.RAW else of(data, codec))
        yield from unixfs.build(leaves)


def test_every_number_of_leaves_in_a_narrow_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unixfs, "LEAF_SIZE", 3)
    monkeypatch.setattr(unixfs, "MAX_LINKS", 4)
    data = random.Random(1).randbytes(4**5 * 3 + 2)
    for size in [*range(0, 4**3 * 3 + 20), *range(4**4 * 3 - 5, 4**4 * 3 + 6), 4**5 * 3 - 1, 4**5 * 3, 4**5 * 3 + 1]:
        *_, root = unixfs.build([data[:size]])
        assert (cids.to_bytes(root.cid), root.size) == naive_of(data[:size], 3, 4), size


def test_the_id_depends_on_the_bytes_and_not_on_the_pieces() -> None:
    data = random.Random(2).randbytes(3 * MIB + 17)
    *_, whole = unixfs.build([data])
    for seed in range(5):
        draw, pieces, start = random.Random(seed), [], 0
        while start < len(data):
            size = draw.choice([0, 1, 1000, MIB - 1, MIB, MIB + 1, 2 * MIB])
            pieces.append(data[start : start + size])
            start += size
        *_, root = unixfs.build(pieces)
        assert root == whole
    *_, views = unixfs.build([memoryview(data)[:MIB], bytearray(data[MIB:])])
    assert views == whole


def test_the_root_comes_last_and_children_before_parents() -> None:
    seen: set[str] = set()
    blocks = list(fast([bytes(MIB)] * 2050))
    for block in blocks:
        if unixfs.is_node(block.cid):
            assert all(link.cid in seen for link in dagpb.decode(block.data))
        seen.add(block.cid)
    assert blocks[-1].size == 2050 * MIB


# --- reading ---


def kept(data: bytes) -> tuple[dict[str, bytes], str]:
    blocks = list(unixfs.build([data]))
    return {block.cid: block.data for block in blocks}, blocks[-1].cid


@pytest.mark.parametrize("size", [0, 1, MIB, MIB + 1, 3 * MIB, 3 * MIB + 1])
def test_a_file_comes_back(size: int) -> None:
    data = random.Random(size).randbytes(size)
    blocks, root = kept(data)
    assert b"".join(unixfs.read(blocks.__getitem__, root, max_size=size)) == data
    assert {link.cid for link in unixfs.reachable(blocks.__getitem__, root)} == set(blocks)
    if size:
        with pytest.raises(CheckFailed) as failure:
            next(unixfs.read(blocks.__getitem__, root, max_size=size - 1))
        assert failure.value.input == root


def test_deep_files_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unixfs, "LEAF_SIZE", 3)
    monkeypatch.setattr(unixfs, "MAX_LINKS", 4)
    monkeypatch.setattr(unixfs, "LEAST_MEAN_LEAF", 1)
    data = random.Random(3).randbytes(4**4 * 3 + 1)
    for size in range(0, len(data), 41):
        blocks, root = kept(data[:size])
        assert b"".join(unixfs.read(blocks.__getitem__, root, max_size=size)) == data[:size]


class Foreign:
    """Blocks that a stranger made: anything that can be hashed."""

    def __init__(self) -> None:
        self.blocks: dict[str, bytes] = {}
        self.reads = 0

    def leaf(self, data: bytes) -> Link:
        return self._keep(data, cids.RAW, len(data))

    def node(self, links: list[Link]) -> Link:
        return self._keep(dagpb.encode(links), cids.DAG_PB, sum(link.size for link in links))

    def raw_node(self, data: bytes) -> Link:
        return self._keep(data, cids.DAG_PB, 0)

    def get(self, cid: str) -> bytes:
        self.reads += 1
        return self.blocks[cid]

    def refused(self, root: Link, *, reads: int, max_size: int = 1 << 62) -> str:
        """Why reading is refused, after at most ``reads`` blocks."""
        self.reads = 0
        with pytest.raises(CheckFailed) as failure:
            for _ in unixfs.read(self.get, root.cid, max_size=max_size):
                pass
        assert self.reads <= reads
        return str(failure.value)

    def _keep(self, data: bytes, codec: int, size: int) -> Link:
        cid = cids.of(data, codec)
        self.blocks[cid] = data
        return Link(cid, size, size)


def test_other_chunk_sizes_are_read() -> None:
    foreign = Foreign()
    leaves = [foreign.leaf(bytes([i]) * 262_144) for i in range(9)]
    root = foreign.node([foreign.node(leaves[:4]), leaves[4], foreign.node([foreign.node(leaves[5:])])])
    data = b"".join(bytes([i]) * 262_144 for i in range(9))
    assert b"".join(unixfs.read(foreign.get, root.cid, max_size=1 << 30)) == data


def test_a_tower_is_refused() -> None:
    foreign = Foreign()
    top = foreign.leaf(bytes(MIB))
    for _ in range(1000):
        top = foreign.node([top])
    assert "deeper" in foreign.refused(top, reads=20)
    with pytest.raises(CheckFailed):
        list(unixfs.reachable(foreign.get, top.cid))


def test_a_bomb_of_shared_nodes_is_refused_before_it_is_read() -> None:
    foreign = Foreign()
    top = foreign.leaf(b"x")
    for _ in range(6):
        top = foreign.node([top] * 1024)  # 2^60 bytes out of seven blocks
    assert "at most" in foreign.refused(top, reads=1, max_size=1 << 40)
    with pytest.raises(CheckFailed, match="at most"):
        list(unixfs.reachable(foreign.get, top.cid))
    assert len(list(unixfs.reachable(foreign.get, top.cid, max_size=1 << 62))) == 7


def test_a_file_of_crumbs_is_refused() -> None:
    foreign = Foreign()
    crumb = foreign.leaf(b"x")
    root = foreign.node([foreign.node([crumb] * 1024)] * 1024)
    assert "finer" in foreign.refused(root, reads=2000)


def test_a_tree_of_nothing_is_refused() -> None:
    foreign = Foreign()
    nothing = foreign.leaf(b"")
    assert "link to nothing" in foreign.refused(foreign.node([nothing] * 1024), reads=1)
    empty = foreign.node([])
    assert list(unixfs.read(foreign.get, empty.cid, max_size=0)) == []


@pytest.mark.parametrize("claimed", [0, 1, MIB - 1, MIB + 1, 1 << 40])
def test_a_leaf_of_another_size_than_claimed_is_refused(claimed: int) -> None:
    foreign = Foreign()
    leaf = foreign.leaf(bytes(MIB))
    foreign.refused(foreign.node([Link(leaf.cid, claimed, MIB), leaf]), reads=2)
    inner = foreign.node([leaf, leaf])
    foreign.refused(foreign.node([Link(inner.cid, claimed, MIB)]), reads=3)


def test_too_wide_a_node_is_refused() -> None:
    foreign = Foreign()
    assert "1025 links" in foreign.refused(foreign.node([foreign.leaf(bytes(MIB))] * 1025), reads=1)


def test_links_to_unknown_kinds_are_refused() -> None:
    foreign = Foreign()
    good = dagpb.encode([foreign.leaf(b"x"), foreign.leaf(b"y")])
    raw = cids.to_bytes(foreign.leaf(b"x").cid)
    for other in (b"\x01\x71" + raw[2:], b"\x01\x55\x13\x20" + raw[4:], b"\x01\x55\x00\x20" + raw[4:]):
        assert "not a content id" in foreign.refused(foreign.raw_node(good.replace(raw, other)), reads=1)


def test_other_nodes_than_files_are_refused() -> None:
    foreign = Foreign()
    assert "UnixFS file" in foreign.refused(foreign.raw_node(b"\n\x02\x08\x01"), reads=1)  # a directory
    assert "raw leaves" in foreign.refused(foreign.raw_node(b"\n\x06\x08\x02\x12\x02hi"), reads=1)  # bytes inside
    assert "UnixFS file" in foreign.refused(foreign.raw_node(b""), reads=1)
    assert "sizes" in foreign.refused(foreign.raw_node(b"\n\x06\x08\x02\x18\x01\x20\x01"), reads=1)  # a size, no link


def test_damaged_nodes_raise_nothing_but_check_failed() -> None:
    foreign, draw = Foreign(), random.Random(4)
    node = dagpb.encode([foreign.leaf(bytes([i])) for i in range(5)])
    for _ in range(3000):
        data = bytearray(node)
        for _ in range(draw.choice([1, 1, 2, 10])):
            data[draw.randrange(len(data))] = draw.randrange(256)
        data = data[: draw.choice([len(data), draw.randrange(len(data))])]
        root = foreign.raw_node(bytes(data))
        with pytest.raises((CheckFailed, KeyError)):  # KeyError: a digest changed, the store would say it is missing
            list(unixfs.read(foreign.get, root.cid, max_size=1 << 30))
            raise KeyError  # only names or totals changed, which do not matter


# --- the one shape of a size ---


def test_a_file_of_a_known_size_has_one_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unixfs, "LEAF_SIZE", 3)
    monkeypatch.setattr(unixfs, "MAX_LINKS", 4)
    monkeypatch.setattr(unixfs, "LEAST_MEAN_LEAF", 1)
    data = random.Random(5).randbytes(4**4 * 3 + 14)
    for size in [*range(60), *range(4**3 * 3 - 4, 4**3 * 3 + 8), 4**4 * 3 - 1, 4**4 * 3, 4**4 * 3 + 1]:
        blocks, root = kept(data[:size])
        assert b"".join(unixfs.read(blocks.__getitem__, root, max_size=size, exact=True)) == data[:size]
        assert {link.cid for link in unixfs.reachable(blocks.__getitem__, root, max_size=size, exact=True)} == set(
            blocks
        )
        for other in {size + 1, max(0, size - 1)} - {size}:
            with pytest.raises(CheckFailed):
                list(unixfs.read(blocks.__getitem__, root, max_size=other, exact=True))


@pytest.mark.parametrize(
    "cut",
    [
        lambda f, full, end: f.node([full, f.node([full, end])]),  # another depth
        lambda f, full, end: f.node([f.node([full, full, end])]),  # a node too many
        lambda f, full, end: f.node([full, end, full]),  # the short one is not the last
        lambda f, full, end: f.node([full, *[f.leaf(bytes(1 << 19))] * 2, end]),  # finer leaves
        lambda f, full, end: f.node([full, f.node([full]), end]),
    ],
)
def test_another_shape_of_the_same_bytes_is_refused_unread(cut: Callable[[Foreign, Link, Link], Link]) -> None:
    foreign = Foreign()
    root = cut(foreign, foreign.leaf(bytes(MIB)), foreign.leaf(b"end"))
    list(unixfs.read(foreign.get, root.cid, max_size=2 * MIB + 3))
    for call in (unixfs.read, unixfs.reachable):
        foreign.reads = 0
        with pytest.raises(CheckFailed, match="not cut as"):
            list(call(foreign.get, root.cid, max_size=2 * MIB + 3, exact=True))
        assert foreign.reads <= 2


def walked(foreign: Foreign, root: Link, **bounds: Any) -> int:
    """Blocks read before a walk is refused."""
    foreign.reads = 0
    with pytest.raises(CheckFailed):
        list(unixfs.reachable(foreign.get, root.cid, **bounds))
    return foreign.reads


def test_a_walk_reads_no_more_than_the_size_allows() -> None:
    """Three hundred nodes of a thousand crumbs each: a megabyte that would cost 300,301 questions."""
    foreign = Foreign()
    nodes = []
    for high in range(300):
        crumbs = [foreign.leaf(bytes([high % 256, high // 256, n % 256, n // 256])) for n in range(1000)]
        nodes.append(foreign.node(crumbs))
    root = foreign.node(nodes)
    assert walked(foreign, root, max_size=1_200_000) < 5
    assert walked(foreign, root, max_size=1_200_000, exact=True) <= 1
    assert walked(foreign, root) < 5


def test_shared_subtrees_are_walked_once() -> None:
    foreign = Foreign()
    level = [foreign.leaf(bytes([n]) * 5000) for n in range(2)]
    for _ in range(6):
        level = [foreign.node([level[0], level[1]] * 5), foreign.node([level[1], level[0]] * 5)]  # like each other
    foreign.reads = 0
    blocks = list(unixfs.reachable(foreign.get, level[0].cid, max_size=1 << 40))
    assert len(blocks) == len({link.cid for link in blocks}) == 2 + 2 * 5 + 1 and foreign.reads == 11
    assert foreign.refused(level[0], reads=1, max_size=1 << 30)  # read in full it is ten million leaves


def test_sizes_that_lie_end_a_walk() -> None:
    foreign = Foreign()
    leaf, other = foreign.leaf(bytes(MIB)), foreign.leaf(b"x" * MIB)
    inner = foreign.node([leaf, other])
    for claimed in (1, MIB, 2 * MIB - 1, 2 * MIB + 1, 1 << 36):
        assert walked(foreign, foreign.node([leaf, Link(inner.cid, claimed, 0)])) <= 2
    again = foreign.node([inner, Link(leaf.cid, 5, 0)])  # two sizes of one block
    assert walked(foreign, again) <= 2


def test_a_node_of_names_is_refused() -> None:
    foreign = Foreign()
    link = dagpb.encode([foreign.leaf(bytes(MIB))])
    padded = link + b"\x12" + varint.encode(1 << 18) + bytes(1 << 18)
    assert "a node of" in foreign.refused(foreign.raw_node(padded), reads=1)


def test_what_is_no_content_id() -> None:
    for call in (
        lambda: list(unixfs.read({}.__getitem__, "nothing", max_size=1)),
        lambda: list(unixfs.reachable({}.__getitem__, "")),
    ):
        with pytest.raises(BadInput):
            call()


# --- the integers under all of it ---


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 16_383, 16_384, (1 << 63) - 1])
def test_integers_come_back(value: int) -> None:
    assert varint.decode(b"??" + varint.encode(value) + b"!", 2) == (value, 2 + len(varint.encode(value)))
    assert varint.encode(value) == number(value)


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 9, b"\xff" * 12, b"\x80\x00", b"\x81\x80\x00"])
def test_integers_have_an_end_and_one_spelling(data: bytes) -> None:
    with pytest.raises(ValueError):
        varint.decode(data)
