"""Where a repository lies: links and folders on the way to it and to its files are replaced, or come one by one."""

import os
import shutil
import time

import pytest

import serving
import small_models
from test_repository import Watched, drop, watched  # noqa: F401 (a fixture)
from test_repository_sources import answers, external

# Changes are seen at once; the folder is looked at by the clock only twice a minute.
SOON = 10


def link(path, target):
    """Replaces a link in one step, as git-sync does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name("." + path.name + ".new")
    new.symlink_to(target)
    new.rename(path)


def release(folder, seed):
    folder.mkdir(parents=True)
    return small_models.perceptron(folder / "p.onnx", seed=seed)


def soon(here, name, version):
    here.until(lambda index: index.get((name, str(version)), [""])[0] == "READY" and (name, "") not in index, SOON)


@pytest.fixture
def placed(tmp_path):
    """A server on a repository that the test makes."""
    made = []

    def make(folder):
        here = Watched.__new__(Watched)
        here.store, here.folder, here.options, here.log = tmp_path / "store", folder, (), tmp_path / "log"
        made.append(here)
        return here.start()

    yield make
    for here in made:
        here.client.close()
        here.server.stop()


@pytest.mark.parametrize("kind", ["link", "link above", "removed", "renamed", "moved in"])
def test_a_replaced_repository_is_seen(placed, tmp_path, kind):
    base = tmp_path / "base"
    if kind in ("link", "link above"):
        for number in (1, 2):
            release(base / f"release{number}" / "models", number)
        link(base / "current", "release1" if kind == "link above" else "release1/models")
        here = placed(base / "current" / "models" if kind == "link above" else base / "current")
    else:
        release(base / "models", 1)
        here = placed(base / "models")
    here.ready("p", 1)
    # Not within the time of the first looks.
    time.sleep(1)
    if kind == "link":
        link(base / "current", "release2/models")
    elif kind == "link above":
        link(base / "current", "release2")
    elif kind == "removed":
        shutil.rmtree(base / "models")
        time.sleep(1)
        release(base / "models", 2)
    elif kind == "renamed":
        (base / "models").rename(base / "old")
        release(base / "models", 2)
    else:
        release(base / "new", 2)
        (base / "models").rename(base / "old")
        (base / "new").rename(base / "models")
    soon(here, "p", 2)
    answers(here, "p", here.folder / "p.onnx")
    # And so are changes in the new one.
    drop(here.folder / "p.onnx", seed=3)
    soon(here, "p", 3)
    answers(here, "p", here.folder / "p.onnx")


def test_pipelines_are_those_of_the_folder_that_the_link_leads_to(placed, tmp_path):
    text = "inputs: [x]\nstages:\n  - {name: s, model: p, inputs: {x: x}}\noutputs:\n  - {name: y, from: s.y}\n"
    for number, name in ((1, "old"), (2, "new")):
        release(tmp_path / f"release{number}", number)
        (tmp_path / f"release{number}" / f"{name}.pipeline.yaml").write_text(text)
    link(tmp_path / "current", "release1")
    here = placed(tmp_path / "current")
    here.until(lambda index: ("old", "1") in index)
    link(tmp_path / "current", "release2")
    here.until(lambda index: ("new", "1") in index and ("old", "1") not in index, SOON)


@pytest.mark.parametrize("is_linked", [False, True], ids=["folders", "link"])
def test_external_data_whose_folders_come_one_by_one_is_seen(watched, tmp_path, is_linked):
    here = watched()
    source = external(tmp_path / "late.onnx", 1, "q/r/s/w")
    if is_linked:
        (here.folder / "q").symlink_to("later/data")
        folders = [here.folder / "later", here.folder / "later" / "data"]
    else:
        folders = [here.folder / "q"]
    folders += [folders[-1] / "r", folders[-1] / "r" / "s"]
    shutil.copy(source, here.folder / "late.onnx")
    here.start()
    here.until(lambda index: index.get(("late", ""), [""])[0] == "UNAVAILABLE")
    for folder in folders:
        folder.mkdir()
        time.sleep(0.6)
    shutil.copy(tmp_path / "q" / "r" / "s" / "w", folders[-1] / "w")
    soon(here, "late", 1)
    answers(here, "late", source)


@pytest.mark.parametrize("name", ["p.onnx", "p/1/model.onnx", "p.pipeline.yaml"])
def test_the_target_of_a_link_comes_later(watched, tmp_path, name):
    here = watched()
    drop(here.folder / "other.onnx")
    (here.folder / name).parent.mkdir(parents=True, exist_ok=True)
    (here.folder / name).symlink_to(tmp_path / "later" / "deep" / "file")
    here.start()
    here.ready("other", 1)
    time.sleep(1)
    (tmp_path / "later" / "deep").mkdir(parents=True)
    time.sleep(0.6)
    if name.endswith("yaml"):
        text = "inputs: [x]\nstages:\n  - {name: s, model: other, inputs: {x: x}}\noutputs:\n  - {name: y, from: s.y}\n"
        (tmp_path / "later" / "deep" / "file").write_text(text)
    else:
        drop(tmp_path / "later" / "deep" / "file")
    here.until(lambda index: index.get(("p", "1"), [""])[0] == "READY", SOON)


def test_a_store_behind_a_link_is_followed(watched, tmp_path):
    """What another program adds is seen where the link leads now."""
    source = small_models.perceptron(tmp_path / "p.onnx")
    for name in ("one", "two"):
        serving.add(tmp_path / name, source)
    serving.add(tmp_path / "two", small_models.identity(tmp_path / "added.onnx"))
    here = watched()
    here.store = tmp_path / "link"
    link(here.store, "one")
    here.start()
    here.ready("p", 1)
    link(here.store, "two")
    soon(here, "added", 1)


def test_a_busy_folder_on_the_way_costs_nothing(placed, tmp_path):
    """The repository is not read again for each file of other programs."""
    release(tmp_path / "busy" / "models", 1)
    here = placed(tmp_path / "busy" / "models")
    here.ready("p", 1)
    time.sleep(3)

    def ticks():
        with open(f"/proc/{here.server.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    for number in range(300):
        (here.folder / f"file{number}.txt").write_text("x")
    time.sleep(2)
    before = ticks()
    for number in range(3000):
        (tmp_path / "busy" / f"noise{number % 10}").write_text(str(number))
        time.sleep(0.001)
    assert ticks() - before < 1
    drop(here.folder / "p.onnx", seed=2)
    soon(here, "p", 2)
