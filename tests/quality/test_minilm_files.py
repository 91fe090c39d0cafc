"""The sentence model's own files, when the package holds something else in their place."""

from pathlib import Path

import pytest

from oracle.errors import EnvironmentFailure
from oracle.quality import minilm


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:5a\nsize 90868376\n", "Git LFS pointer"),
        (b"", "empty"),
        (b"<html>404</html>", "web page"),
        (b"weights of another model", "not the pinned one"),
        (None, "No such file"),
    ],
)
def test_weights_that_are_others_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, told: str
) -> None:
    monkeypatch.setattr(minilm, "folder", lambda: tmp_path)
    file = tmp_path / "model.safetensors"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(EnvironmentFailure, match=told) as failure:
        minilm.weights()
    assert failure.value.input == str(file) and "reinstall" in failure.value.hint
