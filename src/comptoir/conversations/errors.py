"""Refusals of the room."""

from __future__ import annotations

from typing import ClassVar

from comptoir.kernel.errors import Locale, Refusal


class UnknownReply(Refusal):
    """The message to reply to is not in this conversation."""

    code = "unknown_reply"
    status = 422
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "The message you reply to is not in this conversation.",
        "fr": "Le message auquel vous répondez ne fait pas partie de cette conversation.",
    }


class UnknownAssignee(Refusal):
    """No active agent of this id in the workspace."""

    code = "unknown_assignee"
    status = 422
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This colleague does not exist here or is no longer active.",
        "fr": "Ce collègue n’existe pas ici ou n’est plus actif.",
    }


class UnknownLabel(Refusal):
    """A label id that the workspace does not have."""

    code = "unknown_label"
    status = 422
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This label no longer exists.",
        "fr": "Cette étiquette n’existe plus.",
    }


class LabelExists(Refusal):
    """Another label has the name."""

    code = "label_exists"
    status = 409
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "There is already a label called “{name}”.",
        "fr": "Il existe déjà une étiquette nommée «\u00a0{name}\u00a0».",
    }


class MessageIdTaken(Refusal):
    """The id of a new message names another message already."""

    code = "message_id_taken"
    status = 409
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This message id is taken by another message. Please make a new one.",
        "fr": "Cet identifiant désigne déjà un autre message. Veuillez en créer un nouveau.",
    }


class UnknownAttachment(Refusal):
    """No such file, or somebody else's."""

    code = "unknown_attachment"
    status = 422
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "The attached file cannot be found. Please attach it again.",
        "fr": "Le fichier joint est introuvable. Veuillez le joindre de nouveau.",
    }


class AttachmentEmpty(Refusal):
    """An upload without a byte."""

    code = "attachment_empty"
    status = 422
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This file is empty.",
        "fr": "Ce fichier est vide.",
    }


class PictureTooLarge(Refusal):
    """More pixels than may be opened, whatever the file weighs."""

    code = "picture_too_large"
    status = 422
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This picture has more than 50 million pixels. Please send a smaller version of it.",
        "fr": "Cette image compte plus de 50 millions de pixels. Veuillez en envoyer une version plus petite.",
    }


class NotToSettle(Refusal):
    """Only a delivery that is uncertain or failed waits for somebody's decision; `state` is what it is."""

    code = "not_to_settle"
    status = 409
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This delivery needs no decision: its state is “{state}”.",
        "fr": "Cet envoi n’attend aucune décision\u202f: son état est «\u00a0{state}\u00a0».",
    }
