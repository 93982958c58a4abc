"""The `aws` of a build: it hands out the passwords of the account's own image and package repositories.

Any other command is refused by name; a build that needs more calls the API, which is at AWS_ENDPOINT_URL.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Sequence

from terrace.errors import SandboxError
from terrace.sandbox.builds.context import Context

KNOWN = ("ecr get-login-password", "codeartifact get-authorization-token", "codeartifact login")


def main(words: Sequence[str]) -> int:
    """Do what an aws command says; return its exit code."""
    context = Context.read(words[0])
    verbs = " ".join([word for word in _without_globals(words[1:]) if not word.startswith("-")][:2])
    try:
        answer = _answer(context, verbs)
    except SandboxError as error:
        sys.stderr.write(f"aws: {error}\n")
        return 252
    sys.stdout.write(f"{answer}\n")
    return 0


def _answer(context: Context, verbs: str) -> str:
    if verbs == "ecr get-login-password":
        token = context.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
        return base64.b64decode(token).decode().partition(":")[2]
    if verbs == "codeartifact get-authorization-token":
        return f"sandbox-token-of-{context.account}"
    if verbs == "codeartifact login":
        # pip goes on with the index of this machine: the sandbox's package repositories hold no packages.
        return "pip keeps this machine's package index: the sandbox's repositories hold no packages."
    raise SandboxError(f"the sandbox's builds know {', '.join(KNOWN)}; `{verbs}` is not among them")


def _without_globals(words: Sequence[str]) -> list[str]:
    """Leave out the global options that come before the command, with their values."""
    rest = list(words)
    while rest and rest[0].startswith("--"):
        rest = rest[1:] if "=" in rest[0] or rest[0] in ("--debug", "--no-cli-pager") else rest[2:]
    return rest


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
