"""What can be done to a conversation: one file per command."""

from comptoir.conversations.commands.assign import assign
from comptoir.conversations.commands.import_history import import_history
from comptoir.conversations.commands.label import (
    create_label,
    delete_label,
    label_conversation,
    list_labels,
    update_label,
)
from comptoir.conversations.commands.mark_read import mark_read
from comptoir.conversations.commands.prioritise import prioritise
from comptoir.conversations.commands.send_message import SendMessage, send_message
from comptoir.conversations.commands.set_status import set_status

__all__ = [
    "SendMessage",
    "assign",
    "create_label",
    "delete_label",
    "import_history",
    "label_conversation",
    "list_labels",
    "mark_read",
    "prioritise",
    "send_message",
    "set_status",
    "update_label",
]
