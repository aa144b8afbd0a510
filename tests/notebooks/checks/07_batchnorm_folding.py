"""What is checked of chapter 07; bounds of trained results come from five seeds in each profile, less a margin."""

# %% after numpy-batch-norm  [000.33]
norm = BatchNorm(2)
assert (norm.momentum, norm.epsilon) == (0.99, 1e-3)
assert norm.gamma.shape == norm.beta.shape == norm.moving_mean.shape == (2,)
values = np.random.default_rng(1).normal(3, 2, (5, 4, 4, 2))
outputs = norm(values, training=True)
deviation = np.sqrt(values.var(axis=(0, 1, 2)) + norm.epsilon)
assert np.allclose(outputs, (values - values.mean(axis=(0, 1, 2))) / deviation)
assert np.allclose(norm.moving_mean, 0.01 * values.mean(axis=(0, 1, 2)))
assert np.allclose(norm.moving_variance, 0.99 + 0.01 * values.var(axis=(0, 1, 2)))

# %% after same-as-keras  [000.33]
assert np.allclose(*trained, atol=1e-5) and trained[0].shape == maps.shape == (2, 2, 3, 2)
assert np.allclose(ours.moving_variance, theirs.moving_variance, atol=1e-5)
assert (theirs.epsilon, theirs.momentum) == (ours.epsilon, ours.momentum) == (1e-3, 0.99)
gamma, beta = np.random.default_rng(2).normal(size=(2, 2))
ours, theirs = BatchNorm(channels=2), layers.BatchNormalization()
theirs.build(maps.shape)
ours.gamma, ours.beta = gamma, beta
theirs.set_weights([gamma, beta, np.zeros(2), np.ones(2)])
for step in range(3):
    assert np.allclose(ours(maps + step, training=True), theirs(maps + step, training=True), atol=1e-5)
    assert np.allclose(ours.moving_mean, theirs.moving_mean, atol=1e-5)
assert np.allclose(ours(maps), theirs(maps), atol=1e-5)

# %% after a-layer-is-an-object-2  [E78]
assert [type(layer) for layer in model.layers] == [layers.BatchNormalization]

# %% after moving-means
assert len(paths[0.99]) == 400 and abs(paths[0.99][99] - 3 * (1 - 0.99**100)) < 0.3
assert paths[0.9][29] > 2.7 and max(paths[0.999]) < 1.2  # what the figure's text says
assert np.std(paths[0.9][200:]) > 2 * np.std(np.diff(paths[0.99][200:]))

# %% after normal-shares  [F1 E11 000.32]
assert [round(100 * share, 2) for share in shares.values()] == [68.27, 95.45, 99.73]

# %% after three-shapes  [E11]
within = {name: np.mean(np.abs(values) < 1) for name, values in normalized.items()}
assert abs(within["normal"] - shares[1]) < 0.005 and within["two humps"] < 0.57 and within["after ReLU"] > 0.7
assert np.allclose([values.mean() for values in normalized.values()], 0)
assert np.allclose([values.std() for values in normalized.values()], 1)
assert {len(values) for values in samples.values()} == {100_000}
assert abs(samples["normal"].mean() - 3) < 0.03 and abs(samples["normal"].std() - 2) < 0.03
assert abs(samples["two humps"]).mean() < 1.01 and abs(samples["after ReLU"].max()) > 3

# %% after digits-2
assert [len(labels) for labels in (y_train, y_val, y_test)] == [3500, 500, 1000]
assert not np.array_equal(x_train[-1], x_val[0]) and np.array_equal(x_val[0], dataset.x_train[3500])
assert np.array_equal(y_val, dataset.y_train[3500:4000])

# %% after small-network
assert network.count_params() == 21_226
shapes = {layer.name: layer.output.shape[1:] for layer in network.layers}
assert shapes["conv1"] == shapes["depthwise"] == (14, 14, 16)
assert shapes["pointwise"] == shapes["block1"] == shapes["block2"] == (7, 7, 32)
assert network.get_layer("scale").scale == 1 / 255
spread = network.get_layer("depthwise").depthwise_initializer.stddev
assert np.isclose(spread**2, 2 / 9)
plain = small_network(False)
assert not any(isinstance(layer, layers.BatchNormalization) for layer in plain.layers)
assert all(layer.use_bias for layer in plain.layers if hasattr(layer, "use_bias"))
assert all(layer.momentum == 0.9 for layer in network.layers if isinstance(layer, layers.BatchNormalization))

# %% after train-network
assert len(history.history["val_accuracy"]) == EPOCHS
assert history.history["val_accuracy"][-1] > {"smoke": 0.9, "cpu": 0.92, "gpu": 0.92}[profile]

# %% after test-network
assert test_accuracy > {"smoke": 0.9, "cpu": 0.92, "gpu": 0.92}[profile]
assert np.isclose(test_accuracy, np.mean(np.argmax(network(x_test), axis=1) == y_test))

# %% after compare-2
plain, normal = (np.array(rows) for rows in reached.values())
assert plain.shape == normal.shape == (len(RATES), 3)
assert (np.median(normal, axis=1) > np.median(plain, axis=1) + 0.1).all()  # at every rate
best_plain, best_normal = (max(rows, key=np.median) for rows in (plain, normal))
assert min(best_normal) > max(best_plain) + {"smoke": 0.15, "cpu": 0.05, "gpu": 0.05}[profile]
assert np.median(best_normal) > max(best_plain) + 0.1

# %% after fold-one-number  [F2 000.34]
assert (w_fold, b_fold) == (1.5, -1.0) and two_layers == one_layer == 2.0

# %% after random-statistics-2
host = layers.Dense(5)
batch_norm, before = pair(host, (7,))
after = keras.Sequential([keras.Input((7,)), layers.Dense(5)])
after.set_weights(folding.fold_weights(*host.get_weights(), *batch_norm.get_weights(), batch_norm.epsilon))
vectors = np.random.default_rng(1).normal(size=(8, 7)).astype("float32")
assert np.abs(before(vectors) - after(vectors)).max() < 1e-5
assert (before.count_params(), after.count_params()) == (60, 40)
gamma, beta, mean, variance = batch_norm.get_weights()
assert (gamma > 0.5).all() and (gamma < 1.5).all() and (variance > 0.5).all() and (variance < 2).all()
assert (abs(beta) < 0.5).all() and (abs(mean) < 0.5).all() and not np.isclose([*beta, *mean], 0).any()

# %% after fold-convolution  [F3 000.34]
assert (before.count_params(), after.count_params()) == (128, 112)
assert (batch_norm.epsilon, batch_norm.momentum) == (1e-3, 0.99)
assert [len(model.layers) for model in (before, after)] == [2, 1]

# %% after before-and-after-2  [F3]
assert np.abs(two_layers - one_layer).max() < 1e-5 and two_layers.shape == (8, 7, 7, 4)

# %% after fold-depthwise  [000.34]
assert np.abs(before(images) - after(images)).max() < 1e-5
assert (before.count_params(), after.count_params()) == (84, 60)

# %% after bias-of-100  [000.35]
assert np.allclose(without_bias, with_bias, atol=1e-3)
assert np.array_equal(host.bias, [100.0] * 4)

# %% after bias-gradient-2  [000.35]
assert np.abs(gradients["bias"]).max() < 1e-5 < 1e-3 < np.abs(gradients["kernel"]).max()
assert not np.any(host.bias)

# %% after biases-saved-2  [000.35]
assert theirs.count_params() - ours.count_params() == saved == 26_560

# %% after all-kinds-2  [000.34]
for name, model in pairs.items():
    assert np.abs(model(images) - folds[name](images)).max() < 1e-5, name
    assert len(folds[name].layers) == 1

# %% after fold-mobilenet-2  [000.34]
pictures = np.random.default_rng(1).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
result, same = ops.convert_to_numpy(large(pictures)), ops.convert_to_numpy(smaller(pictures))
assert np.abs(result - same).max() < 1e-5 * np.abs(result).max()
assert smaller.output_shape == (None, 10)

# %% after relu-between-2  [E40]
bends = {name: np.abs(np.diff(values, n=2)).max() > 1e-3 for name, values in curves.items()}
assert bends == {"dense, batch norm": False, "dense, ReLU, batch norm": True}
assert not [row for row in folding.explain(model) if row.folds]
straight, bent = curves.values()
assert np.allclose(straight[line[:, 0] > -0.5], bent[line[:, 0] > -0.5]) and len(line) == 121
assert np.allclose((straight[0], straight[-1]), [0.2 - 0.8 * 3.2 / np.sqrt(1.501), 0.2 + 0.8 * 2.8 / np.sqrt(1.501)])

# %% after before-padding-2
assert np.allclose(scale, gamma / np.sqrt(variance + 1e-3)) and np.allclose(
    batch_norm(images), images * scale + shift, atol=1e-5
)
assert host.output.shape[1:] == (9, 9, 2)

# %% after wrong-fold
border = np.pad(np.zeros((7, 7), bool), 1, constant_values=True)
assert errors[~border].max() < 1e-5 and errors[border].min() > 1e-3

# %% after repaired-fold
assert np.abs(before(images) - repaired(padded)).max() < 1e-5
assert np.allclose(batch_norm(pad_value[None, None, None]), 0, atol=1e-5)

# %% after branches-2
assert model.output_shape == [(None, 16, 16, 4)] * 2
assert all(layer.kernel_size == (3, 3) for layer in model.layers if layer.name in ("good", "bent", "shared"))
assert all(layer.kernel_size == (1, 1) for layer in model.layers if layer.name in ("branch", "features"))
assert model.count_params() == 2036

# %% after explain-branches  [E40]
assert [row.name for row in folding.explain(model) if row.folds] == ["good_bn"]

# %% after which-networks-2  [E25 000.31]
assert counts == {
    "resnet50": (53, 53),
    "resnet18v2": (9, 17),
    "densenet121": (59, 121),
    "mobilenet": (27, 27),
    "googlenet": (0, 0),
    "inceptionv2": (69, 69),
}

# %% after which-inception-2  [E25 000.31]
with models.blueprints():
    v1, v2 = (kernel_sizes(models.build(name, (224, 224, 3), 1000)) for name in ("googlenet", "inceptionv2"))
    v3 = kernel_sizes(keras.applications.InceptionV3(weights=None))
assert "5×5" in v1 and "5×5" not in v2 and "1×7" not in v2
assert all(size in v3 for size in ("1×7: ", "7×1: ", "1×3: ", "3×1: "))

# %% after explain-network
assert folding.explain(network).folded == 6

# %% after fold-network-2
assert not any(isinstance(layer, layers.BatchNormalization) for layer in folded.layers)
weights = network.get_weights()
again = folding.fold_batch_norm(network)
assert all(np.array_equal(old, new) for old, new in zip(weights, network.get_weights(), strict=True))
assert all(np.array_equal(*both) for both in zip(folded.get_weights(), again.get_weights(), strict=True))

# %% after compare-outputs-2
assert relative < 1e-5 and np.abs(outputs - folded_outputs).max() < 1e-4
assert np.array_equal(outputs.argmax(axis=1), folded_outputs.argmax(axis=1))

# %% after time-eager
assert np.abs(network(digit) - folded(digit)).max() < 1e-4  # a clock never decides a test; the result does
assert slow > 0 and fast > 0

# %% after latency-2
assert len({(record["machine"], record["versions"]["tensorflow"]) for record in records}) == 1 and len(records) == 21
assert statistics.median(record["ratio"]["folded"] for record in records) <= 1.02
times = {(record["network"], record["way"]): list(record["milliseconds"].values()) for record in records}
steady = {key: values for key, values in times.items() if key[1] != "eager"}
assert max(abs(less / never - 1) for _, less, never in times.values()) < 0.14  # an eighth
frozen = steady.pop(("efficientnet_lite0", "frozen"))
assert max(abs(less / never - 1) for _, less, never in steady.values()) < 0.04
assert abs(frozen[1] / frozen[2] - 1) < 0.08  # a fourteenth
gains = {key: normal / less for key, (normal, less, _) in times.items()}
assert min(gains["mobilenet", "eager"], gains["mobilenet", "tf.function"]) > 1.3
assert min(gains["efficientnet_lite0", "eager"], gains["efficientnet_lite0", "tf.function"]) > 1.45
assert all(gain < 1.2 for key, gain in gains.items() if key[1] in ("frozen", "XLA"))
assert all(abs(gain - 1) < 0.03 for key, gain in gains.items() if key[1].startswith("TFLite"))
assert times["mobilenet", "XLA"][0] > 4 * times["mobilenet", "tf.function"][0]
assert times["resnet18", "XLA"][0] < times["resnet18", "tf.function"][0]

# %% after count-operations
plain, small = ({way: graphs[way, name] for way in ("tf.function", "frozen")} for name in ("batch norm", "folded"))
assert plain["tf.function"]["Rsqrt"] == len(folding.explain(network)) > small["tf.function"]["Rsqrt"] == 0
assert plain["frozen"]["Rsqrt"] == 0
assert small["frozen"]["Mul"] < plain["frozen"]["Mul"] < plain["tf.function"]["Mul"]

# %% after xla-steps
assert steps["batch norm"]["rsqrt"] == 1 and steps["folded"]["rsqrt"] == 0
assert steps["batch norm"]["multiply"] > steps["folded"]["multiply"]

# %% after xla-depthwise
assert np.allclose(ways[0](maps), ways[1](maps), atol=1e-4)

# %% after lite-operations
assert lite_operations["batch norm"] == lite_operations["folded"]
assert lite_operations["folded"]["CONV_2D"] == 4 and lite_operations["folded"]["DEPTHWISE_CONV_2D"] == 1

# %% after lite-relu
assert left_over == ["ADD", "CONV_2D", "MUL"]
assert bent.output_shape == (None, 26, 26, 4)

# %% after lite-int8
assert np.mean(eight_bits["folded"].argmax(axis=1) == outputs[:300].argmax(axis=1)) > 0.95
assert np.abs(eight_bits["folded"] - eight_bits["batch norm"]).max() < 0.1 * np.abs(outputs).max()

# %% after channel-ranges
spreads = {name: max(r.max() / r.min() for r in widths.values()) for name, widths in ranges.items()}
assert spreads["after folding"] > spreads["before folding"]
kernel = network.get_layer("depthwise").get_weights()[0]
assert np.allclose(ranges["before folding"]["depthwise"], np.abs(kernel).max(axis=(0, 1))[:, 0])

# %% after rounded-kernel
kernel = network.get_layer("block1").get_weights()[0]
for per_channel, axes in ((True, (0, 1, 2)), (False, None)):
    levels = rounded(kernel, per_channel) * 127 / np.abs(kernel).max(axis=axes, keepdims=True)
    assert np.allclose(levels, np.round(levels), atol=1e-3) and np.abs(levels).max() < 127.5
    assert np.abs(rounded(kernel, per_channel) - kernel).max() < np.abs(kernel).max() / 253

# %% after fold-in-use
assert (len(fates), fates.folded) == (49, 49)
assert (photo_network.count_params(), photo_folded.count_params()) == (4_694_024, 4_631_000)
assert photo_network.count_params() - photo_folded.count_params() == 3 * 21_008  # four per channel go, a bias comes

# %% after crops-of-photographs
assert len(photographs) == 9 and views.shape[1:] == (224, 224, 3) and len(views) % 9 == 0
assert len(crops(photographs["cat"], 5)) == 5 and not np.array_equal(*crops(photographs["cat"], 2))
assert len(np.unique(views.reshape(len(views), -1), axis=0)) == len(views) and views.max() == 255

# %% after answers-in-use
assert np.array_equal(scores.argmax(axis=1), folded_scores.argmax(axis=1)) and scores.shape == (len(views), 1000)
assert np.abs(scores - folded_scores).max() < 1e-5 * np.abs(scores).max()
first = {name: classes[row.argmax()] for name, row in zip(photographs, scores[::each], strict=True)}
assert first["cat"] in ("Egyptian cat", "tiger cat", "tabby") and first["coffee"] in ("espresso", "cup", "coffee mug")

# %% after ranges-in-use
assert (
    narrow.shape == (2, 49) and convolutions[0] == "stem_conv" and sum("dwconv" in name for name in convolutions) == 16
)
assert narrow[1].mean() > 3 * narrow[0].mean() and narrow[0].mean() < 0.04
both = narrow[:, ["dwconv" in name for name in convolutions]]
assert both[1].mean() > 2 * narrow[1].mean() and (narrow[1] > 0.5).sum() >= 4

# %% after outputs-when-rounded
before = photo_folded.get_weights()
same = outputs_when_rounded(photo_folded, [], views[:1], per_channel=True)
assert np.allclose(same, folded_scores[:1], atol=1e-4)
assert all(np.array_equal(*both) for both in zip(before, photo_folded.get_weights(), strict=True))

# %% after compare-rounding
kept, one_step, per_channel_step = (
    error for (name, _), error in rounding_errors.items() if name == "EfficientNet-Lite0"
)
assert one_step > 2 * kept and kept > 1.2 * per_channel_step and kept < 0.03
assert max(error for (name, _), error in rounding_errors.items() if name == "our network") < one_step / 1.5
kept, one_step, per_channel_step = (
    count / len(views) for (name, _), count in changed_answers.items() if name == "EfficientNet-Lite0"
)
assert one_step > max(kept, per_channel_step) and per_channel_step <= 0.2
assert profile == "smoke" or (one_step > 0.2 and per_channel_step < 0.1)

# %% after pale-digits-2
batch, copy = x_train[:64], keras.models.clone_model(network)
copy.set_weights(network.get_weights())
assert (
    np.abs(folded(batch, training=True) - folded(batch)).max()
    == 0
    < np.abs(copy(batch, training=True) - copy(batch)).max()
)
assert np.allclose(pale_val, x_val / 5, atol=1e-4) and np.allclose(pale_train, x_train / 5, atol=1e-4)
mean, old = (model.get_layer("conv1_bn").moving_mean.numpy() for model in (adapted, network))
assert np.allclose(mean, old / 5, atol=0.05 * np.abs(old).max())  # 0.9**40 of the old average is left
assert accuracy(network, x_val) == np.mean(outputs.argmax(axis=1) == y_val)

# %% after compare-pale
assert accuracies["pale digits"] < accuracies["digits as trained on"] - 0.2
assert abs(accuracies["pale digits, folded"] - accuracies["pale digits"]) < 0.01
assert accuracies["pale digits, statistics found again"] > accuracies["digits as trained on"] - 0.05

# %% after tune-folded-2
assert history.history["val_accuracy"][-1] > accuracies["pale digits, folded"] + 0.2

# %% after chapter-headline
assert relative < 1e-5
assert gains[0] == f"{records[0]['milliseconds']['batch norm'] / records[0]['milliseconds']['folded']:.2f}"
assert [(records[place]["network"], records[place]["way"]) for place in (0, 1, 4)] == [
    ("mobilenet", way) for way in ("eager", "tf.function", "TFLite float32")
]
