"""The settings of an installation, read once from the environment.

Every process of an installation reads the same variables, so that two hosts that share a database cannot disagree
silently. What would have to be guessed is refused instead, in one sentence that says what to set.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

LOG_LEVELS = ("debug", "info", "warning", "error")
SECRET_MIN_CHARS = 32
SECRET_MIN_DISTINCT = 10
KEY_FILE = "secret.key"
# The exit status of a process for which starting again is of no use (EX_CONFIG).
FINAL = 78
PASSING = 75


def speaks_french(env: Mapping[str, str] = os.environ) -> bool:
    """Whether the operator's terminal asks for French (LC_ALL, LC_MESSAGES, then LANG, as POSIX orders them)."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := env.get(name):
            return value.lower().startswith("fr")
    return False


class StartRefused(Exception):
    """The installation will not start as it is set up.

    `code` is stable for scripts; `en` and `fr` are one sentence each that says what to do. Processes that end because
    of it exit with status 78 (EX_CONFIG), which tells the supervisor that trying again cannot help, or, when it is
    `passing` (a database that is away), with 75 (EX_TEMPFAIL).
    """

    def __init__(self, code: str, en: str, fr: str, *, passing: bool = False) -> None:
        super().__init__(en)
        self.exit_code = PASSING if passing else FINAL
        self.code = code
        self.en = en
        self.fr = fr

    def sentence(self, env: Mapping[str, str] = os.environ) -> str:
        return self.fr if speaks_french(env) else self.en


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one process.

    `data` is absolute. `database_url` is None when the installation runs its own PostgreSQL
    (`postgres.database_dsn(config)` gives the address in both cases). `secret_keys` holds the sealing secrets, the
    first seals and signs, all of them open and verify, so that a key is rotated by putting a new one in front.
    `blob_url` is `s3://…`, `file:///…`, or None for the folder `data/blobs`. `disk_reserve` is in bytes, None for
    the default watermark. `metrics_token` opens `/metrics` to whoever carries it; None keeps it closed.
    """

    data: Path
    database_url: str | None
    host: str
    port: int
    public_url: str
    secret_keys: tuple[str, ...]
    blob_url: str | None
    allow_private_http: bool
    log_level: str
    metrics_token: str | None
    disk_reserve: int | None

    def __repr__(self) -> str:
        return f"Config(data={str(self.data)!r}, host={self.host!r}, port={self.port}, public_url={self.public_url!r})"

    @property
    def embedded(self) -> bool:
        """True when PostgreSQL is ours to start and stop."""
        return self.database_url is None

    @property
    def postgres_folder(self) -> Path:
        return self.data / "postgres"


def load_config(env: Mapping[str, str] = os.environ, *, make_secret: bool = True) -> Config:
    """Read the settings from `env`.

    With `make_secret`, a missing secret key is made and kept in the data folder (mode 0600); without it a missing key
    leaves `secret_keys` empty (for `doctor`, which must not change what it examines). Raises StartRefused.
    """
    data = Path(env.get("COMPTOIR_DATA") or "data").expanduser().absolute()
    database_url = env.get("DATABASE_URL") or None
    host = env.get("COMPTOIR_HOST") or "127.0.0.1"
    port = _integer(env, "COMPTOIR_PORT", 8080, 1, 65535)
    blob_url = _blob_url(env.get("COMPTOIR_S3_URL") or None)
    if database_url is not None:
        _check_database_url(database_url)
        _require_shared(env, blob_url)
    log_level = (env.get("COMPTOIR_LOG_LEVEL") or "info").lower()
    if log_level not in LOG_LEVELS:
        raise _bad("COMPTOIR_LOG_LEVEL", f"one of {', '.join(LOG_LEVELS)}", f"l’un de {', '.join(LOG_LEVELS)}")
    reserve = _integer(env, "COMPTOIR_DISK_RESERVE_MB", -1, -1, 1 << 30)
    return Config(
        data=data,
        database_url=database_url,
        host=host,
        port=port,
        public_url=_public_url(env.get("COMPTOIR_PUBLIC_URL"), host, port),
        secret_keys=_secret_keys(env.get("COMPTOIR_SECRET_KEY"), data, make=make_secret),
        blob_url=blob_url,
        allow_private_http=_flag(env, "COMPTOIR_ALLOW_PRIVATE_HTTP"),
        log_level=log_level,
        metrics_token=env.get("COMPTOIR_METRICS_TOKEN") or None,
        disk_reserve=None if reserve < 0 else reserve * 1024 * 1024,
    )


def _bad(name: str, en: str, fr: str) -> StartRefused:
    return StartRefused("bad_setting", f"{name} must be {en}.", f"{name} doit être {fr}.")


def _integer(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name)
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise _bad(name, f"a whole number from {max(low, 0)} to {high}", f"un entier de {max(low, 0)} à {high}")
    return value


def _flag(env: Mapping[str, str], name: str) -> bool:
    text = (env.get(name) or "0").lower()
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off"}:
        return False
    raise _bad(name, "1 or 0", "1 ou 0")


def _public_url(text: str | None, host: str, port: int) -> str:
    if not text:
        shown = "localhost" if host in {"0.0.0.0", "::", "127.0.0.1", "::1"} else host  # noqa: S104 - only shown
        return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
    refusal = _bad(
        "COMPTOIR_PUBLIC_URL",
        "an address without a path, such as https://chat.example.com",
        "une adresse sans chemin, comme https://chat.example.com",
    )
    try:
        parts = urlsplit(text)
        origin = bool(parts.hostname) and (parts.port or 1) > 0 and parts.scheme in {"http", "https"}
    except ValueError:
        raise refusal from None
    if not origin or parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username is not None:
        raise refusal
    return f"{parts.scheme}://{parts.netloc}"


def _check_database_url(url: str) -> None:
    if urlsplit(url).scheme not in {"postgres", "postgresql"}:
        raise _bad("DATABASE_URL", "a postgresql:// address", "une adresse postgresql://")


def _blob_url(url: str | None) -> str | None:
    if url is None:
        return None
    parts = urlsplit(url)
    absolute_folder = parts.scheme == "file" and parts.netloc == "" and parts.path.startswith("/")
    if (parts.scheme == "s3" and parts.netloc) or absolute_folder:
        return url
    raise _bad(
        "COMPTOIR_S3_URL",
        "s3://bucket/prefix, or file:///folder for a folder that all hosts share",
        "s3://compartiment/préfixe, ou file:///dossier pour un dossier commun à tous les hôtes",
    )


def _require_shared(env: Mapping[str, str], blob_url: str | None) -> None:
    # A key or a folder made up on one host would make what it seals and stores unreadable on the next one.
    if not env.get("COMPTOIR_SECRET_KEY"):
        raise StartRefused(
            "secret_key_required",
            "With DATABASE_URL, COMPTOIR_SECRET_KEY must be set, the same on every host.",
            "Avec DATABASE_URL, COMPTOIR_SECRET_KEY doit être défini, identique sur chaque hôte.",
        )
    if blob_url is None:
        raise StartRefused(
            "shared_blobs_required",
            "With DATABASE_URL, COMPTOIR_S3_URL must say where attachments are kept for all hosts "
            "(s3://bucket/prefix, or file:///folder for a shared folder).",
            "Avec DATABASE_URL, COMPTOIR_S3_URL doit dire où les pièces jointes sont gardées pour tous les hôtes "
            "(s3://compartiment/préfixe, ou file:///dossier pour un dossier partagé).",
        )


def _secret_keys(text: str | None, data: Path, *, make: bool) -> tuple[str, ...]:
    if text:
        return _checked_keys(text.split(","), "COMPTOIR_SECRET_KEY")
    path = data / KEY_FILE
    if not path.exists():
        if not make:
            return ()
        _make_secret(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise StartRefused(
            "secret_key_exposed",
            f"{path} can be read by others: run chmod 600 on it.",
            f"{path} est lisible par d’autres\u202f: exécutez chmod 600 dessus.",
        )
    return _checked_keys(path.read_text(encoding="ascii").split(), str(path))


def _checked_keys(texts: list[str], source: str) -> tuple[str, ...]:
    keys = tuple(key for key in (text.strip() for text in texts) if key)
    if not keys or any(len(key) < SECRET_MIN_CHARS or len(set(key)) < SECRET_MIN_DISTINCT for key in keys):
        raise StartRefused(
            "secret_key_weak",
            f"{source} must hold at least {SECRET_MIN_CHARS} random characters (openssl rand -base64 48 makes some).",
            f"{source} doit contenir au moins {SECRET_MIN_CHARS} caractères aléatoires "
            "(openssl rand -base64 48 en produit).",
        )
    return keys


def _make_secret(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and linked into place: a crash leaves either no key or a whole one, and of two processes that
    # start together one wins and both read the same.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
