"""Serves Terrace's components to programs in every Pulumi language.

`python components` is what Pulumi starts. `python components schema` writes the package's schema to standard output; it
is kept beside this file as `schema.json`.
"""

import sys

from pulumi.provider import main as serve
from terrace_components.package import Package


def main() -> None:
    """Serve, or write the schema."""
    package = Package()
    if sys.argv[1:] == ["schema"]:
        sys.stdout.write(f"{package.schema}\n")
    else:
        serve(package, sys.argv[1:])


if __name__ == "__main__":
    main()
