"""What the room refuses: the closed set."""

from __future__ import annotations

from typing import ClassVar

from comptoir.kernel.errors import Locale, Refusal


class NotSignedIn(Refusal):
    """No session, an ended one, or a key that is not ours."""

    code = "not_signed_in"
    status = 401
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "You are not signed in, or your session has ended. Please sign in.",
        "fr": "Vous n’êtes pas connecté, ou votre session a pris fin. Veuillez vous connecter.",
    }


class SignInRefused(Refusal):
    """Unknown e-mail and wrong password sound alike and take the same time: who has a login is not given away."""

    code = "sign_in_refused"
    status = 401
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This e-mail address and password do not go together. Please check both.",
        "fr": "Cette adresse e-mail et ce mot de passe ne vont pas ensemble. Veuillez vérifier les deux.",
    }


class TooManyAttempts(Refusal):
    """Sign-in was tried too often; `retry_after` is in seconds."""

    code = "too_many_attempts"
    status = 429
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "Too many attempts to sign in. Please try again in {minutes} minutes.",
        "fr": "Trop de tentatives de connexion. Veuillez réessayer dans {minutes} minutes.",
    }

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(minutes=-(-retry_after // 60))


class NotPermitted(Refusal):
    """The role does not carry the permission."""

    code = "not_permitted"
    status = 403
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "Your role does not allow this. An owner or an admin of the workspace can change your role.",
        "fr": "Votre rôle ne le permet pas. Un propriétaire ou un administrateur de l’espace peut changer votre rôle.",
    }


class AgentNeeded(Refusal):
    """What only a person can do, such as having read a message; an API key is nobody."""

    code = "agent_needed"
    status = 403
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "Only an agent can do this, not an API key. Please sign in as an agent.",
        "fr": "Seul un agent peut le faire, pas une clé d’API. Veuillez vous connecter en tant qu’agent.",
    }


class EmailTaken(Refusal):
    """A person signs in once per installation, so an address belongs to one person."""

    code = "email_taken"
    status = 409
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "There is already a person with this e-mail address.",
        "fr": "Il existe déjà une personne avec cette adresse e-mail.",
    }


class SlugTaken(Refusal):
    """Addresses of pages are given once."""

    code = "slug_taken"
    status = 409
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This short name is already taken. Please choose another.",
        "fr": "Ce nom court est déjà pris. Veuillez en choisir un autre.",
    }


class AlreadyAgent(Refusal):
    """A person is in a workspace once."""

    code = "already_agent"
    status = 409
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This person already belongs to the workspace.",
        "fr": "Cette personne fait déjà partie de l’espace.",
    }


class PasswordTooWeak(Refusal):
    """Too short, or too long to be hashed in good time."""

    code = "password_too_weak"
    status = 422
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "A password needs {least} to {most} characters.",
        "fr": "Un mot de passe doit compter de {least} à {most} caractères.",
    }


class LastOwner(Refusal):
    """A workspace without an owner could never be managed again."""

    code = "last_owner"
    status = 409
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "This is the last owner of the workspace. Please make somebody else an owner first.",
        "fr": "C’est le dernier propriétaire de l’espace. Veuillez d’abord nommer un autre propriétaire.",
    }
