"""Each set from each source, in the order of the sources, and what `load` says about it."""

import subprocess
import sys

import numpy as np
import pytest
import small_sets
from small_sets import assert_same

from cnnlab import datasets
from cnnlab.datasets import formats, sources
from cnnlab.datasets.catalog import ENTRIES

NAMES = ("mnist", "fashion_mnist", "cifar10", "cifar100")


def test_embedded_mnist(capsys):
    dataset = datasets.load("mnist", offline=True)
    line = capsys.readouterr().out
    assert line == (
        "Data: mnist from embedded, 4,000 + 1,000 images "
        "(directory: CNNLAB_DATA is not set; keras-cache: no mnist.npz; download: offline)\n"
    )
    assert dataset.x_train.shape == (4000, 28, 28, 1) and dataset.x_test.shape == (1000, 28, 28, 1)
    assert dataset.x_train.dtype == np.uint8 and dataset.y_train.dtype == np.int64
    assert np.bincount(dataset.y_train).tolist() == [400] * 10
    assert np.bincount(dataset.y_test).tolist() == [100] * 10
    assert dataset.class_names == tuple("0123456789")
    assert dataset.source == "embedded"
    expected = "mnist: 4,000 training and 1,000 test pictures of 28x28x1, 10 classes, from embedded"
    assert dataset.describe() == expected
    assert repr(dataset) == f"<Dataset {expected}>"


def test_embedded_mnist_is_shuffled():
    labels = datasets.load("mnist", offline=True).y_train
    assert all(np.bincount(part, minlength=10).min() > 10 for part in np.split(labels, 10))


def test_loaded_arrays_are_the_callers_own():
    first = datasets.load("mnist", offline=True)
    first.x_train[:] = 0
    assert datasets.load("mnist", offline=True).x_train.any()


@pytest.mark.parametrize("name", NAMES)
def test_from_directory(name, small, folder, capsys):
    (folder / f"{name}.npz").write_bytes(small_sets.npz(small_sets.arrays(name)))
    dataset = datasets.load(name)
    assert dataset.source == "directory"
    assert capsys.readouterr().out == f"Data: {name} from directory, 50 + 10 images\n"
    assert_same(dataset, small_sets.arrays(name))
    assert len(dataset.class_names) == ENTRIES[name].classes


@pytest.mark.parametrize("name", NAMES)
def test_from_keras_cache(name, small, cache):
    for remote in ENTRIES[name].files:
        (cache / remote.cached).parent.mkdir(exist_ok=True)
        (cache / remote.cached).write_bytes(small[remote.name])
    dataset = datasets.load(name)
    assert dataset.source == "keras-cache"
    assert_same(dataset, small_sets.arrays(name))


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
@pytest.mark.parametrize("form", ["{}-target/{}", "{}", "{}.tar.gz"])
def test_other_forms_of_cifar_in_keras_cache(name, form, small, cache):
    path = cache / form.format(*[formats.cifar_folder(ENTRIES[name])] * 2)
    if path.suffix == ".gz":
        path.write_bytes(small[ENTRIES[name].files[0].name])
    else:
        path.mkdir(parents=True)
        for member, content in small_sets.cifar_members(name, small_sets.arrays(name)).items():
            (path / member.split("/")[1]).write_bytes(content)
    dataset = datasets.load(name)
    assert dataset.source == "keras-cache"
    assert_same(dataset, small_sets.arrays(name))


def test_mnist_in_another_packing_is_accepted_in_keras_cache(small, cache):
    held = small_sets.arrays("mnist")
    order = np.arange(small_sets.TRAIN)[::-1]
    np.savez_compressed(cache / "mnist.npz", **held | {key: held[key][order] for key in ("x_train", "y_train")})
    assert datasets.load("mnist").source == "keras-cache"


@pytest.mark.parametrize("name", NAMES)
def test_from_download_then_from_keras_cache(name, server, capsys):
    dataset = datasets.load(name)
    assert dataset.source == "download"
    assert capsys.readouterr().out == (
        f"Data: {name} from download, 50 + 10 images (directory: CNNLAB_DATA is not set; keras-cache: "
        f"no {ENTRIES[name].files[0].name if name.endswith('mnist') else formats.cifar_folder(ENTRIES[name])})\n"
    )
    assert_same(dataset, small_sets.arrays(name))
    fetched = len(server.gets())
    assert fetched == len(ENTRIES[name].files)
    assert datasets.load(name).source == "keras-cache"
    assert len(server.gets()) == fetched
    left = [path.name for path in sources.keras_folder().rglob("*") if "partial" in path.name]
    assert left == []


def test_order_of_sources(server, folder, cache):
    """Each source holds other pictures; they are taken away one after the other."""
    (folder / "mnist.npz").write_bytes(small_sets.npz(small_sets.arrays("mnist", seed=1)))
    (cache / "mnist.npz").write_bytes(server.contents["mnist.npz"])
    first = datasets.load("mnist")
    assert first.source == "directory"
    assert_same(first, small_sets.arrays("mnist", seed=1))
    (folder / "mnist.npz").unlink()
    second = datasets.load("mnist")
    assert second.source == "keras-cache" and server.requests == []
    assert_same(second, small_sets.arrays("mnist"))
    (cache / "mnist.npz").unlink()
    assert datasets.load("mnist").source == "download"
    (cache / "mnist.npz").unlink()
    server.status = 503
    assert datasets.load("mnist").source == "embedded"


def test_what_was_passed_over_is_said(server, folder, capsys):
    server.status = 404
    datasets.load("mnist")
    assert capsys.readouterr().out == (
        "Data: mnist from embedded, 4,000 + 1,000 images (directory: no mnist.npz; keras-cache: no mnist.npz; "
        f"download: 127.0.0.1:{server.server_port} answered 404 Not Found)\n"
    )


@pytest.mark.parametrize(
    ("variable", "argument", "downloads"),
    [(None, None, True), ("1", None, False), ("0", None, True), ("1", False, True), (None, True, False)],
)
def test_offline(variable, argument, downloads, server, monkeypatch):
    if variable is not None:
        monkeypatch.setenv("CNNLAB_OFFLINE", variable)
    assert datasets.load("mnist", offline=argument).source == ("download" if downloads else "embedded")
    assert bool(server.requests) == downloads


def test_no_network_at_all(capsys):
    """On the address in CNNLAB_MIRROR nobody answers."""
    assert datasets.load("mnist").source == "embedded"
    assert "download: 127.0.0.1:9 cannot be reached" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["fashion_mnist", "cifar10", "cifar100"])
@pytest.mark.parametrize("offline", [True, False])
def test_a_real_set_that_is_not_at_hand_is_never_replaced(name, offline):
    with pytest.raises(datasets.DataError) as error:
        datasets.load(name, offline=offline)
    for part in (name, "CNNLAB_DATA", f"prepare FOLDER {name}", 'load("shapes100")', "CNNLAB_DATA is not set"):
        assert part in str(error.value)


def test_a_folder_that_is_not_there(monkeypatch, tmp_path):
    for path in (tmp_path / "nowhere", __file__):
        monkeypatch.setenv("CNNLAB_DATA", str(path))
        with pytest.raises(FileNotFoundError, match=r"CNNLAB_DATA must name a folder.*unset it") as error:
            datasets.load("mnist")
        assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("given", "nearest"),
    [("minst", "mnist"), ("CIFAR-10", "cifar10"), ("shapes", "shapes100"), (None, ""), (["mnist"], "")],
)
def test_unknown_name(given, nearest):
    with pytest.raises(ValueError, match=f"name must be one of {nearest}") as error:
        datasets.load(given)
    assert repr(given) in str(error.value)
    assert all(name in str(error.value) for name in datasets.names())


@pytest.mark.parametrize("offline", ["yes", 2, [True]])
def test_offline_is_a_flag(offline):
    with pytest.raises(ValueError, match="offline must be True, False or None, got"):
        datasets.load("mnist", offline=offline)


def test_offline_variable_is_a_flag(monkeypatch):
    monkeypatch.setenv("CNNLAB_OFFLINE", "perhaps")
    with pytest.raises(ValueError, match="CNNLAB_OFFLINE must be 1 or 0, got 'perhaps'"):
        datasets.load("mnist")


def test_shapes100(capsys):
    dataset = datasets.load("shapes100", train=200, test=100, seed=3)
    assert capsys.readouterr().out == "Data: shapes100 from embedded, 200 + 100 images (generated with seed 3)\n"
    assert dataset.x_train.shape == (200, 32, 32, 3) and dataset.x_test.shape == (100, 32, 32, 3)
    assert dataset.x_train.dtype == np.uint8 and dataset.y_train.dtype == np.int64
    assert len(dataset.class_names) == 100 and len(dataset.coarse_names) == 20
    assert dataset.y_train_coarse.shape == (200,) and dataset.y_train_coarse.max() < 20
    assert "100 classes in 20 groups, from embedded" in dataset.describe()
    easy = datasets.load("shapes100", train=200, test=100, seed=3, difficulty=datasets.Difficulty.only())
    np.testing.assert_array_equal(easy.y_train, dataset.y_train)
    assert (easy.x_train != dataset.x_train).any()


@pytest.mark.parametrize("argument", ["train", "test", "seed", "difficulty"])
def test_real_sets_take_no_argument_of_the_generator(argument):
    with pytest.raises(ValueError, match=f"{argument} is for shapes100 alone, mnist is not generated; got 5"):
        datasets.load("mnist", **{argument: 5})


def test_loading_imports_no_framework():
    code = (
        "import sys; from cnnlab import datasets; datasets.load('mnist'); datasets.photo();"
        "datasets.load('shapes100', train=100, test=100); print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert result.stdout.splitlines()[-1] == "set()"


def test_real_mnist(real_data, monkeypatch, capsys):
    monkeypatch.setenv("CNNLAB_DATA", str(real_data))
    if not (real_data / "mnist.npz").exists():
        pytest.skip("no mnist.npz in CNNLAB_DATA")
    dataset = datasets.load("mnist")
    assert capsys.readouterr().out == "Data: mnist from directory, 60,000 + 10,000 images\n"
    assert np.bincount(dataset.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    held = {f"{kind}_{split}": getattr(dataset, f"{kind}_{split}") for kind in "xy" for split in ("train", "test")}
    assert formats.content_digest(held) == ENTRIES["mnist"].content_sha256


def test_the_embedded_digits_are_training_images_of_mnist(real_data):
    if not (real_data / "mnist.npz").exists():
        pytest.skip("no mnist.npz in CNNLAB_DATA")
    with np.load(real_data / "mnist.npz", allow_pickle=False) as archive:
        train = {image.tobytes() for image in archive["x_train"]}
        test = {image.tobytes() for image in archive["x_test"]}
    sample = datasets.load("mnist", offline=True)
    images = {image.tobytes() for image in np.concatenate([sample.x_train, sample.x_test])}
    assert len(images) == 5000 and images <= train and not images & test


def test_real_cifar100(real_data, monkeypatch):
    monkeypatch.setenv("CNNLAB_DATA", str(real_data))
    if not (real_data / "cifar100.npz").exists():
        pytest.skip("no cifar100.npz in CNNLAB_DATA")
    dataset = datasets.load("cifar100")
    assert dataset.source == "directory"
    assert dataset.x_train.shape == (50_000, 32, 32, 3) and dataset.x_test.shape == (10_000, 32, 32, 3)
    assert np.bincount(dataset.y_train).tolist() == [500] * 100
    assert np.bincount(dataset.y_test_coarse).tolist() == [500] * 20
    assert dataset.class_names[:3] == ("apple", "aquarium_fish", "baby") and len(dataset.coarse_names) == 20
