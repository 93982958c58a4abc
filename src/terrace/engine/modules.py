"""A program's file, run in this process, and the modules beside it: imported anew for each run, and gone after it.

Python keeps modules by name for the whole process, while each program has a `network.py` of its own. A run takes the
names of its folder for itself, and gives back what had them before; runs whose folders share names take turns.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

_turn = threading.Condition()
_taken: set[str] = set()


@contextmanager
def program_modules(folder: Path) -> Iterator[None]:
    """Let programs of a folder import their siblings inside the block."""
    names = _siblings(folder)
    place = str(folder)
    with _turn:
        _turn.wait_for(lambda: not names & _taken)
        _taken.update(names)
        before = _take_out(names)
        sys.path.insert(0, place)
        # A folder that was listed before it got its files would seem empty.
        sys.path_importer_cache.pop(place, None)
    try:
        yield
    finally:
        with _turn:
            sys.path.remove(place)
            _take_out(names)
            sys.modules.update(before)
            _taken.difference_update(names)
            _turn.notify_all()


def execute(file: Path) -> None:
    """Run a file as the main program. `runpy` is not used: it changes `sys.argv` and `__main__` of the process."""
    code = compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
    exec(code, {"__name__": "__main__", "__file__": str(file)})  # noqa: S102


def _siblings(folder: Path) -> set[str]:
    """Return the names of the folder's modules and packages, but those that the process itself imported from there."""
    names = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    return {name for name in names - sys.stdlib_module_names - {"__main__"} if not _is_from(name, folder)}


def _is_from(name: str, folder: Path) -> bool:
    file = getattr(sys.modules.get(name), "__file__", None)
    with _turn:
        return file is not None and name not in _taken and folder in Path(file).resolve().parents


def _take_out(names: set[str]) -> dict[str, ModuleType]:
    loaded = [name for name in sys.modules if name.partition(".")[0] in names]
    return {name: sys.modules.pop(name) for name in loaded}
