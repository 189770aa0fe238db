"""The words of the house, as a program can hold names to them. `docs/glossary.md` explains them to people."""

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Ban:
    """A synonym that no name may use, the word that it stands for, and a name of each kind to prove the rule with."""

    banned: str
    say: str
    good: str
    bad: str
    # Some words are wrong only as the thing itself (`provider`), and right in front of another (`provider_id`: the id it gave).
    only_as_the_thing: bool = False


BANS = (
    Ban("account", "workspace", "workspace_id", "account_id"),
    Ban("tenant", "workspace", "WorkspaceCreated", "TenantCreated"),
    Ban("org", "workspace", "workspace_slug", "org_slug"),
    Ban("organization", "workspace", "workspace", "organization"),
    Ban("organisation", "workspace", "workspace", "organisations"),
    Ban("user", "person, agent or contact", "person_id", "user_id"),
    Ban("operator", "agent", "assign_agent", "assign_operator"),
    Ban("provider", "channel", "provider_id", "message_provider", only_as_the_thing=True),
    Ban("connection", "inbox", "inbox_id", "connection_id"),
    Ban("customer", "contact", "contact", "customers"),
    Ban("visitor", "contact", "ContactCreated", "VisitorCreated"),
    Ban("lead", "contact", "merge_contacts", "merge_leads"),
    Ban("handle", "identity", "identity_id", "contact_handle", only_as_the_thing=True),
    Ban("chat", "conversation", "close_conversation", "close_chat"),
    Ban("ticket", "conversation", "ConversationAssigned", "TicketAssigned"),
    Ban("thread", "conversation", "conversation_id", "thread_id"),
    Ban("payload", "content", "content", "message_payload"),
    Ban("optin", "consent", "consent", "optin"),
    Ban("opt_in", "consent", "consent_given_at", "opt_in_list"),
    Ban("hook", "fact", "fact_kind", "hook_kind"),
    Ban("signal", "fact", "MessageReceived", "MessageSignal"),
    Ban("workflow", "rule, macro or flow", "flow_id", "workflow_id"),
    Ban("blast", "broadcast", "start_broadcast", "start_blast"),
    Ban("chatbot", "bot", "bot_id", "chatbot_id"),
    Ban("organizer", "agent", "agent_name", "organizer_name"),
)

# Names in which a banned word means something else. Each has its reason, and none is ever a bare synonym.
MEANT = {
    "user_agent": "HTTP's own name for the browser's description",
    "thread_key": "the key that orders work, known before there is an identity or a conversation; see the glossary",
    "thread_lane": "the lane of a thread key",
    "visitor_id": "who holds a browser's token before there is a contact: the web channel's own word; see the glossary",
    "parked_thread": "the work of one thread key, waiting after a failure; see the glossary",
}


def words(name: str) -> list[str]:
    """The words of a name, small and in the singular: `ConversationsClosed` gives `conversation`, `closed`."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    return [_singular(part.lower()) for part in parts]


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and (len(word) > 3 or word == "ids") else word


def verdicts(name: str) -> Iterator[Ban]:
    """Every ban that a name breaks."""
    spelled = words(name)
    joined = "_".join(spelled)
    for meant in MEANT:
        joined = f"_{joined}_".replace(f"_{meant}_", "_").strip("_")
    for ban in BANS:
        where = f"_{joined}_".find(f"_{ban.banned}_")
        if where < 0:
            continue
        if not ban.only_as_the_thing or joined.endswith(ban.banned):
            yield ban
