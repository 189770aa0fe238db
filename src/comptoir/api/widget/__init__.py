"""The widget's door: what visitors' browsers ask and say (`docs/protocol.md`, The widget)."""

from comptoir.api.widget.door import WidgetDoor

__all__ = ["WidgetDoor"]
