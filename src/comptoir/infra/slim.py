"""structlog without rich.

structlog loads rich, where it is installed, for coloured tracebacks. We render tracebacks plainly, and rich would cost
each process a third of a second and 6 MB (measured): it is out of sight for the moment of the import.
"""

from __future__ import annotations

import sys

if "structlog" not in sys.modules and "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]  # Python's own way to say that there is none
    try:
        import structlog
    finally:
        del sys.modules["rich"]
else:
    import structlog

__all__ = ["structlog"]
