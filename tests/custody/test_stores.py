"""What every content store does: each test runs on a folder and on a real IPFS daemon."""

from __future__ import annotations

import io
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from oracle.custody import car, dagpb, unixfs
from oracle.custody import cid as cids
from oracle.custody.dagpb import Link
from oracle.custody.store import MAX_BLOCK, ContentStore, LocalStore, block_cid
from oracle.errors import BadInput, CheckFailed

MIB = 1 << 20
SOME = 1 << 40


def fresh(size: int) -> bytes:
    """Bytes that no other test has stored: the daemon is shared."""
    return random.SystemRandom().randbytes(size)


def bytes_of(store: ContentStore, cid: str) -> bytes:
    return b"".join(store.read(cid, max_size=SOME))


def test_blocks(store: ContentStore) -> None:
    for block in [b"", fresh(1), fresh(100), fresh(MAX_BLOCK)] * 2:
        cid = store.put(block)
        assert cid == block_cid(block) and store.get(cid) == block and store.has(cid)
    with pytest.raises(BadInput):
        store.put(bytes(MAX_BLOCK + 1))


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 5 * MIB + 3])
def test_both_stores_give_a_file_the_same_id(store: ContentStore, tmp_path: Path, size: int) -> None:
    data = fresh(size)
    content = store.add([data[:1000], data[1000:]])
    assert content == LocalStore(tmp_path / "other").add([data]) and content.size == size
    assert bytes_of(store, content.cid) == data
    pieces = list(store.read(content.cid, max_size=size))
    assert max(map(len, pieces)) <= MIB
    if size:
        with pytest.raises(CheckFailed):
            next(store.read(content.cid, max_size=size - 1))


def test_a_file_that_repeats_itself(store: ContentStore) -> None:
    data = fresh(MIB) * 4 + b"end"
    content = store.add([data])
    assert bytes_of(store, content.cid) == data
    out = io.BytesIO()
    store.export_car(content.cid, out)
    assert len(out.getvalue()) < 2 * MIB  # each block once


def test_more_leaves_than_a_node_holds(store: ContentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unixfs, "LEAF_SIZE", 4096)
    monkeypatch.setattr(unixfs, "MAX_LINKS", 8)
    monkeypatch.setattr(unixfs, "LEAST_MEAN_LEAF", 1024)
    data = fresh(4096 * 70 + 1)
    content = store.add([data])
    assert bytes_of(store, content.cid) == data
    assert len(list(unixfs.reachable(store.get, content.cid))) == 71 + 9 + 2 + 1


def test_what_is_missing_is_told_by_its_id(store: ContentStore) -> None:
    nowhere = block_cid(fresh(9))
    assert not store.has(nowhere)
    for call in (lambda: store.get(nowhere), lambda: bytes_of(store, nowhere), lambda: store.pin(nowhere, "nowhere")):
        with pytest.raises(CheckFailed) as failure:
            call()
        assert failure.value.input == nowhere
    assert "nowhere" not in store.pins()


def test_a_leaf_that_is_missing_is_told_by_its_id(store: ContentStore) -> None:
    leaves = [fresh(MIB), fresh(MIB), fresh(MIB)]
    *kept, root = unixfs.build(leaves)
    lost = kept.pop(1)
    out = io.BytesIO()
    car.write(out, root.cid, [(block.cid, block.data) for block in [root, *kept]])
    out.seek(0)
    with pytest.raises(CheckFailed) as failure:
        store.import_car(out)
    assert failure.value.input == lost.cid
    assert not store.has(root.cid)  # the root comes last: nothing is half published
    for block in kept:
        store.put(block.data)
    store.write([root])  # type: ignore[attr-defined]
    given: list[bytes] = []
    with pytest.raises(CheckFailed) as failure:
        given.extend(store.read(root.cid, max_size=SOME))
    assert failure.value.input == lost.cid
    for call in (lambda: store.pin(root.cid, "broken"), lambda: store.export_car(root.cid, io.BytesIO())):
        with pytest.raises(CheckFailed) as failure:
            call()
        assert failure.value.input == lost.cid
    assert "broken" not in store.pins()


class SourceError(Exception):
    pass


def test_a_source_that_breaks_off_leaves_no_file(store: ContentStore) -> None:
    leaves = [fresh(MIB) for _ in range(3)]
    *_, root = unixfs.build(leaves)

    def breaking() -> Iterator[bytes]:
        yield from leaves
        raise SourceError

    for _ in range(2):
        with pytest.raises(SourceError):
            store.add(breaking())
        assert not store.has(root.cid)
    assert store.add(leaves).cid == root.cid  # and the store goes on


def test_pins_are_names_for_content(store: ContentStore) -> None:
    first, second = store.add([fresh(2 * MIB)]).cid, store.put(fresh(9))
    store.pin(first, "31337-0xab-1.b")
    store.pin(second, "31337-0xab-1.a")
    store.pin(first, "31337-0xab-2.c")
    ours = {name: cid for name, cid in store.pins().items() if name.startswith("31337-0xab-")}
    assert list(ours.items()) == [
        ("31337-0xab-1.a", second),
        ("31337-0xab-1.b", first),
        ("31337-0xab-2.c", first),
    ]
    store.pin(second, "31337-0xab-2.c")  # a name holds one content
    assert store.pins()["31337-0xab-2.c"] == second
    for name in ours:
        store.unpin(name)
        store.unpin(name)
    assert not [name for name in store.pins() if name in ours]


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", ".hidden", "a b", "x" * 201])
def test_names_of_pins(store: ContentStore, name: str) -> None:
    cid = store.put(b"x")
    for call in (lambda: store.pin(cid, name), lambda: store.unpin(name)):
        with pytest.raises(BadInput):
            call()


def test_garbage_collection_never_touches_what_is_pinned(store: ContentStore) -> None:
    shared = fresh(MIB)
    kept, lost = [shared, fresh(MIB), fresh(7)], [shared, fresh(MIB), fresh(8)]
    keep, lose, block, waste = store.add(kept).cid, store.add(lost).cid, store.put(fresh(9)), store.put(fresh(10))
    store.pin(keep, "round-1.keep")
    store.pin(block, "round-1.block")
    store.pin(lose, "round-2.lose")
    store.unpin("round-2.lose")
    assert store.collect_garbage() >= 4  # the other file's node and two of its leaves, and the waste
    assert bytes_of(store, keep) == b"".join(kept) and store.get(block)
    assert not store.has(lose) and not store.has(waste) and not store.has(block_cid(lost[1]))
    assert store.has(block_cid(shared))
    store.unpin("round-1.keep")
    store.unpin("round-1.block")
    assert store.collect_garbage() >= 5
    assert not store.has(keep) and not store.has(block)


def test_a_pin_that_moves_lets_go_of_what_it_held(store: ContentStore) -> None:
    old, new = store.put(fresh(11)), store.put(fresh(12))
    store.pin(old, "moving")
    store.pin(new, "moving")
    store.collect_garbage()
    assert store.has(new) and not store.has(old)
    store.unpin("moving")


@pytest.mark.parametrize("size", [0, 1, MIB, 3 * MIB + 1])
def test_a_car_moves_a_file_between_stores(store: ContentStore, tmp_path: Path, size: int) -> None:
    data = fresh(size)
    local = LocalStore(tmp_path / "other")
    content, out = store.add([data]), io.BytesIO()
    store.export_car(content.cid, out)
    out.seek(0)
    assert local.import_car(out) == content.cid and bytes_of(local, content.cid) == data
    other, out = local.add([data, b"more"]), io.BytesIO()
    local.export_car(other.cid, out)
    out.seek(0)
    assert store.import_car(out) == other.cid and bytes_of(store, other.cid) == data + b"more"


def test_an_altered_car_is_refused_and_publishes_nothing(store: ContentStore, tmp_path: Path) -> None:
    local, out = LocalStore(tmp_path / "other"), io.BytesIO()
    root = local.add([fresh(3 * MIB)]).cid
    local.export_car(root, out)
    whole = out.getvalue()
    for damaged in (
        whole[: len(whole) // 2],
        whole[:-1],
        whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:],
        whole[:3000] + bytes([whole[3000] ^ 128]) + whole[3001:],
    ):
        with pytest.raises(CheckFailed):
            store.import_car(io.BytesIO(damaged))
        assert not store.has(root)


def test_what_is_no_content_id(store: ContentStore) -> None:
    for call in (store.get, store.has, lambda cid: store.pin(cid, "x"), lambda cid: bytes_of(store, cid)):
        for cid in ("", "nothing", "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o", "../" + block_cid(b"x")):
            with pytest.raises(BadInput):
                call(cid)


# --- strangers' files ---


def foreign(store: ContentStore, blocks: list[unixfs.Block]) -> None:
    store.write(blocks)  # type: ignore[attr-defined]


def node(links: list[Link]) -> unixfs.Block:
    data = dagpb.encode(links)
    return unixfs.Block(cids.of(data, cids.DAG_PB), data, sum(link.size for link in links))


def link(block: unixfs.Block, size: int | None = None) -> Link:
    return Link(block.cid, block.size if size is None else size, block.size)


def leaf(data: bytes) -> unixfs.Block:
    return unixfs.Block(block_cid(data), data, len(data))


def lying_leaf() -> list[unixfs.Block]:
    good, bad = leaf(fresh(5000)), leaf(fresh(5000))
    return [good, bad, node([link(good), link(bad, 4999)])]


def crumbs() -> list[unixfs.Block]:
    few = [leaf(fresh(9)) for _ in range(3)]
    inner = node([link(few[n % 3]) for n in range(1000)])
    outer = node([link(inner)] * 500)
    return [*few, inner, outer, node([link(outer)] * 3)]


def tower() -> list[unixfs.Block]:
    blocks = [leaf(fresh(5000))]
    for _ in range(12):
        blocks.append(node([link(blocks[-1])]))
    return blocks


def beyond_any_size() -> list[unixfs.Block]:
    blocks = [leaf(fresh(1 << 19))]
    for _ in range(3):
        blocks.append(node([link(blocks[-1])] * 1024))
    return blocks


@pytest.mark.parametrize("make", [lying_leaf, tower, beyond_any_size])
def test_a_strangers_file_beyond_the_bounds_is_neither_pinned_nor_carried(
    store: ContentStore, tmp_path: Path, make: Callable[[], list[unixfs.Block]]
) -> None:
    blocks = make()
    root = blocks[-1].cid
    foreign(store, blocks)
    start = time.monotonic()
    out = io.BytesIO()
    car.write(out, root, [(block.cid, block.data) for block in blocks])
    out.seek(0)
    for call in (
        lambda: store.pin(root, "stranger"),
        lambda: store.export_car(root, io.BytesIO()),
        lambda: LocalStore(tmp_path / "other").import_car(out),
    ):
        with pytest.raises(CheckFailed) as failure:
            call()
        assert failure.value.hint
    assert "stranger" not in store.pins() and not LocalStore(tmp_path / "other").has(root)
    assert time.monotonic() - start < 10


def test_a_pin_is_bounded_by_the_size_that_is_expected(store: ContentStore) -> None:
    content = store.add([fresh(2 * MIB + 5)])
    for bounds in ({"max_size": content.size - 1}, {"max_size": content.size + 1, "exact": True}):
        with pytest.raises(CheckFailed):
            store.pin(content.cid, "bounded", **bounds)  # type: ignore[arg-type]
    whole, half = leaf(fresh(MIB)), leaf(fresh(MIB // 2))
    other = node([link(half), link(half), link(whole)])
    foreign(store, [whole, half, other])
    store.pin(other.cid, "bounded", max_size=2 * MIB)
    store.unpin("bounded")
    with pytest.raises(CheckFailed, match="not cut as"):
        store.pin(other.cid, "bounded", max_size=2 * MIB, exact=True)
    assert "bounded" not in store.pins()
    small = store.put(fresh(10))
    with pytest.raises(CheckFailed):
        store.pin(small, "bounded", max_size=9)
    store.pin(small, "bounded", max_size=10, exact=True)
    store.unpin("bounded")


def test_a_file_of_crumbs_is_refused_before_it_is_walked(tmp_path: Path) -> None:
    store, blocks = LocalStore(tmp_path), crumbs()  # js-ipfs would be busy with it for the rest of the day
    foreign(store, blocks)
    with pytest.raises(CheckFailed, match="finer"):
        list(store.read(blocks[-1].cid, max_size=SOME))
    start = time.monotonic()
    out = io.BytesIO()
    with suppress(CheckFailed):  # six blocks, however they are arranged
        store.export_car(blocks[-1].cid, out)
    assert time.monotonic() - start < 5 and len(out.getvalue()) < 1 << 18
