from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from oracle.corpus.folders import PassedOver
from oracle.corpus.readers import read_documents
from oracle.errors import BadInput

CARD = "---\nlicense: cc0-1.0\n---\n# A data set\n"


def texts(path: Path) -> list[str]:
    return [document.text for document in read_documents(path)]


def save_split(folder: Path, *shards: list[str]) -> None:
    """What ``Dataset.save_to_disk`` writes: Arrow streams, their list, and a description."""
    folder.mkdir(parents=True)
    names = [f"data-{at:05}-of-{len(shards):05}.arrow" for at in range(len(shards))]
    for name, shard in zip(names, shards, strict=True):
        table = pa.table({"text": shard, "label": [1] * len(shard)})
        with pa.ipc.new_stream(folder / name, table.schema) as stream:
            stream.write_table(table, max_chunksize=2)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (folder / "dataset_info.json").write_text(json.dumps({"features": {"text": {"dtype": "string"}}}))


def test_a_saved_data_set_is_read_without_its_cache(tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    save_split(folder, ["one", "two", "three"], ["four"])
    (folder / "cache-1234.arrow").write_bytes((folder / "data-00000-of-00002.arrow").read_bytes())
    assert texts(folder) == ["one", "two", "three", "four"]
    assert next(read_documents(folder)).id == "data-00000-of-00002.arrow:1"


def test_a_saved_dictionary_of_splits(tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    save_split(folder / "train", ["one"])
    save_split(folder / "test", ["two"])
    (folder / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    assert texts(folder) == ["two", "one"]


def test_a_saved_data_set_with_a_missing_shard_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    save_split(folder, ["one"], ["two"])
    (folder / "data-00001-of-00002.arrow").unlink()
    with pytest.raises(BadInput, match=r"data-00001-of-00002\.arrow, listed in state\.json, is not there"):
        texts(folder)
    (folder / "state.json").write_text("{}")
    with pytest.raises(BadInput, match=r"state\.json lists no data files"):
        texts(folder)


def test_a_repository_is_its_data_not_its_card(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"text": ["one", "two"]}), tmp_path / "data" / "train-00000-of-00001.parquet")
    (tmp_path / "extra.jsonl").write_text('{"text": "three"}\n')
    for name in ("README.md", "LICENSE.txt", "dataset_card.md", "CITATION.txt"):
        (tmp_path / name).write_text(CARD)
    for name in ("dataset_infos.json", "dataset_info.json", "croissant.json"):
        (tmp_path / name).write_text(json.dumps({"text": "no document"}))
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "description.txt").write_text("hidden")
    (tmp_path / "LICENSE").write_text("of no readable kind")
    assert texts(tmp_path) == ["one", "two", "three"]


def test_prose_beside_data_is_read_and_a_readme_among_prose_too(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("A text like the others.")
    (tmp_path / "story.txt").write_text("Once upon a time.")
    assert texts(tmp_path) == ["A text like the others.", "Once upon a time."]
    (tmp_path / "more.csv").write_text("text\nA row.\n")
    assert texts(tmp_path) == ["A row.", "Once upon a time."]


def test_arrow_files_of_both_kinds(tmp_path: Path) -> None:
    table = pa.table({"text": [f"text {at}" for at in range(200)], "id": [str(at) for at in range(200)]})
    pyarrow.feather.write_feather(table, str(tmp_path / "a.feather"))
    assert [document.id for document in read_documents(tmp_path / "a.feather")] == [str(at) for at in range(200)]
    with pa.ipc.new_stream(tmp_path / "a.arrow", table.schema) as stream:
        stream.write_table(table)
    assert texts(tmp_path / "a.arrow") == [f"text {at}" for at in range(200)]
    whole = (tmp_path / "a.arrow").read_bytes()
    (tmp_path / "a.arrow").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match=r"a\.arrow cannot be read"):
        texts(tmp_path / "a.arrow")
    with pa.ipc.new_stream(tmp_path / "b.arrow", pa.schema({"body": pa.string()})):
        pass
    with pytest.raises(BadInput, match=r"no column 'text' \(found: body\)"):
        texts(tmp_path / "b.arrow")


def test_columns_that_hold_no_strings_are_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": [b"bytes"]}), tmp_path / "b.parquet")
    with pytest.raises(BadInput, match=r"b\.parquet: 'text' is a column of type binary"):
        texts(tmp_path / "b.parquet")
    spoilt = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\x00\x00\x00\x00\x02\x00\x00\x00"), pa.py_buffer(b"\xff\xfe")]
    )
    pq.write_table(pa.table({"text": spoilt}), tmp_path / "c.parquet")
    with pytest.raises(BadInput, match=r"c\.parquet is no valid utf-8"):
        texts(tmp_path / "c.parquet")


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_a_dictionary_that_repeats_one_text_for_ever_is_a_bomb(tmp_path: Path, suffix: str) -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), pa.array(["word " * 100_000]))
    table = pa.table({"text": column})
    if suffix == "parquet":
        pq.write_table(table, tmp_path / "b.parquet", compression="zstd", dictionary_pagesize_limit=2**24)
    else:
        with pa.ipc.new_stream(
            tmp_path / "b.arrow", table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")
        ) as out:
            out.write_table(table)
    with pytest.raises(BadInput, match="decompression bomb"):
        for _ in read_documents(tmp_path / f"b.{suffix}"):
            pass


def test_a_table_with_an_open_quote_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('text\nfine\n"never closed\nmore\n')
    with pytest.raises(BadInput, match=r"t\.csv:4: unexpected end of data"):
        texts(tmp_path / "t.csv")


def passed(path: Path) -> dict[str, tuple[int, str]]:
    found: list[PassedOver] = []
    for _ in read_documents(path, passed=found):
        pass
    assert all(each.path == str(path) for each in found)
    return {each.why: (each.files, each.first) for each in found}


def test_suffixes_in_capitals_are_read(tmp_path: Path) -> None:
    (tmp_path / "A.JSONL").write_text('{"text":"one"}\n')
    (tmp_path / "B.Json.GZ").write_bytes(gzip.compress(b'{"text":"two"}\n'))
    (tmp_path / "C.TSV").write_text("text\nthree\n")
    (tmp_path / "D.TXT").write_text("four")
    pq.write_table(pa.table({"text": ["five"]}), tmp_path / "E.Parquet")
    (tmp_path / "README.MD").write_text(CARD)
    assert texts(tmp_path) == ["one", "two", "three", "four", "five"]
    assert texts(tmp_path / "D.TXT") == ["four"]
    assert passed(tmp_path) == {"what describes the data set": (1, "README.MD")}


def test_underscores_are_read_and_the_notes_of_spark_are_not(tmp_path: Path) -> None:
    for place in ("_posts", "_delta_log", "part"):
        (tmp_path / place).mkdir()
    (tmp_path / "_posts" / "a.md").write_text("A post.")
    (tmp_path / "_draft.txt").write_text("A draft.")
    (tmp_path / "part" / "_SUCCESS").write_text("")
    (tmp_path / "_metadata.jsonl").write_text('{"text":"no"}\n')
    (tmp_path / "_delta_log" / "0.json").write_text('{"commit":1}\n')
    assert texts(tmp_path) == ["A draft.", "A post."]
    assert passed(tmp_path) == {"what Spark or Delta Lake put beside the data": (3, "_delta_log/0.json")}


def test_what_is_passed_over_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / ".cache").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "a.txt").write_text("A text.")
    for name in ("b.docx", "c.pdf", "d", ".cache/e.txt", ".git/f.txt"):
        (folder / name).write_text("not read")
    (tmp_path / "elsewhere").mkdir()
    (folder / "more").symlink_to(tmp_path / "elsewhere")
    (folder / "linked.txt").symlink_to(folder / "a.txt")
    os.mkfifo(folder / "pipe.txt")
    assert texts(folder) == ["A text.", "A text."]
    assert passed(folder) == {
        "of no readable kind": (3, "b.docx"),
        "hidden by a dot in front": (1, ".cache/e.txt"),
        "links to folders": (1, "more"),
        "pipes, sockets or devices": (1, "pipe.txt"),
    }
    for name in ("a.txt", "linked.txt"):
        (folder / name).unlink()
    with pytest.raises(BadInput, match="holds no file that can be read") as caught:
        texts(folder)
    assert "3 of no readable kind, such as b.docx" in caught.value.hint


def test_a_name_too_long_for_the_system_is_a_file_that_is_missing(tmp_path: Path) -> None:
    save_split(tmp_path / "saved", ["A text."])
    listed = {"_data_files": [{"filename": "a" * 300 + ".arrow"}]}
    (tmp_path / "saved" / "state.json").write_text(json.dumps(listed))
    with pytest.raises(BadInput, match="is not there"):
        texts(tmp_path)


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("A text.")
    (tmp_path / "gone").mkdir()
    scan = os.scandir

    def refuse(place: str | Path) -> object:  # root may list everything
        if Path(place).name == "gone":
            raise PermissionError(13, "Permission denied", str(place))
        return scan(place)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(BadInput, match="gone cannot be listed: Permission denied"):
        texts(tmp_path)


def test_a_list_of_data_files_without_end_is_refused(tmp_path: Path) -> None:
    save_split(tmp_path / "saved", ["one"])
    (tmp_path / "saved" / "state.json").write_text("[" * 2_000_000)
    with pytest.raises(BadInput, match=r"state\.json lists no data files"):
        texts(tmp_path / "saved")
