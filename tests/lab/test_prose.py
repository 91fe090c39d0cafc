from __future__ import annotations

from pathlib import Path

from oracle.lab.prose import docstrings, prose

DOCSTRING = """Return the larger of two numbers, whatever their types may be.

    This paragraph wraps over two lines and names :func:`max`,
    which it links to `as the manual does <https://example.org>`_ in one place.

    Parameters
    ----------
    first : int or float
        Described here in a whole sentence that belongs to a table.

    >>> larger(1, 2)
    2

    Args: first (int): a list of parameters in the other style, on one line.

    .. note:: directives are left out although they may hold whole sentences.

    No full stop at the end of this otherwise good paragraph
    """


def test_prose_is_the_sentences_and_nothing_else() -> None:
    assert prose(DOCSTRING) == [
        "Return the larger of two numbers, whatever their types may be.",
        "This paragraph wraps over two lines and names max, which it links to as the manual does in one place.",
    ]


def test_docstrings_are_read_without_running_the_file(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(
        '"""Module."""\nimport no_such_module\nclass A:\n    """Class."""\n    def f(self):\n        """Method."""\n'
        "def g():\n    pass\n"
    )
    assert list(docstrings(file)) == [("", "Module."), ("A", "Class."), ("A.f", "Method.")]
