"""The house itself: every opt-out has its reason, every make target its sentence, the web build knows when to rest."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.house.scratch import ROOT
from tools import check, web

pytestmark = pytest.mark.house


def test_every_opt_out_of_ruff_gives_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    opted_out = tomllib.loads(text)["tool"]["ruff"]["lint"]["ignore"]
    for rule in opted_out:
        assert re.search(rf'^    "{rule}",\s+# \S+.{{6,}}$', text, re.MULTILINE), (
            f"{rule} is switched off without a reason"
        )


def test_every_make_target_is_explained_by_make_help() -> None:
    targets = re.findall(r"^\.PHONY: ([a-z-]+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {"demo", "test", "check", "bench", "bench-quick", "web", "clean", "help"} <= set(targets)
    for target in targets:
        assert re.search(rf"^  make {target} +\S", told, re.MULTILINE), f"make help does not tell of {target}"


def test_rooms_that_exist_are_all_in_the_order_of_imports() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ][0]
    ordered = {room.strip("() ") for layer in contract["layers"] for room in layer.split("|")}
    rooms = {path.parent.name for path in (ROOT / "src/comptoir").glob("*/__init__.py")}
    assert rooms <= ordered
    assert "ignore_imports" not in contract


def _web_sources(root: Path) -> None:
    for name in ("web/package.json", "web/apps/inbox/src/App.svelte", "web/node_modules/x/index.js"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("1")
    for app in web.APPS:
        (root / web.OUTPUT / app).mkdir(parents=True)
    (root / web.STAMP).write_text(web.digest(root, web.sources(root)))


def test_the_web_build_rests_until_a_source_changes_moves_or_an_output_is_gone(tmp_path: Path) -> None:
    _web_sources(tmp_path)
    assert web.is_fresh(tmp_path)
    assert not web.build(tmp_path)
    (tmp_path / "web/node_modules/x/index.js").write_text("2")
    assert web.is_fresh(tmp_path)

    app = tmp_path / "web/apps/inbox/src/App.svelte"
    app.write_text("2")
    assert not web.is_fresh(tmp_path)
    app.write_text("1")
    assert web.is_fresh(tmp_path)
    app.rename(app.with_name("Other.svelte"))
    assert not web.is_fresh(tmp_path)
    app.with_name("Other.svelte").rename(app)
    (tmp_path / web.OUTPUT / "widget").rmdir()
    assert not web.is_fresh(tmp_path)


def test_a_web_build_without_a_lock_is_refused_in_a_sentence(tmp_path: Path) -> None:
    _web_sources(tmp_path)
    (tmp_path / "web/package.json").write_text("2")
    with pytest.raises(web.WebBuildError, match=r"package-lock\.json is missing"):
        web.build(tmp_path)


def test_a_check_that_fails_or_cannot_start_is_told_and_does_not_stop_the_others() -> None:
    good = check.run(check.Part("good", (sys.executable, "-c", "print('fine')")))
    bad = check.run(check.Part("bad", (sys.executable, "-c", "import sys; sys.exit('too long')")))
    absent = check.run(check.Part("absent", ("/nowhere/program",)))
    assert (good.passed, good.said) == (True, "fine")
    assert (bad.passed, bad.said) == (False, "too long")
    assert not absent.passed
    assert "/nowhere/program" in absent.said
