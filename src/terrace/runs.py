"""Runs of an engine on a platform or on a model project: what `preview`, `up` and `destroy` do."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from terrace.contracts import models, need_platform, read_model, read_platform
from terrace.cost import IdleCost, idle
from terrace.engine import Engine, Listener, MessageEvent, Program, Result, ignore_events
from terrace.engines import choose_engine, open_embedded, open_engine, open_pulumi
from terrace.errors import EngineError
from terrace.images import ensure_image
from terrace.keeping import keeping, kept_of_model, kept_of_platform, write_kept
from terrace.maturity import plan, plan_model
from terrace.platform import Platform, open_platform
from terrace.project import Project
from terrace.release import settle
from terrace.settings import program_config
from terrace.source import read_source
from terrace.target import Target, load_sandbox


@dataclass(frozen=True)
class Run:
    """A finished run, as `--json` prints it.

    Attributes:
        environment: Name of the environment.
        project: Name of the Pulumi project: `terrace` for the platform, else the model.
        level: Maturity level of the run.
        engine: Which engine ran.
        target: `aws` or `sandbox`.
        result: What the engine did, or would do.
        kept: What keeps its stores though the level no longer has it, and stores that nothing names any more.
        platform: The platform's own run, where a project's run had to make the platform first.
        notes: What else is to be said.
        idle_cost: What the environment would cost a month while nobody uses it; of a platform's preview alone.
    """

    environment: str
    project: str
    level: int
    engine: str
    target: str
    result: Result
    kept: tuple[str, ...] = ()
    platform: Run | None = None
    notes: tuple[str, ...] = field(default=())
    idle_cost: IdleCost | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the run as plain data; its form is a contract that scripts rest on."""
        said: dict[str, Any] = {
            "stack": f"{self.project}/{self.environment}",
            "environment": self.environment,
            "project": self.project,
            "level": self.level,
            "engine": self.engine,
            "target": self.target,
            "resources": self.result.counts,
            "kept": list(self.kept),
            "outputs": self.result.outputs,
            "seconds": round(self.result.seconds, 2),
            "messages": [*self.result.messages, *self.notes],
        }
        if self.idle_cost is not None:
            said["idle_cost"] = self.idle_cost.to_json()
        if self.platform is not None:
            said["platform"] = self.platform.to_json()
        return said


@dataclass(frozen=True)
class Options:
    """How a run is to be made: which engine, and who listens."""

    engine: str | None = None
    """None leaves it to `terrace.engines.choose_engine`."""
    listen: Listener = ignore_events

    def open(self, target: Target, program: Program) -> tuple[str, Engine]:
        """Return the engine for a stack, and its name."""
        name = choose_engine(self.engine, target, program)
        return name, open_engine(name, target)

    def say(self, text: str) -> None:
        """Tell the listener a sentence."""
        self.listen(MessageEvent("info", text))


def preview_platform(platform: Platform, options: Options) -> Run:
    """Return what `up` would do to an environment. Nothing is created, the sandbox included if it doesn't run."""
    run = _platform(platform, options, lambda engine, program: engine.preview(program, options.listen), change=False)
    return replace(run, idle_cost=idle(platform.settings))


def up_platform(platform: Platform, options: Options, retire: Collection[str] = ()) -> Run:
    """Bring an environment to what its settings say; stores in `retire`, by URN, go with all they hold."""
    return _platform(platform, options, lambda engine, program: engine.up(program, options.listen, retire), change=True)


def destroy_platform(platform: Platform, options: Options, *, delete_data: bool) -> Run:
    """Remove an environment.

    Raises:
        EngineError: Models still live on it, or it has stores and their deletion was not asked for.
    """
    target = platform.target(say=options.say)
    there = models(target, platform.environment)
    if there:
        raise EngineError(
            f"{platform.environment} still has models: {', '.join(there)}.",
            f"Remove them first, each with: terrace destroy {platform.environment} --project PATH",
        )
    program = program_of(platform)
    name, engine = options.open(target, program)
    result = engine.destroy(program, delete_data, options.listen)
    return Run(platform.environment, "terrace", platform.settings.level, name, target.kind, result)


def refresh(stack: Platform | Project, options: Options) -> Run:
    """Bring the state of an environment, or of a model project in it, up to date with what is there."""
    target = stack.target(say=options.say)
    program = program_of(stack)
    name, engine = options.open(target, program)
    result = engine.refresh(program, options.listen)
    return Run(program.stack, program.project, stack.settings.level or 0, name, target.kind, result)


def preview_project(project: Project, options: Options) -> Run:
    """Return what `up` would do to a model project in its environment. No image is built for it."""
    target = project.target(say=options.say)
    contract = need_platform(target, project.settings.environment)
    model_plan = plan_model(project.settings, contract)
    kept = kept_of_model(project, contract, target)
    project = keeping(project, kept)
    program = program_of(_with_image(project, _current_image(project, target)))
    name, engine = options.open(target, program)
    result = engine.preview(program, options.listen)
    names = (*kept, *(change.name for change in result.kept))
    return Run(contract.environment, project.settings.model, model_plan.level, name, target.kind, result, names)


def up_project(project: Project, options: Options, root: Path | None = None, retire: Collection[str] = ()) -> Run:
    """Go from nothing to an endpoint that answers: platform, repository, image, the rest.

    Args:
        project: The model project.
        options: How.
        root: Folder of the platform's program, for an environment that has no platform yet; None looks for it.
        retire: URNs of stores that go with all they hold.
    """
    target = project.target(say=options.say)
    environment = project.settings.environment
    first = None
    if read_platform(target, environment) is None:
        options.say(f"{environment} has no platform yet: making it first")
        first = up_platform(open_platform(root, environment), options)
    contract = need_platform(target, environment)
    model_plan = plan_model(project.settings, contract)
    model_plan.refuse_unbuilt()
    kept = kept_of_model(project, contract, target)
    project = keeping(project, kept)
    write_kept(project, kept, options.say)
    name, engine = options.open(target, program_of(project))
    image, before = project.settings.image, None
    if image is None:
        source = read_source(project.root)
        stack = read_model(target, environment, project.settings.model)
        if stack is None:
            before = engine.up(program_of(project), options.listen)
            stack = read_model(target, environment, project.settings.model)
        if stack is None:
            raise EngineError(f"The program of {project.root} made no model contract.", "Does it use ModelStack?")
        if target.url is not None and project.python is not None:
            load_sandbox_environment(project, source.lock_hash)
        image = ensure_image(target, stack, source, options.say)
    result = engine.up(program_of(_with_image(project, image)), options.listen, retire)
    made = read_model(target, environment, project.settings.model)
    record = settle(target, made, options.say) if made else None
    verb = "scores" if made and made.batch else "serves"
    serves = f"version {record.model_version} {verb}" if record and record.model_version else f"the baseline {verb}"
    return Run(
        environment=environment,
        project=project.settings.model,
        level=model_plan.level,
        engine=name,
        target=target.kind,
        result=_joined(before, result) if before else result,
        kept=(*kept, *(change.name for change in result.kept)),
        platform=first,
        notes=(serves,),
    )


def destroy_project(project: Project, options: Options, *, delete_data: bool) -> Run:
    """Remove a model project from its environment.

    Raises:
        EngineError: It has stores (a registry with versions, an image repository) and their deletion was not asked for.
    """
    target = project.target(say=options.say)
    name, engine = options.open(target, program_of(project))
    result = engine.destroy(program_of(project), delete_data, options.listen)
    if delete_data:
        _forget_release(project, target)
    level = project.settings.level or 0
    return Run(project.settings.environment, project.settings.model, level, name, target.kind, result)


def adopt(stack: Platform | Project, options: Options) -> Run:
    """Move a stack from the embedded engine's state to Pulumi's. No resource is made, changed or looked at.

    Raises:
        EngineError: The embedded engine has no such stack, or Pulumi has one with resources.
    """
    target = stack.target(start=False)
    if target.url is None:
        raise EngineError(f"{stack.settings.environment} lives on AWS, where the embedded engine never ran.")
    program = program_of(stack)
    embedded = open_embedded(target)
    if not embedded.resources(program):
        raise EngineError(f"The embedded engine has no resources of {program.project}/{program.stack}.")
    pulumi = open_pulumi(target)
    done: list[Result] = []
    embedded.hand_over(program, lambda resources: done.append(pulumi.adopt(program, resources, options.listen)))
    return Run(program.stack, program.project, stack.settings.level or 0, "pulumi", target.kind, done[0])


def take(stack: Platform | Project, name: str, id: str, options: Options) -> Run:
    """Take a resource that exists into a stack of Pulumi's; the next `up` brings it to what the program says.

    Raises:
        EngineError: The stack is the embedded engine's, or has the resource already, or AWS does not have it.
    """
    target = stack.target(say=options.say)
    program = program_of(stack)
    if choose_engine(options.engine, target, program) != "pulumi":
        raise EngineError("The embedded engine imports nothing.", "Install Pulumi, and run with --engine pulumi.")
    result = open_pulumi(target).take(program, name, id, options.listen)
    return Run(program.stack, program.project, stack.settings.level or 0, "pulumi", target.kind, result)


def outputs(stack: Platform | Project, engine: str | None = None) -> dict[str, Any]:
    """Return what the last run of an environment or a model project that ended well exports."""
    program = program_of(stack)
    _, opened = Options(engine).open(stack.target(start=False), program)
    return opened.outputs(program)


def program_of(stack: Platform | Project) -> Program:
    """Return the program of an environment or a model project, with the configuration that its settings give."""
    if isinstance(stack, Platform):
        return Program("terrace", stack.environment, stack.root / "stacks", program_config(stack.settings))
    settings = stack.settings
    return Program(settings.model, settings.environment, stack.infra, program_config(settings))


def load_sandbox_environment(project: Project, lock_hash: str) -> None:
    """Tell the sandbox that the project's own Python environment has what its lock pins."""
    from terrace import paths

    assert project.python is not None  # noqa: S101  (the caller's condition)
    load_sandbox(paths.home()).register_environment(lock_hash, project.python)


def _platform(platform: Platform, options: Options, run: Callable[[Engine, Program], Result], *, change: bool) -> Run:
    plan(platform.settings).refuse_unbuilt()
    target = platform.target(say=options.say)
    kept = kept_of_platform(platform, target)
    platform = keeping(platform, kept)
    if change:
        write_kept(platform, kept, options.say)
    program = program_of(platform)
    name, engine = options.open(target, program)
    result = run(engine, program)
    names = (*kept, *(change.name for change in result.kept))
    level = platform.settings.level
    return Run(platform.environment, "terrace", level, name, target.kind, result, names)


def _with_image(project: Project, image: str | None) -> Project:
    return replace(project, settings=project.settings.model_copy(update={"image": image})) if image else project


def _current_image(project: Project, target: Target) -> str | None:
    stack = read_model(target, project.settings.environment, project.settings.model)
    return project.settings.image or (stack.image if stack else None)


def _joined(first: Result, second: Result) -> Result:
    """Return two runs of one stack as one: what the first made is not unchanged in the second."""
    made = {change.urn for change in first.created}
    updated = [change for change in second.updated if change.urn not in made]
    return replace(
        second,
        created=[*first.created, *second.created],
        updated=updated,
        unchanged=[change for change in second.unchanged if change.urn not in made],
        seconds=first.seconds + second.seconds,
        messages=[*first.messages, *second.messages],
    )


def _forget_release(project: Project, target: Target) -> None:
    from terrace.maturity import names

    ssm = target.client("ssm")
    ssm.delete_parameters(
        Names=[names.model_parameter(project.settings.environment, project.settings.model, "release")]
    )


__all__ = [
    "Options",
    "Run",
    "adopt",
    "destroy_platform",
    "destroy_project",
    "outputs",
    "preview_platform",
    "preview_project",
    "program_of",
    "refresh",
    "take",
    "up_platform",
    "up_project",
]
