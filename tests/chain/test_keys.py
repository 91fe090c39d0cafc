from pathlib import Path

import pytest

from oracle.chain.keys import create_keystore, load_account, read_password
from oracle.errors import BadInput


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "operator.json"
    create_keystore(path, "secret", key=b"\x01" * 32)
    return path


def test_a_key_comes_back_by_file_and_by_prompt(made: Path, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("secret\nanother line\n")
    assert load_account(made, password_file=password).key == b"\x01" * 32
    assert load_account(made, prompt=lambda name: "secret" if name == str(made) else "").key == b"\x01" * 32
    assert made.stat().st_mode & 0o777 == 0o600 and "01" * 32 not in made.read_text()


def test_what_is_wrong_is_said(made: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="wrong password"):
        load_account(made, prompt=lambda _: "guess")
    with pytest.raises(BadInput, match="no password"):
        load_account(made)
    with pytest.raises(BadInput, match="no keystore"):
        load_account(tmp_path / "none.json", prompt=lambda _: "")
    for content in ("", "[]", "{}", '{"version": 3}', '{"version": 3, "crypto": {}}', "key"):
        (tmp_path / "bad.json").write_text(content)
        with pytest.raises(BadInput, match="is no keystore") as failure:
            load_account(tmp_path / "bad.json", prompt=lambda _: "secret")
        assert failure.value.input == str(tmp_path / "bad.json")


def test_keys_are_never_overwritten_nor_open(made: Path, tmp_path: Path) -> None:
    before = made.read_bytes()
    with pytest.raises(BadInput, match="exists"):
        create_keystore(made, "other")
    with pytest.raises(BadInput, match="password"):
        create_keystore(tmp_path / "new.json", "")
    assert made.read_bytes() == before and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"tide", "tide"),
        (b"tide\n", "tide"),
        (b"tide\r\n", "tide"),
        (b"tide\r", "tide"),
        (b"tide\nebb\n", "tide"),
        (b"  tide and ebb  \t\n", "  tide and ebb  \t"),
        (b"\xef\xbb\xbftide\r\n", "tide"),
        ("tide\r\n".encode("utf-16"), "tide"),
        ("Gezeiten\u00e4\r\nebb".encode("utf-32"), "Gezeiten\u00e4"),
        ("a\u2028b\u2029c\u0085d\n".encode(), "a\u2028b\u2029c\u0085d"),
        (b"a\x0bb\x0cc\x1cd\x1de\x1ef\rg\n", "a\x0bb\x0cc\x1cd\x1de\x1ef\rg"),
        ("\ufeff\ufefftide".encode(), "\ufefftide"),  # one mark is the editor's, a second one is typed
    ],
)
def test_the_password_is_the_first_line_and_nothing_less(tmp_path: Path, content: bytes, password: str) -> None:
    (tmp_path / "password").write_bytes(content)
    assert read_password(tmp_path / "password") == password


def test_a_keystore_made_with_a_marked_file_opens_by_hand(tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(b"\xef\xbb\xbfebb\r\n")
    create_keystore(tmp_path / "new.json", read_password(tmp_path / "password"), key=b"\x02" * 32, work=16)
    assert load_account(tmp_path / "new.json", prompt=lambda _: "ebb").key == b"\x02" * 32


def test_half_characters_are_a_password_too(tmp_path: Path) -> None:
    """What a terminal hands over for bytes that are no UTF-8."""
    create_keystore(tmp_path / "new.json", "tide\udcff", key=b"\x02" * 32, work=16)
    assert load_account(tmp_path / "new.json", prompt=lambda _: "tide\udcff").key == b"\x02" * 32
    with pytest.raises(BadInput, match="wrong password"):
        load_account(tmp_path / "new.json", prompt=lambda _: "tide\udcfe")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"\xff\xfe",
        b"\r\n",
        b"\xef\xbb\xbf\n",
        b"\xe4\n",
        b"\xff\xfet",
        b"ti\0de\n",
        "tide\n".encode("utf-16-le"),
    ],
)
def test_bad_password_files(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "password").write_bytes(content)
    for path in (tmp_path / "password", tmp_path / "none", tmp_path):
        with pytest.raises(BadInput):
            read_password(path)
