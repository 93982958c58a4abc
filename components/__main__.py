"""Serves Terrace's components to programs in every Pulumi language.

`python components` is what Pulumi starts. `python components schema` writes the package's schema to standard output; it
is kept beside this file as `schema.json`.
"""

import json
import sys

from pulumi.provider.experimental import component_provider_host
from pulumi.provider.experimental.component import ComponentProvider
from terrace_components import COMPONENTS

from terrace import __version__

NAME = "terrace"


def schema() -> str:
    """Return the package's schema as JSON, as the host serves it."""
    provider = ComponentProvider(COMPONENTS, NAME, None, __version__)
    return json.dumps(json.loads(provider.schema or ""), indent=2, sort_keys=True) + "\n"


def main() -> None:
    """Serve, or write the schema."""
    if sys.argv[1:] == ["schema"]:
        sys.stdout.write(schema())
    else:
        component_provider_host(COMPONENTS, NAME, version=__version__)


if __name__ == "__main__":
    main()
