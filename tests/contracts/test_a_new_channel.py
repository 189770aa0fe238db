"""Adding a channel is one folder: a copy of Loopback under another name is found, and passes the kit, with no edit elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import comptoir

ROOT = Path(__file__).parents[2]


@pytest.fixture
def copied_sources(tmp_path: Path) -> Path:
    """A copy of the package, as it is."""
    package = Path(comptoir.__file__).parent
    shutil.copytree(package, tmp_path / "comptoir", ignore=shutil.ignore_patterns("static", "__pycache__"))
    return tmp_path


def fill_in(sources: Path, code: str, name: str) -> None:
    """Copy the template and rename it: what the first steps of `docs/howto/add-a-channel.md` say."""
    channels = sources / "comptoir" / "channels"
    shutil.copytree(channels / "loopback", channels / code)
    for path in (channels / code).rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace("loopback", code).replace("Loopback", name), encoding="utf-8")


def run(sources: Path, *command: str) -> subprocess.CompletedProcess[str]:
    # The copy is found before the installed package.
    env = os.environ | {"PYTHONPATH": str(sources), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True, timeout=240, check=False
    )


def test_a_copied_folder_is_a_channel_and_passes_the_kit(copied_sources: Path) -> None:
    fill_in(copied_sources, "carrier", "Carrier Pigeon")
    listed = run(copied_sources, "-c", "from comptoir.channels.registry import all_channels; print(*all_channels())")
    assert "carrier" in listed.stdout.split(), listed.stderr
    kit = run(
        copied_sources,
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "carrier or on_disk", "tests/contracts"),
        f"--basetemp={copied_sources / 'pytest'}",
    )
    assert kit.returncode == 0, kit.stdout[-4000:] + kit.stderr[-2000:]
    passed = int(kit.stdout.rsplit(" passed", 1)[0].split()[-1])
    assert passed > 25, "the kit asks everything of the new channel, unasked"


def test_a_channel_that_breaks_the_contract_does_not_pass(copied_sources: Path) -> None:
    fill_in(copied_sources, "carrier", "Carrier Pigeon")
    inbound = copied_sources / "comptoir/channels/carrier/inbound.py"
    careless = inbound.read_text(encoding="utf-8").replace("return [_placeholder(entry)]", "return []")
    assert careless != inbound.read_text(encoding="utf-8")
    inbound.write_text(careless, encoding="utf-8")
    kit = run(
        copied_sources,
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "carrier", "tests/contracts/test_channels.py"),
        f"--basetemp={copied_sources / 'pytest'}",
    )
    assert kit.returncode == 1, kit.stdout[-2000:]
    assert "test_one_bad_event_does_not_hold_back_its_neighbours[carrier]" in kit.stdout


def test_a_folder_whose_manifest_has_another_name_stops_the_start(copied_sources: Path) -> None:
    channels = copied_sources / "comptoir" / "channels"
    shutil.copytree(channels / "loopback", channels / "carrier")
    listed = run(copied_sources, "-c", "from comptoir.channels.registry import all_channels; all_channels()")
    assert "channels/carrier: the manifest's code is loopback" in listed.stderr
