"""Generated projects, read as the team that gets them reads them."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from template.conftest import ROOT, git

from terrace.errors import ProjectError
from terrace.maturity import ModelSettings
from terrace.scaffold import Template, new, questions, update
from terrace.settings import load_model

CHOICES = {
    "problem": ("classification", "regression"),
    "library": ("scikit-learn", "xgboost"),
    "mode": ("serverless", "realtime"),
    "ci": ("github", "gitlab"),
    "license": ("Apache-2.0", "MIT", "none"),
}
ALL = [dict(zip(CHOICES, values, strict=True)) for values in itertools.product(*CHOICES.values())]
PAIRS = [
    # Every pair of answers is in at least one of these.
    {"problem": "classification", "library": "scikit-learn", "mode": "serverless", "ci": "github", "license": "none"},
    {"problem": "regression", "library": "xgboost", "mode": "serverless", "ci": "gitlab", "license": "MIT"},
    {"problem": "classification", "library": "xgboost", "mode": "realtime", "ci": "github", "license": "Apache-2.0"},
    {"problem": "regression", "library": "scikit-learn", "mode": "realtime", "ci": "gitlab", "license": "none"},
    {"problem": "regression", "library": "scikit-learn", "mode": "serverless", "ci": "github", "license": "Apache-2.0"},
    {"problem": "classification", "library": "scikit-learn", "mode": "realtime", "ci": "gitlab", "license": "MIT"},
    {"problem": "classification", "library": "xgboost", "mode": "serverless", "ci": "gitlab", "license": "Apache-2.0"},
    {"problem": "regression", "library": "xgboost", "mode": "realtime", "ci": "github", "license": "none"},
    {"problem": "regression", "library": "scikit-learn", "mode": "realtime", "ci": "github", "license": "MIT"},
]

ALWAYS = [
    ".copier-answers.yml",
    ".dockerignore",
    ".gitignore",
    ".pre-commit-config.yaml",
    "CODEOWNERS",
    "Dockerfile",
    "Makefile",
    "README.md",
    "TEMPLATE.md",
    "data/sample.csv.gz",
    "infra/Pulumi.dev.yaml",
    "infra/Pulumi.prod.yaml",
    "infra/Pulumi.staging.yaml",
    "infra/Pulumi.yaml",
    "infra/__main__.py",
    "infra/requirements.txt",
    "notebooks/explore.ipynb",
    "pyproject.toml",
    "requirements/data.in",
    "requirements/data.txt",
    "requirements/dev.in",
    "requirements/dev.txt",
    "requirements/runtime.in",
    "requirements/runtime.txt",
    "src/late_flights/__init__.py",
    "src/late_flights/__main__.py",
    "src/late_flights/baseline.py",
    "src/late_flights/collect.py",
    "src/late_flights/config.py",
    "src/late_flights/container.py",
    "src/late_flights/contract.py",
    "src/late_flights/data.py",
    "src/late_flights/evaluate.py",
    "src/late_flights/features.py",
    "src/late_flights/lines.py",
    "src/late_flights/metrics.py",
    "src/late_flights/model.py",
    "src/late_flights/py.typed",
    "src/late_flights/register.py",
    "src/late_flights/serve.py",
    "src/late_flights/train.py",
    "tests/cloud.py",
    "tests/conftest.py",
    "tests/litany.py",
    "tests/test_code.py",
    "tests/test_collect.py",
    "tests/test_litany.py",
    "tests/test_mutations.py",
]


PIPELINE = [
    "pipeline/comment.py",
    "pipeline/definition.json",
    "pipeline/image.py",
    "pipeline/pipeline.py",
    "requirements/pipeline.in",
    "requirements/pipeline.txt",
    "src/late_flights/card.py",
    "src/late_flights/distributions.py",
    "src/late_flights/jobs.py",
    "src/late_flights/production.py",
    "src/late_flights/publish.py",
    "src/late_flights/sources.py",
    "src/late_flights/tracking.py",
    "tests/test_jobs.py",
    "tests/test_pipeline.py",
]
"""What level 2 brings."""
BATCH = ["src/late_flights/scoring.py", "tests/test_scoring.py"]
"""What scoring in files brings."""
DVC = [".dvc/.gitignore", ".dvc/config", ".dvcignore", "requirements/dvc.in", "requirements/dvc.txt"]

TRAINING = {
    "problem": ("classification", "regression"),
    "library": ("scikit-learn", "xgboost"),
    "tracking": ("mlflow", "wandb", "neptune", "none"),
    "versions": ("s3", "dvc"),
    "ci": ("github", "gitlab"),
}
TRAINED = [
    # Every pair of answers of level 2 is in at least one of these.
    {"problem": "classification", "library": "scikit-learn", "tracking": "mlflow", "versions": "s3", "ci": "github"},
    {"problem": "regression", "library": "xgboost", "tracking": "mlflow", "versions": "dvc", "ci": "gitlab"},
    {"problem": "classification", "library": "xgboost", "tracking": "wandb", "versions": "s3", "ci": "gitlab"},
    {"problem": "regression", "library": "scikit-learn", "tracking": "wandb", "versions": "dvc", "ci": "github"},
    {"problem": "regression", "library": "scikit-learn", "tracking": "neptune", "versions": "s3", "ci": "gitlab"},
    {"problem": "classification", "library": "xgboost", "tracking": "neptune", "versions": "dvc", "ci": "github"},
    {"problem": "classification", "library": "scikit-learn", "tracking": "none", "versions": "dvc", "ci": "gitlab"},
    {"problem": "regression", "library": "xgboost", "tracking": "none", "versions": "s3", "ci": "github"},
]
SCORED = [
    {**PAIRS[0], "serving": "batch", "level": 0},
    {**PAIRS[1], "serving": "batch", "level": 1},
    {**TRAINED[0], "serving": "batch", "level": 2},
    {**TRAINED[1], "serving": "batch", "level": 2},
]
"""Scoring in files, at every level and with every CI."""


def name(answers: dict[str, Any]) -> str:
    """Name a combination of answers for pytest."""
    return "-".join(str(value) for value in answers.values())


def test_the_pairs_cover_every_pair() -> None:
    """Two answers that only fail together are seen together."""
    for choices, pairs in ((CHOICES, PAIRS), (TRAINING, TRAINED)):
        for first, second in itertools.combinations(choices, 2):
            seen = {(answers[first], answers[second]) for answers in pairs}
            assert seen == set(itertools.product(choices[first], choices[second])), (first, second)


@pytest.mark.parametrize("answers", ALL, ids=name)
def test_a_project_is_whole(answers: dict[str, str], template: Template, tmp_path: Path) -> None:
    """A project has its files and no other, every one rendered and readable, with no word of what was not chosen."""
    made = new(tmp_path / "late-flights", answers, defaults=True, template=template)
    expected = [*ALWAYS, ".github/workflows/ci.yml" if answers["ci"] == "github" else ".gitlab-ci.yml"]
    if answers["license"] != "none":
        expected.append("LICENSE")
    assert sorted(str(file) for file in made.files) == sorted(expected)
    for file in made.files:
        _readable(made.path / file, answers)
    for environment in ("dev", "staging", "prod"):
        settings = load_model(made.path / "infra", environment)
        assert isinstance(settings, ModelSettings)
        assert settings.effective_mode == ("realtime" if environment == "prod" else answers["mode"])
    assert git(made.path, "status", "--porcelain") == ""
    for check in (["check", "--quiet"], ["format", "--check", "--quiet"]):
        subprocess.run([Path(sys.executable).with_name("ruff"), *check, "."], cwd=made.path, check=True)


@pytest.mark.parametrize("answers", SCORED, ids=name)
def test_a_project_scores_in_files(answers: dict[str, Any], template: Template, tmp_path: Path) -> None:
    """With the answer batch every environment is in that mode, and nothing in the project tells of an endpoint."""
    made = new(tmp_path / "late-flights", answers, defaults=True, template=template)
    expected = [*ALWAYS, *BATCH, ".github/workflows/ci.yml" if answers["ci"] == "github" else ".gitlab-ci.yml"]
    if answers["level"] >= 2:
        expected += PIPELINE + (DVC if answers["versions"] == "dvc" else [])
    if answers.get("license", "none") != "none":
        expected.append("LICENSE")
    assert sorted(str(file) for file in made.files) == sorted(expected)
    for file in made.files:
        _readable(made.path / file, answers)
    for environment in ("dev", "staging", "prod"):
        settings = load_model(made.path / "infra", environment)
        assert (settings.effective_mode, settings.batch.schedule) == ("batch", "rate(1 day)")
    assert "\nscore: " in (made.path / "Makefile").read_text()
    readme = (made.path / "README.md").read_text()
    assert "## Scoring" in readme
    assert "puts the version on the endpoint" not in readme
    assert git(made.path, "status", "--porcelain") == ""
    for check in (["check", "--quiet"], ["format", "--check", "--quiet"]):
        subprocess.run([Path(sys.executable).with_name("ruff"), *check, "."], cwd=made.path, check=True)


@pytest.mark.parametrize(
    ("answers", "level"), [*((answers, 2) for answers in TRAINED), (TRAINED[1], 0), (TRAINED[3], 4)]
)
def test_a_project_grows_with_the_level(
    answers: dict[str, str], level: int, template: Template, tmp_path: Path
) -> None:
    """From level 2 on the pipeline and its parts are there, before that not a file or word of them."""
    made = new(tmp_path / "late-flights", {**answers, "level": level}, defaults=True, template=template)
    expected = [*ALWAYS, ".github/workflows/ci.yml" if answers["ci"] == "github" else ".gitlab-ci.yml"]
    if level >= 2:
        expected += PIPELINE + (DVC if answers["versions"] == "dvc" else [])
    assert sorted(str(file) for file in made.files) == sorted(expected)
    texts = {str(file): (made.path / file).read_text() for file in made.files if file.suffix != ".gz"}
    for file in made.files:
        _readable(made.path / file, answers)
    foreign = {"mlflow", "wandb", "neptune"} - ({answers["tracking"]} if level >= 2 else set())
    if level < 2:
        foreign |= {"dvc", "publish", "watched prefix"}
    for file, text in texts.items():
        if file in (".copier-answers.yml", "requirements/pipeline.txt", "requirements/dvc.txt"):
            continue
        # The tests take every tracker's variables away, and name the tracker that nobody chose.
        words = foreign - {"mlflow", "wandb", "neptune"} if file.startswith("tests/test_") else foreign
        if file == "src/late_flights/tracking.py" and answers["tracking"] == "none":
            words = words - {"mlflow"}
        # The SDK writes a key of that name, whoever tracks.
        found = [word for word in words if word in text.replace("MlflowConfig", "").lower()]
        assert not found, (file, found)
    for check in (["check", "--quiet"], ["format", "--check", "--quiet"]):
        subprocess.run([Path(sys.executable).with_name("ruff"), *check, "."], cwd=made.path, check=True)


def _readable(path: Path, answers: dict[str, Any]) -> None:
    if path.suffix == ".gz":
        return
    text = path.read_text()
    if path.name != "ci.yml":
        assert "{{" not in text
    assert "{%" not in text
    match path.suffix:
        case ".yml" | ".yaml":
            assert yaml.safe_load(text)
        case ".toml":
            assert tomllib.loads(text)
        case ".ipynb":
            assert json.loads(text)["nbformat"] == 4
        case ".py":
            compile(text, str(path), "exec")
    if path.name in (".copier-answers.yml", "LICENSE"):
        return
    other = {"github": "gitlab", "gitlab": "github"}[answers["ci"]]
    assert other not in text.lower(), path
    if answers["library"] == "scikit-learn":
        assert "xgb" not in text.lower().replace('"xgboost", ', "").replace(
            'module = ["sklearn.*", "joblib.*", "xgboost.*"', ""
        ), path


BAD = [
    ("project_name", "{{7*7}}", "letters, digits, spaces"),
    ("project_name", "${HOME}", "letters, digits, spaces"),
    ("project_name", "../..", "letters, digits, spaces"),
    ("project_name", "x" * 200, "2 to 60 characters"),
    ("project_name", 'a"b', "letters, digits, spaces"),
    ("project_name", "late\nflights", "letters, digits, spaces"),
    ("project_name", "é" * 5, "letters, digits, spaces"),
    ("model", "Late", "lower-case"),
    ("model", "late_flights", "single hyphens"),
    ("model", "late-", "single hyphens"),
    ("model", "a--b", "single hyphens"),
    ("model", "{% raw %}", "lower-case"),
    ("model", "a" * 33, "at most 32"),
    ("model", "1st", "lower-case letter"),
    ("team", "My Team", "lower-case"),
    ("team", "t" * 17, "at most 16"),
    ("owner", "nobody", "e-mail address"),
    ("owner", "a@b", "e-mail address"),
    ("problem", "clustering", "problem"),
    ("library", "tensorflow", "library"),
    ("mode", "batch", "mode"),
    ("serving", "async", "serving"),
    ("ci", "jenkins", "ci"),
    ("license", "GPL", "license"),
    ("index_url", "http://x", "https URL"),
    ("index_url", "https://x/{{ y }}", "https URL"),
    ("terrace_source", "evil==1", "terrace-mlops"),
    ("terrace_source", "terrace-mlops; rm -rf", "terrace-mlops"),
    ("region", "moon", "AWS region"),
    ("account", "123", "12 digits"),
    ("environment", "Dev", "lower-case"),
    ("projct_name", "x", "Did you mean project_name"),
    ("level", "5", "0 to 4"),
]


@pytest.mark.parametrize(("question", "value", "allowed"), BAD, ids=[f"{q}={v[:20]}" for q, v, _ in BAD])
def test_a_bad_answer_is_refused(question: str, value: str, allowed: str, template: Template, tmp_path: Path) -> None:
    """A bad answer is refused with its question and what is allowed, and nothing is written."""
    with pytest.raises(ProjectError) as refused:
        new(tmp_path / "made", {question: value}, defaults=True, template=template)
    assert question in str(refused.value)
    assert allowed in str(refused.value)
    assert not (tmp_path / "made").exists()


def test_a_folder_that_holds_something_is_refused(template: Template, tmp_path: Path) -> None:
    """Nobody's files are written over."""
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "thesis.txt").write_text("years of work")
    with pytest.raises(ProjectError, match="not empty"):
        new(tmp_path / "made", {}, defaults=True, template=template)


def test_an_environment_of_another_name_has_settings(template: Template, tmp_path: Path) -> None:
    """A platform may call its environment what it likes."""
    made = new(tmp_path / "made", {"environment": "lab"}, defaults=True, template=template)
    assert load_model(made.path / "infra", "lab").environment == "lab"


def test_an_account_is_written_for_its_environment_alone(template: Template, tmp_path: Path) -> None:
    """dev's account is in dev's settings; the others live in the sandbox until theirs is named."""
    made = new(tmp_path / "made", {"account": "123456789012"}, defaults=True, template=template)
    assert load_model(made.path / "infra", "dev").account == "123456789012"
    assert load_model(made.path / "infra", "prod").account is None


def test_an_update_keeps_edits_and_brings_changes(template: Template, tmp_path: Path) -> None:
    """What the team edited stays, what the template learned arrives, and what it does not own is left alone."""
    made = new(tmp_path / "made", {"project_name": "Late flights"}, defaults=True, template=template)
    features = made.path / "src" / "late_flights" / "features.py"
    features.write_text(features.read_text() + "\n\nOURS = 1\n")
    settings = made.path / "infra" / "Pulumi.dev.yaml"
    settings.write_text(settings.read_text() + "  terrace:memoryMb: 3072\n")
    git(made.path, "commit", "--quiet", "--all", "--message=Ours")

    source = Path(template.source)
    project = source / "templates" / "model" / "project"
    (project / "NEWS.md").write_text("new\n")
    old = (project / "src" / "{{ package }}" / "features.py.jinja").read_text()
    changed = old.replace("the same code in training and in serving", "one code for training and serving")
    assert changed != old
    (project / "src" / "{{ package }}" / "features.py.jinja").write_text(changed)
    dev = project / "infra" / "Pulumi.dev.yaml.jinja"
    dev.write_text(dev.read_text().replace("availability: 99.5", "availability: 90"))
    git(source, "add", "--all")
    git(source, "commit", "--quiet", "--message=Newer")

    update(made.path)
    assert (made.path / "NEWS.md").read_text() == "new\n"
    assert "OURS = 1" in features.read_text()
    assert "one code for training and serving" in features.read_text()
    assert "memoryMb: 3072" in settings.read_text()
    assert "availability: 99.5" in settings.read_text()


def test_an_update_brings_the_next_level(template: Template, tmp_path: Path) -> None:
    """A project of level 1 gets its pipeline by an answer, and what its team edited stays."""
    made = new(tmp_path / "late-flights", {"level": 1}, defaults=True, template=template)
    features = made.path / "src" / "late_flights" / "features.py"
    features.write_text(features.read_text() + "\n\nOURS = 1\n")
    config = made.path / "src" / "late_flights" / "config.py"
    config.write_text(config.read_text().replace("THRESHOLD = 0.66", "THRESHOLD = 0.67"))
    git(made.path, "commit", "--quiet", "--all", "--message=Ours")
    update(made.path, {"level": 2})
    for file in PIPELINE:
        assert (made.path / file).is_file(), file
    assert "OURS = 1" in features.read_text()
    assert "THRESHOLD = 0.67" in config.read_text()
    assert "DRIFT_LIMIT" in config.read_text()
    assert "pipeline:" in (made.path / "Makefile").read_text()
    answers = yaml.safe_load((made.path / ".copier-answers.yml").read_text())
    assert (answers["level"], answers["tracking"], answers["versions"]) == (2, "mlflow", "s3")
    assert not list(made.path.rglob("*.rej"))
    assert "<<<<<<<" not in "".join(f.read_text() for f in made.path.rglob("*.py"))


def test_an_answer_of_before_is_an_endpoint(template: Template, tmp_path: Path) -> None:
    """A project that was made before the question was asked goes on as it was, and can be asked later."""
    source = Path(template.source)
    questions, commit = source / "templates" / "model" / "copier.yml", "--message=Older"
    now = questions.read_text()
    older = re.sub(r"(?s)serving:\n.*?(?=mode:\n)", "", now)
    older = re.sub(r".*serving.*\n", "", older)
    questions.write_text(older)
    project = source / "templates" / "model" / "project"
    for file in project.rglob("*.jinja"):
        if "scoring" in file.name:
            file.unlink()
        elif "serving" in file.read_text():
            file.write_text("{% set serving = 'endpoint' -%}\n" + file.read_text())
    git(source, "commit", "--quiet", "--all", commit)
    made = new(tmp_path / "late-flights", {"mode": "realtime"}, defaults=True, template=template)
    assert "serving" not in (made.path / ".copier-answers.yml").read_text()
    git(source, "revert", "--no-edit", "HEAD")

    update(made.path)
    answers = yaml.safe_load((made.path / ".copier-answers.yml").read_text())
    assert (answers["serving"], answers["mode"]) == ("endpoint", "realtime")
    assert load_model(made.path / "infra", "dev").effective_mode == "realtime"
    assert not (made.path / "src" / "late_flights" / "scoring.py").exists()
    git(made.path, "add", "--all")
    git(made.path, "commit", "--quiet", "--message=Newer")

    update(made.path, {"serving": "batch"})
    for path in BATCH:
        assert (made.path / path).is_file(), path
    assert "\nscore: " in (made.path / "Makefile").read_text()
    # Settings of environments are the team's alone, and TEMPLATE.md says what to write there.
    assert load_model(made.path / "infra", "dev").effective_mode == "realtime"
    assert "terrace:batch" in (made.path / "TEMPLATE.md").read_text()


def test_an_old_tag_does_not_bring_an_old_template(template: Template, tmp_path: Path) -> None:
    """The commit that is checked out is used, not the newest tag behind it."""
    source = Path(template.source)
    git(source, "tag", "v0.0.1")
    (source / "templates" / "model" / "project" / "NEWS.md").write_text("new\n")
    git(source, "add", "--all")
    git(source, "commit", "--quiet", "--message=Newer")
    made = new(tmp_path / "made", {}, defaults=True, template=template)
    assert (made.path / "NEWS.md").exists()


def test_the_bundled_copy_says_that_it_cannot_be_updated(template: Template, tmp_path: Path) -> None:
    """A project from a wheel works, and its maker is told what an update needs."""
    made = new(tmp_path / "made", {}, defaults=True, template=Template(template.source, None))
    assert not made.updatable
    assert "copier update" in made.notes[0]


def test_every_question_has_help_and_a_default() -> None:
    """Nobody is asked what they cannot answer."""
    asked = yaml.safe_load((ROOT / "templates" / "model" / "copier.yml").read_text())
    for question in questions():
        assert asked[question]["help"], question
        assert "default" in asked[question], question
        assert "validator" in asked[question] or "choices" in asked[question], question


@pytest.mark.slow
@pytest.mark.parametrize(
    "answers", [*PAIRS, *({**answers, "level": 2} for answers in TRAINED), SCORED[1], SCORED[2]], ids=name
)
def test_a_project_passes_its_own_tests_from_birth(
    answers: dict[str, str], shared: Path, template: Template, tmp_path: Path
) -> None:
    """`make test` and `make lint` of a new project pass, whatever was answered."""
    made = new(tmp_path / "late-flights", answers, defaults=True, template=template)
    # The environment is newer than the lock that it was made from.
    (shared / ".ready").touch()
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "PYTEST"))}
    done = subprocess.run(
        ["make", "test", "lint", f"VENV={shared}"],
        cwd=made.path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert " passed" in done.stdout
