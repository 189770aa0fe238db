"""What policy refuses."""

from __future__ import annotations

from typing import ClassVar

from comptoir.kernel.errors import Locale, Refusal
from comptoir.policy.verdicts import Reason, Verdict

_BY_REASON: dict[Reason, dict[Locale, str]] = {
    Reason.BLOCKED: {
        "en": "This contact is blocked. Unblock the contact to write again.",
        "fr": "Ce contact est bloqué. Débloquez-le pour lui écrire de nouveau.",
    },
    Reason.INWARD_ONLY: {
        "en": "This content was received from a channel and cannot be sent.",
        "fr": "Ce contenu a été reçu d’un canal et ne peut pas être envoyé.",
    },
    Reason.NEVER_WROTE: {
        "en": "This channel lets you write only after the contact has written.",
        "fr": "Ce canal ne permet d’écrire qu’après un premier message du contact.",
    },
    Reason.WINDOW_CLOSED: {
        "en": "The time in which this channel lets you answer is over. You can write again once the contact has written.",
        "fr": "Le délai de réponse de ce canal est écoulé. Vous pourrez écrire de nouveau dès que le contact aura écrit.",
    },
}


class NotAllowedNow(Refusal):
    """The verdict was no. `verdict` says by which rule, and what else could be done."""

    code = "not_allowed_by_channel"
    status = 409
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This message may not be sent now.",
        "fr": "Ce message ne peut pas être envoyé pour l’instant.",
    }

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        super().__init__()

    def sentence(self, locale: Locale) -> str:
        """What stands in the way, in the language asked."""
        sentences = self.sentences if self.verdict.reason is None else _BY_REASON[self.verdict.reason]
        return sentences.get(locale) or sentences["en"]


def require(verdict: Verdict) -> Verdict:
    """The verdict itself when it allows. Raises NotAllowedNow."""
    if not verdict.allowed:
        raise NotAllowedNow(verdict)
    return verdict
