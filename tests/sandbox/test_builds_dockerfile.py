"""Dockerfiles: what an image is made of, without running what they run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from terrace.errors import SandboxError
from terrace.sandbox.builds.dockerfile import DockerfileError, Recipe, Stage
from terrace.sandbox.builds.environments import Environments, lock_hash, unmet
from terrace.sandbox.builds.ignore import ignored
from terrace.sandbox.builds.manifest import Manifest, keep
from terrace.sandbox.builds.pip_lines import read_run


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A folder to build from."""
    folder = tmp_path / "context"
    for name in ("a.txt", "b.txt", "requirements.txt", "src/pkg/__init__.py", "src/pkg/data.bin", "tests/t.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def _follow(context: Path, text: str, said: list[str] | None = None, target: str | None = None, **args: str) -> Stage:
    work = context.parent / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    return Recipe(context, work, args, (said if said is not None else []).append).follow(text, target)


def _files(stage: Stage) -> list[str]:
    return sorted(path.relative_to(stage.root).as_posix() for path in stage.root.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("COPY a.txt /x/y.txt", ["x/y.txt"]),
        ("COPY a.txt /x/", ["x/a.txt"]),
        ("COPY a.txt b.txt ./", ["app/a.txt", "app/b.txt"]),
        ("COPY *.txt /x/", ["x/a.txt", "x/b.txt", "x/requirements.txt"]),
        ("COPY src /x", ["x/pkg/__init__.py", "x/pkg/data.bin"]),
        ("COPY src ./src", ["app/src/pkg/__init__.py", "app/src/pkg/data.bin"]),
        ('COPY --chown=1000:1000 --chmod=644 ["a.txt", "with space.txt"]', ["app/with space.txt"]),
        ("ADD a.txt .", ["app/a.txt"]),
        ("COPY ../../a.txt .", ["app/a.txt"]),
        ("WORKDIR sub\nCOPY a.txt .", ["app/sub/a.txt"]),
        ("ARG TO=here\nENV WHERE=/x/$TO\nCOPY a.txt ${WHERE}/", ["x/here/a.txt"]),
        ("COPY a.txt ${NONE:-/else}/", ["else/a.txt"]),
    ],
)
def test_copy_puts_files_where_docker_does(context: Path, line: str, files: list[str]) -> None:
    """Folders, patterns, several sources, flags and variables."""
    assert _files(_follow(context, f"FROM scratch\nWORKDIR /app\n{line}\n")) == files


def test_a_whole_context_is_copied_but_for_what_is_ignored(context: Path) -> None:
    """`.dockerignore` leaves out, `!` brings back."""
    (context / ".dockerignore").write_text("# comment\ntests\n*.txt\n!b.txt\n**/*.bin\n.dockerignore\n")
    assert _files(_follow(context, "FROM scratch\nCOPY . /app")) == ["app/b.txt", "app/src/pkg/__init__.py"]
    with pytest.raises(DockerfileError, match=r"COPY failed: a\.txt is not in the build's context"):
        _follow(context, "FROM scratch\nCOPY a.txt /")


@pytest.mark.parametrize(
    ("pattern", "path", "out"),
    [
        ("*.pyc", "a.pyc", True),
        ("*.pyc", "x/a.pyc", False),
        ("**/*.pyc", "x/y/a.pyc", True),
        ("**/*.pyc", "a.pyc", True),
        ("/build/", "build/x", True),
        (".git", ".git/config", True),
        (".git", ".gitignore", False),
        ("a?c", "abc", True),
        ("[ab].txt", "c.txt", False),
        ("x/**", "x/y/z", True),
        ("a.b", "axb", False),
    ],
)
def test_ignore_patterns_match_as_dockers(pattern: str, path: str, out: bool) -> None:
    """They are anchored at the context, unlike git's."""
    assert ignored([pattern])(path) is out


def test_the_last_stage_is_the_image(context: Path) -> None:
    """It takes files, variables and locks from the stages it names; what a RUN made in them is left out and told."""
    said: list[str] = []
    stage = _follow(
        context,
        """\
ARG VERSION=3.10
FROM python:${VERSION}-slim AS base
ENV A=1
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
FROM base AS build
COPY a.txt .
FROM base
COPY --from=build /app/a.txt /out/
COPY --from=build /venv /venv
COPY --from=ghcr.io/x/y:1 /uv /bin/
ENTRYPOINT ["serve"]
""",
        said,
        VERSION="3.11",
    )
    assert stage.base == "python:3.11-slim"
    assert (stage.env, stage.workdir, stage.entrypoint) == ({"A": "1"}, "/app", ["serve"])
    assert _files(stage) == ["app/requirements.txt", "out/a.txt"]
    assert [lock.read_text() for lock in stage.locks] == ["requirements.txt"]
    assert any("earlier RUN would have made it: /venv" in line for line in said)
    assert any("files of the image ghcr.io/x/y:1" in line for line in said)


def test_a_target_ends_the_recipe(context: Path) -> None:
    """The stage that `--target` names is the image."""
    text = "FROM a AS one\nCOPY a.txt /\nFROM b AS two\nCOPY b.txt /\n"
    assert _files(_follow(context, text, target="one")) == ["a.txt"]
    assert _files(_follow(context, text, target="two")) == ["b.txt"]
    with pytest.raises(DockerfileError, match="no stage three"):
        _follow(context, text, target="three")


def test_commands_are_kept_in_both_forms(context: Path) -> None:
    """A shell's form is run by a shell; an entrypoint forgets the command before it."""
    stage = _follow(context, 'FROM a\nCMD ["x"]\nENTRYPOINT python -m tiny\nUSER 1000\nENV X="a b" Y=$X\n')
    assert stage.entrypoint == ["/bin/sh", "-c", "python -m tiny"]
    assert stage.command == []
    assert (stage.user, stage.env) == ("1000", {"X": "a b", "Y": "a b"})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no FROM"),
        ("COPY a /\n", "before the first FROM"),
        ('FROM a\nSHELL ["bash"]\n', "no answer to the instruction SHELL"),
        ("FROM a\nONBUILD RUN x\n", "no answer to the instruction ONBUILD"),
        ("FROM a b c d\n", "not understood"),
        ("FROM a\nADD https://x/y.tgz /\n", "downloads nothing"),
        ("FROM a\nCOPY --parents a.txt /\n", "does not know COPY --parents"),
        ("FROM a\nCOPY a.txt\n", "needs a source and a destination"),
        ("FROM a\nRUN pip install -r none.txt\n", "pip cannot open none.txt"),
        ("FROM a\nRUN echo 'x\n", "not understood"),
        ("FROM a\nRUN <<EOF\necho x\nEOF\n", "no answer to the instruction ECHO"),
    ],
)
def test_what_has_no_answer_is_refused_by_name(context: Path, text: str, why: str) -> None:
    """Nothing of a Dockerfile is dropped without a word."""
    with pytest.raises(DockerfileError, match=why):
        _follow(context, text)


def test_a_run_is_read_for_what_pip_installs() -> None:
    """Locks, projects and loose packages; the rest is told."""
    found = read_run(
        "--mount=type=cache,target=/root/.cache --mount=type=bind,source=requirements.txt,target=/tmp/r.txt "
        "python -m pip install --no-cache-dir -i https://index/simple --require-hashes -r /tmp/r.txt "
        "&& pip3 install --no-deps '.[serve]' && pip install flask==2 && useradd app"
    )
    assert found.locks == ("/tmp/r.txt",)
    assert found.projects == (".",)
    assert found.packages == ("flask==2",)
    assert found.others == ("useradd app",)
    assert found.binds == {"/tmp/r.txt": "requirements.txt"}
    assert read_run('["pip", "install", "-r", "x.txt"]').locks == ("x.txt",)
    assert read_run("uv pip install --system --requirement=x.txt").locks == ("x.txt",)


def test_what_is_not_run_is_told(context: Path) -> None:
    """The log of a build says what of its Dockerfile has no effect here."""
    said: list[str] = []
    _follow(context, "FROM a\nRUN apt-get update && pip install flask\n", said)
    assert "  not run here: apt-get update" in said
    assert "  not installed here, as no lock pins it: flask" in said


def _manifest(context: Path, text: str = 'FROM a\nCOPY . /app\nENTRYPOINT ["x"]\n', lock: str = "0" * 64) -> Manifest:
    return Manifest.of(_follow(context, text), lock)


def test_the_digest_is_of_source_lock_and_dockerfile(context: Path) -> None:
    """The same gives the same; another byte, mode, name, lock or entrypoint another."""
    first = _manifest(context)
    assert first == _manifest(context)
    seen = {first.digest, _manifest(context, lock="1" * 64).digest}
    seen.add(_manifest(context, 'FROM a\nCOPY . /app\nENTRYPOINT ["y"]\n').digest)
    seen.add(_manifest(context, 'FROM b\nCOPY . /app\nENTRYPOINT ["x"]\n').digest)
    (context / "a.txt").write_text("changed")
    seen.add(_manifest(context).digest)
    (context / "a.txt").chmod(0o755)
    seen.add(_manifest(context).digest)
    (context / "a.txt").rename(context / "c.txt")
    seen.add(_manifest(context).digest)
    assert len(seen) == 7


def test_an_image_is_kept_whole(context: Path, tmp_path: Path) -> None:
    """A draft that was left behind is in nobody's way, and an image that is there stays as it is."""
    stage = _follow(context, "FROM a\nCOPY . /app\n")
    manifest = Manifest.of(stage, "0" * 64)
    folder = tmp_path / "images" / "x"
    folder.mkdir(parents=True)
    for _ in range(2):
        keep(folder, stage, "0" * 64, [context / "a.txt"], manifest)
        assert (folder / "root" / "app" / "a.txt").read_text() == "a.txt"
        assert (folder / "lock.txt").read_text() == "a.txt"
    assert [path.name for path in folder.parent.iterdir()] == ["x"]


def test_an_environment_is_compared_with_the_lock() -> None:
    """What is missing or of another version is named; pins for other machines are not missed."""
    import sys

    import botocore

    lock = f"""\
botocore=={botocore.__version__} \\
    --hash=sha256:{"0" * 64}
no_such.package==1.0
urllib3==0.1
colorama-of-windows==0.4 ; sys_platform == "win32" \\
    --hash=sha256:{"0" * 64}
"""
    assert unmet(Path(sys.executable), lock.split("no_such")[0]) == []
    wrong = unmet(Path(sys.executable), lock)
    assert wrong[0] == "no_such.package 1.0 is missing"
    assert wrong[1].startswith("urllib3 is ")
    assert len(wrong) == 2


def test_an_environment_is_found_made_and_found_again(tmp_path: Path) -> None:
    """A registered one is taken if it has what is pinned; without packages one is made in no time."""
    import sys

    environments, said = Environments(tmp_path), []  # type: ignore[var-annotated]
    empty = tmp_path / "empty.txt"
    empty.write_text("# nothing\n")
    lock, python = environments.ensure([empty], {}, said.append)
    assert (lock, environments.find(lock)) == (lock_hash([empty]), python)
    assert python.is_relative_to(tmp_path)
    assert environments.ensure([empty], {}, said.append) == (lock, python)
    pinned = tmp_path / "lock.txt"
    pinned.write_text("no-such-package==1.0\n")
    environments.register(lock_hash([pinned]), Path(sys.executable))
    with pytest.raises(SandboxError, match="cannot be installed here") as error:
        environments.ensure([pinned], {"PIP_NO_INDEX": "1"}, said.append)
    assert "make setup" in str(error.value)
    assert any("no-such-package 1.0 is missing" in line for line in said)
    assert not (tmp_path / "environments" / lock_hash([pinned])).exists()


@pytest.mark.parametrize(
    ("lock", "python", "why"),
    [("abc", "/bin/sh", "64 digits"), ("0" * 64, "/no/such", "no Python interpreter"), ("0" * 64, "sh", "no Python")],
)
def test_an_environment_that_cannot_be_is_refused(tmp_path: Path, lock: str, python: str, why: str) -> None:
    """A hash that is none, an interpreter that is not there."""
    with pytest.raises(SandboxError, match=why):
        Environments(tmp_path).register(lock, Path(python))
