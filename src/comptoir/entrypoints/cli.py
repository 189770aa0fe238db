"""The command line. Every command imports what it needs when it runs, so that `comptoir --help` answers at once."""

from __future__ import annotations

import os
import sys
from typing import Annotated

from cyclopts import App, Parameter

from comptoir.infra.config import StartRefused, speaks_french


def say(en: str, fr: str) -> str:
    return fr if speaks_french() else en


app = App(
    name="comptoir",
    help=say(
        "Comptoir: the counter where a business meets its customers.",
        "Comptoir\u202f: là où une entreprise rencontre ses clients.",
    ),
    version_flags=["--version"],
    help_flags=["--help", "-h"],
)
user = App(name="user", help=say("People who sign in.", "Les personnes qui se connectent."))
apikey = App(name="apikey", help=say("Keys for programs.", "Les clés pour les programmes."))
app.command(user)
app.command(apikey)


@app.command(
    help=say(
        "Serve everything: PostgreSQL, migrations, the web and the worker process.",
        "Tout servir\u202f: PostgreSQL, migrations, les processus web et worker.",
    )
)
def serve() -> int:
    from comptoir.entrypoints import supervisor

    return supervisor.serve()


@app.command(help=say("Run one web process.", "Exécuter un processus web."))
def web() -> int:
    from comptoir.entrypoints import processes

    return processes.main("web")


@app.command(help=say("Run one worker process.", "Exécuter un processus worker."))
def worker() -> int:
    from comptoir.entrypoints import processes

    return processes.main("worker")


@app.command(help=say("Bring the database up to date.", "Mettre la base à jour."))
def migrate() -> int:
    from comptoir.entrypoints import operator

    return operator.migrate()


@app.command(help=say("Seed two example businesses and serve them.", "Créer deux entreprises d’exemple et les servir."))
def demo() -> int:
    from comptoir.entrypoints.demo import main as demonstrate

    return demonstrate()


@app.command(help=say("Check everything, and say what to do.", "Tout vérifier, et dire quoi faire."))
def doctor() -> int:
    from comptoir.entrypoints import doctor as examination

    return examination.doctor()


@app.command(help=say("Print what became of a message.", "Afficher ce qu’est devenu un message."))
def trace(message_id: Annotated[str, Parameter(help=say("The message’s id.", "L’identifiant du message."))]) -> int:
    from comptoir.entrypoints import operator

    return operator.trace(message_id)


@app.command(
    help=say(
        "Read raw events again; nothing goes out because of it.",
        "Relire des événements bruts\u202f; rien n’est envoyé de ce fait.",
    )
)
def replay(
    *,
    since: Annotated[
        str, Parameter(help=say("From when, such as 2026-03-01T08:00Z.", "Depuis quand, p. ex. 2026-03-01T08:00Z."))
    ],
    until: Annotated[str | None, Parameter(help=say("Until when (now).", "Jusqu’à quand (maintenant)."))] = None,
    inbox: Annotated[str | None, Parameter(help=say("One inbox only.", "Une seule boîte."))] = None,
) -> int:
    from comptoir.entrypoints import operator

    return operator.replay(inbox, since, until)


@user.command(
    name="create",
    help=say("Make a person, and an agent of a workspace.", "Créer une personne, et un agent d’un espace."),
)
def user_create(
    email: str,
    *,
    name: Annotated[str, Parameter(help=say("The name that others see.", "Le nom que les autres voient."))],
    workspace: Annotated[
        str | None,
        Parameter(
            help=say(
                "The workspace’s slug; made when there is none.",
                "L’identifiant court de l’espace\u202f; créé s’il n’existe pas.",
            )
        ),
    ] = None,
    role: Annotated[str, Parameter(help="owner, admin, agent, observer")] = "owner",
    locale: Annotated[str, Parameter(help="en, fr")] = "fr" if speaks_french() else "en",
) -> int:
    from comptoir.entrypoints import operator

    return operator.create_person(email, name, workspace, role, locale)


@user.command(
    name="password", help=say("Give a person a new password.", "Donner un nouveau mot de passe à une personne.")
)
def user_password(email: str) -> int:
    from comptoir.entrypoints import operator

    return operator.set_password(email)


@apikey.command(
    name="create", help=say("Make a key; it is shown once.", "Créer une clé\u202f; elle est affichée une fois.")
)
def apikey_create(
    workspace: Annotated[str, Parameter(help=say("The workspace’s slug.", "L’identifiant court de l’espace."))],
    *,
    name: Annotated[str, Parameter(help=say("What the key is for.", "Ce à quoi sert la clé."))],
    role: Annotated[str, Parameter(help="admin, agent, observer")] = "admin",
) -> int:
    from comptoir.entrypoints import operator

    return operator.create_api_key(workspace, name, role)


@apikey.command(name="revoke", help=say("End a key for good.", "Mettre fin à une clé."))
def apikey_revoke(
    workspace: Annotated[str, Parameter(help=say("The workspace’s slug.", "L’identifiant court de l’espace."))],
    key_id: Annotated[str, Parameter(help=say("The key’s id.", "L’identifiant de la clé."))],
) -> int:
    from comptoir.entrypoints import operator

    return operator.revoke_api_key(workspace, key_id)


def main() -> None:
    """The `comptoir` command. Exit status: 0 done, 1 refused, 78 set up wrongly, 75 try again later."""
    from comptoir.kernel.errors import Refusal

    try:
        status = app()
    except StartRefused as refusal:
        print(refusal.sentence(), file=sys.stderr)
        status = refusal.exit_code
    except Refusal as refusal:
        print(refusal.sentence("fr" if speaks_french() else "en"), file=sys.stderr)
        status = 1
    except BrokenPipeError:
        # Whoever read us (`| head`) has seen enough; nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    raise SystemExit(status)


if __name__ == "__main__":
    main()
