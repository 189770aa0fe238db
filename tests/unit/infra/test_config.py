"""Settings: sensible without any, refused in one sentence when wrong, never guessed where hosts must agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from comptoir.infra.config import StartRefused, load_config, speaks_french

KEY = "k3y-0123456789-abcdefghijklmnopqrstuvwxyz"


def settings(tmp_path: Path, **env: str) -> dict[str, str]:
    return {"COMPTOIR_DATA": str(tmp_path / "data")} | env


def test_nothing_set_is_enough(tmp_path: Path) -> None:
    config = load_config(settings(tmp_path))
    assert (config.host, config.port, config.public_url) == ("127.0.0.1", 8080, "http://localhost:8080")
    assert config.embedded
    assert not config.allow_private_http
    assert config.blob_url is None


def test_the_secret_key_is_made_once_and_kept_to_its_owner(tmp_path: Path) -> None:
    first = load_config(settings(tmp_path))
    path = first.data / "secret.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_config(settings(tmp_path)).secret_keys == first.secret_keys
    assert [entry.name for entry in first.data.iterdir()] == ["secret.key"]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    load_config(settings(tmp_path))
    (tmp_path / "data" / "secret.key").chmod(0o644)
    with pytest.raises(StartRefused, match="chmod 600"):
        load_config(settings(tmp_path))


def test_looking_does_not_make_a_key(tmp_path: Path) -> None:
    assert load_config(settings(tmp_path), make_secret=False).secret_keys == ()
    assert not (tmp_path / "data").exists()


def test_several_keys_are_a_rotation_newest_first(tmp_path: Path) -> None:
    config = load_config(settings(tmp_path, COMPTOIR_SECRET_KEY=f"{KEY}-new, {KEY}-old"))
    assert config.secret_keys == (f"{KEY}-new", f"{KEY}-old")


def test_with_a_database_of_ones_own_keys_and_blobs_are_required(tmp_path: Path) -> None:
    shared = settings(tmp_path, DATABASE_URL="postgresql://db/comptoir")
    with pytest.raises(StartRefused) as refusal:
        load_config(shared)
    assert refusal.value.code == "secret_key_required"
    with pytest.raises(StartRefused) as refusal:
        load_config(shared | {"COMPTOIR_SECRET_KEY": KEY})
    assert refusal.value.code == "shared_blobs_required"
    config = load_config(shared | {"COMPTOIR_SECRET_KEY": KEY, "COMPTOIR_S3_URL": "s3://bucket/prefix"})
    assert not config.embedded
    assert not config.data.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COMPTOIR_PORT", "http"),
        ("COMPTOIR_PORT", "0"),
        ("COMPTOIR_PORT", "65536"),
        ("COMPTOIR_PUBLIC_URL", "chat.example.com"),
        ("COMPTOIR_PUBLIC_URL", "https://chat.example.com/path"),
        ("COMPTOIR_PUBLIC_URL", "https://me:pw@chat.example.com"),
        ("COMPTOIR_PUBLIC_URL", "https://chat.example.com:99999"),
        ("COMPTOIR_SECRET_KEY", "short"),
        ("COMPTOIR_SECRET_KEY", "a" * 64),
        ("COMPTOIR_S3_URL", "bucket"),
        ("COMPTOIR_S3_URL", "file://relative/folder"),
        ("COMPTOIR_ALLOW_PRIVATE_HTTP", "perhaps"),
        ("COMPTOIR_LOG_LEVEL", "loud"),
        ("COMPTOIR_DISK_RESERVE_MB", "-5"),
        ("DATABASE_URL", "mysql://db/comptoir"),
    ],
)
def test_a_wrong_value_is_refused_by_name_in_both_languages(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(StartRefused) as refusal:
        load_config(settings(tmp_path, **{name: value}))
    assert name in refusal.value.en
    assert name in refusal.value.fr
    assert refusal.value.exit_code == 78


def test_printing_the_settings_gives_no_secret_away(tmp_path: Path) -> None:
    shown = repr(load_config(settings(tmp_path, COMPTOIR_SECRET_KEY=KEY, COMPTOIR_METRICS_TOKEN="open-sesame")))
    assert KEY not in shown
    assert "open-sesame" not in shown


@pytest.mark.parametrize(
    ("env", "french"),
    [
        ({}, False),
        ({"LANG": "fr_FR.UTF-8"}, True),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "C"}, False),
        ({"LC_MESSAGES": "fr"}, True),
    ],
)
def test_the_operators_language_is_the_terminals(env: dict[str, str], french: bool) -> None:  # noqa: FBT001 - a table
    assert speaks_french(env) is french
    refusal = StartRefused("code", "English.", "Français.")
    assert refusal.sentence(env) == ("Français." if french else "English.")
