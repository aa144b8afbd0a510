"""What is checked of chapter 08; bounds of trained results come from five seeds in smoke, less a margin."""

# %% after sharpen-by-residual  [004.53]
assert rest.tolist() == [0, 0, 0, -2, 2, 0, 0, 0] and (row + rest).tolist() == [2, 2, 2, 0, 8, 6, 6, 6]

# %% after residual-unit  [000.37 003.38 004.53 004.54 004.55 E40]
image = keras.Input((8, 8, 64))
for channels, stride, shape in ((64, 1, (8, 8, 64)), (128, 2, (4, 4, 128)), (32, 1, (8, 8, 32))):
    assert residual_unit(image, channels, stride).shape[1:] == shape
    assert residual_unit(image, channels, stride, shortcut=False).shape[1:] == shape
same = keras.Model(image, residual_unit(image, 64))
kinds = [type(layer).__name__ for layer in same.layers[1:]]
assert kinds == ["Conv2D", "BatchNormalization", "ReLU", "Conv2D", "BatchNormalization", "Add", "ReLU"]
assert {layer.momentum for layer in same.layers if isinstance(layer, layers.BatchNormalization)} == {0.9}
assert same.count_params() == 2 * 9 * 64 * 64 + 2 * 4 * 64
without = keras.Model(image, residual_unit(image, 64, shortcut=False))
assert [type(layer).__name__ for layer in without.layers[1:]] == [kind for kind in kinds if kind != "Add"]
wider = keras.Model(image, residual_unit(image, 128, 2))
assert sorted(layer.kernel_size[0] for layer in wider.layers if isinstance(layer, layers.Conv2D)) == [1, 3, 3]

# %% after draw-the-unit  [001.20 003.38 004.54]
assert [type(layer).__name__ for layer in until_sum.layers][-1] == "Add" and unit.output.shape[1:] == (8, 8, 32)

# %% after load-digits
assert x_train.shape == (COUNT, 32, 32, 1) and x_val.shape == (500, 32, 32, 1) and x_test.shape == (1000, 32, 32, 1)
assert [len(labels) for labels in (y_train, y_val, y_test)] == [COUNT, 500, 1000]
assert np.array_equal(x_val[:, 2:-2, 2:-2], dataset.x_train[3500:4000]) and np.array_equal(
    y_train[:9], dataset.y_train[:9]
)
assert np.array_equal(y_val, dataset.y_train[3500:4000]) and np.array_equal(y_test, dataset.y_test[:1000])
assert x_train.sum() == x_train[:, 2:-2, 2:-2].sum() and x_train.max() == 255
assert np.array_equal(x_test[:, 2:-2, 2:-2], dataset.x_test[:1000]) and COUNT <= 3500

# %% after small-resnet  [000.37 004.54]
assert sizes[True] - sizes[False] == 16 * 32 + 32 + 32 * 64 + 64
for depth in (2,):
    model = small_resnet(depth)
    weighted = [layer for layer in model.layers if isinstance(layer, layers.Conv2D | layers.Dense)]
    assert sum(getattr(layer, "kernel_size", 0) != (1, 1) for layer in weighted) == 6 * depth + 2
    shapes = [layer.output.shape[1:] for layer in model.layers if isinstance(layer, layers.Add)]
    assert shapes == [s for s in ((8, 8, 16), (4, 4, 32), (2, 2, 64)) for _ in range(depth)]
    scaled = keras.Model(model.input, model.layers[1].output)(np.full((1, 32, 32, 1), 255.0))
    assert np.allclose(scaled, 1) and model.output_shape == (None, 10)
    assert 2656 / model.count_params() < 0.02  # what the text below says
    assert {layer.momentum for layer in model.layers if isinstance(layer, layers.BatchNormalization)} == {0.9}
assert {"smoke": 2, "cpu": 5, "gpu": 9}[profile] == UNITS
assert sizes[False] / sizes[True] > 0.99

# %% after fit-residual  [000.36 000.41]
accuracies, losses = residual_history.history["val_accuracy"], residual_history.history["loss"]
assert len(accuracies) == EPOCHS and losses[-1] < losses[0]
assert losses[-1] < {"smoke": 0.8, "cpu": 0.5, "gpu": 0.5}[profile]

# %% after fit-plain  [000.36 000.41]
assert len(plain_history.history["loss"]) == EPOCHS
ahead = plain_history.history["loss"][-1] - residual_history.history["loss"][-1]
assert ahead > {"smoke": 0.02, "cpu": 0.5, "gpu": 0.5}[profile]

# %% after more-seeds  [000.36 000.41]
seeds = {seed for _, seed in histories}
assert len(seeds) == (1 if profile == "smoke" else 3) and len(histories) == 2 * len(seeds)
for seed in seeds:
    without, having = histories["plain", seed], histories["residual", seed]
    assert without["loss"][-1] > having["loss"][-1] + {"smoke": 0.02, "cpu": 0.5, "gpu": 0.5}[profile]
    assert without["val_accuracy"][-1] < having["val_accuracy"][-1] - {"smoke": -0.1, "cpu": 0.2, "gpu": 0.1}[profile]

# %% after evaluate-both
assert probabilities.shape == (12, 10) and np.allclose(np.sum(probabilities, axis=1), 1, atol=1e-5)
assert abs(test_accuracy - np.mean(np.argmax(residual(x_test), axis=1) == y_test)) < 0.003
assert not any(isinstance(layer, layers.Add) for layer in plain.layers)

# %% after identity-kernel  [000.38 003.38 E36]
assert hand_on.size == 36 and hand_on.sum() == 2 and handed.shape == maps.shape == (1, 5, 5, 2)
assert np.array_equal(np.rint(handed), maps) and len(np.unique(maps)) > 5

# %% after draw-classes
angles = np.linspace(0, 2 * np.pi, 100)
for (small, width, height, _), (large, wider, higher, _) in pairwise(NESTED):
    x, y = small[0] + width / 2 * np.cos(angles), small[1] + height / 2 * np.sin(angles)
    assert ((2 * (x - large[0]) / wider) ** 2 + (2 * (y - large[1]) / higher) ** 2).max() < 1
to_star = [center[0] + width / 2 for center, width, _, _ in NESTED]
assert to_star == sorted(to_star) and to_star[-1] < 5.3

# %% after published-errors  [000.36 000.41 003.38 E52]
assert gains == {"plain": -0.6, "residual": 2.85}
published = list(errors.values())
assert errors is CIFAR10 and published[:5] == sorted(published[:5], reverse=True) and CIFAR10[1202] > CIFAR10[110]

# %% after read-records  [000.36]
assert first["data"] == "cifar100" and len(finished) == 51 and len(runs("plain", 56)) == 3
assert {record["seed"] for record in finished} == {0, 1, 2} and (first["images"], first["epochs"]) == (10_000, 6)
assert np.isclose(mean(runs("plain", 8), "loss", -1), np.mean([record["loss"][-1] for record in runs("plain", 8)]))

# %% after degradation-table  [000.36 000.41 E36 E52]
final = {name: [mean(runs(name, depth), "loss", -1) for depth in DEPTHS] for name in ("plain", "residual")}
reached = {name: [mean(runs(name, depth), "test_accuracy") for depth in DEPTHS] for name in ("plain", "residual")}
assert final["plain"] == sorted(final["plain"])  # each deeper plain network fits its training data less
assert reached["plain"] == sorted(reached["plain"], reverse=True)
gaps = np.subtract(reached["residual"], reached["plain"])
assert gaps.tolist() == sorted(gaps) and gaps.min() > 0 and np.ptp(gaps) > 0.1  # the deeper, the more
assert max(reached["residual"]) - reached["residual"][-1] < 0.5 * np.ptp(reached["plain"])
assert reached["residual"].index(max(reached["residual"])) <= 1  # no depth beyond 20 layers helps
for depth in DEPTHS[:2]:
    with models.blueprints():
        built = resnet.cifar_resnet(depth=depth, classes=20).count_params()
    assert {record["parameters"] for name in ("plain", "residual") for record in runs(name, depth)} == {built}
row = accuracy_row(runs("plain", 56))
low, high = (f"{function(record['test_accuracy'] for record in runs('plain', 56)):.3f}" for function in (min, max))
assert f"({low} to {high}, seeds: 3)" in row

# %% after listing-of-deck-000  [000.39 G3 E40]
one = arithmetic.conv_params(3, 64, 64)
assert one == 36_928 and theirs.count_params() - 2 * 256 == 73_856
assert theirs.count_params() == 2 * one + 2 * 256 == 74_368 and ours.count_params() == theirs.count_params() - 128
assert sum(math.prod(weight.shape) for weight in theirs.trainable_weights) == 2 * one + 2 * 2 * 64 == 74_112
assert "(8, 8, 32)" in refused and "(8, 8, 64)" in refused
kinds = [type(layer).__name__ for layer in theirs.layers[1:]]
assert kinds == ["Conv2D", "ReLU", "BatchNormalization", "Conv2D", "Add", "ReLU", "BatchNormalization"]
assert theirs.output_shape == ours.output_shape == (None, 8, 8, 64)

# %% after unit-of-zeros  [000.38 E36]
assert positive.shape == (2, 6, 6, 3) and np.array_equal(stacked, positive)
assert np.array_equal(fresh(positive), positive)
last_norm.gamma.assign(np.ones(3))
assert not np.allclose(fresh(positive, training=True), positive, atol=0.5)

# %% after one-layer-or-two  [000.37]
assert np.abs(with_shortcut - one_convolution).max() < 1e-4
assert np.abs(two_layers(maps) + two_layers(-maps)).max() > 10  # no convolution does that
assert np.abs(with_shortcut - maps - ops.conv(maps, kernel, padding="same")).max() < 1e-4 and kernel.any()

# %% after one-layer-records  [000.37]
shallow, one_layer, two = (mean(found, "test_accuracy") for found in SORTS.values())
assert min(one_layer, two) > shallow + 0.05 and two > one_layer
assert [found[0]["convolutions"] for found in SORTS.values()] == [2, 1, 2] and {
    len(found) for found in SORTS.values()
} == {3}

# %% after shortcut-of-zeros  [000.37 004.55]
assert reshaped.shape == (1, 2, 2, 3)
assert np.array_equal(reshaped[..., :2], picture[:, ::2, ::2]) and not reshaped[..., 2].any()

# %% after shortcut-records  [000.37 004.55]
ways = {way: runs("residual", 20, shortcut=way) for way in ("zeros", "projection", "projections")}
changes, keeps = [(16, 32), (32, 64)], [(16, 16)] * 3 + [(32, 32)] * 2 + [(64, 64)] * 2
projected = {"zeros": [], "projection": changes, "projections": changes + keeps}
for way, found in ways.items():
    more = sum(before * after + 4 * after for before, after in projected[way])  # a 1x1 kernel and a batch norm each
    assert {record["parameters"] for record in found} == {plain20[0]["parameters"] + more}
reached = [mean(found, "test_accuracy") for found in ways.values()]
assert min(reached) > mean(plain20, "test_accuracy") + 0.05 and max(reached) - min(reached) < 0.04

# %% after count-whole-networks  [000.37 000.40 000.47 001.20 003.39 004.54]
assert [len(rows) for rows in sides.values()] == [19, 34] and 3 * sum(resnet.UNITS[152]) + 2 == 152
assert profiles["resnet34"].macs < profiles["vgg19"].macs / 5
assert sum(side >= 112 for side in sides["vgg19"]) == 4 and sum(side >= 112 for side in sides["resnet34"]) == 1

# %% after draw-whole-networks  [000.40 001.20]
assert {side for rows in sides.values() for side in rows} == set(SHADES) and drawn == sides["resnet34"]
assert start == 31 and len(drawn) == start + 3  # the last arc leads over the last two convolutions

# %% after unrolled-sum  [000.44 E37 G5]
assert max(unrolled(lambda x: x)) < 1e-12
assert min(unrolled(ops.relu)) > 0.05  # with a ReLU after the addition neither the sum nor the gradient unrolls
assert max(unrolled(lambda x: 2 * x)) > 0.05

# %% after gradient-norms  [000.45 001.21 E37]
assert {len(run) for found in norms.values() for run in found} == {PROBE - 1}
tilt = {case: [run[1] / run[-1] for run in found] for case, found in norms.items()}
assert np.median(tilt["plain", True]) > 1.5 * np.median(tilt["residual", True])
assert min(tilt["plain", True]) > 5  # with batch norm the plain network's gradients grow toward the input
assert np.median(norms["plain", False]) < np.median(norms["plain", True])
assert np.median(norms["residual", False]) > 5 * np.median(norms["residual", True])
assert min(tilt["plain", False]) > 0.2  # small in all layers: they do not vanish toward the input

# %% after gradient-tilts  [000.45 001.21 E37]
deepest = max(DEPTHS)
assert min(tilts["plain", deepest]) > 3 * max(tilts["residual", deepest])
assert np.mean(tilts["plain", deepest]) > 3 * np.mean(tilts["plain", min(DEPTHS)])
late = {name: mean(runs(name, deepest), "gradient_norms", 1) for name in ("plain", "residual")}
assert late["plain"] < late["residual"]
by_layer = {key: np.exp(np.mean(np.log(values)) / (key[1] - 3)) for key, values in tilts.items()}
assert all(1.1 < by_layer["plain", depth] < 1.15 for depth in DEPTHS[1:]) and by_layer["plain", 8] < 1.1
assert np.isclose(per_layer, by_layer["residual", 56]) and np.isclose(per_layer ** (depth - 3), factor)
smallest = min(((name, depth) for name in ("plain", "residual") for depth in DEPTHS),
               key=lambda key: mean(runs(*key), "gradient_norms", 1))  # fmt: skip
assert smallest == ("plain", 56)  # what the figure's text says

# %% after border-loss
assert left < 1e-4 and np.isclose(inside, (10 / 12) ** 2)
window = np.add.outer([2, 3, 3, 2], np.zeros(4)) * np.array([2, 3, 3, 2])
assert np.isclose(inside, window.mean() / 9)  # counted on a map of 4 x 4

# %% after lesion-records  [000.45 E39]
assert max(remaining["plain"].values()) < 0.1
for name, found in LESIONS.items():
    whole, average = mean(found, "val_accuracy", -1), np.mean(list(remaining[name].values()))
    assert (average / whole > 0.75) == name.startswith("residual")
    assert len(found) == 3 and len(remaining[name]) == 13
    if name.startswith("residual"):
        assert min(remaining[name], key=remaining[name].get) == "stage1_unit1"

# %% after train-clean-network
assert clean_history.history["loss"][-1] < {"smoke": 1.6, "cpu": 0.3, "gpu": 0.3}[profile]
assert clean.count_params() < small_resnet(UNITS).count_params()

# %% after walk-through-units
steps, x = walk(clean, ops.convert_to_tensor(few))
assert len(steps) == 3 * UNITS and x.shape[1:] == (2, 2, 64)
for _, before, through, around in steps:
    assert through.shape == around.shape and np.isclose(
        np.abs(around).sum(),
        np.abs(before[:, :: before.shape[1] // around.shape[1], :: before.shape[1] // around.shape[1]]).sum(),
        rtol=1e-4,
    )

# %% after gradient-at-the-end  [000.44]
assert np.abs(logits - clean(few)).max() < 1e-3 and end.shape == last_sum.shape
whole = end
for step in reversed(steps):
    whole = back(step, whole, True) + back(step, whole, False)
with tf.GradientTape() as tape:
    start = tf.Variable(steps[0][1])
    x = start * 1.0
    for number in range(len(steps)):
        stage, place = divmod(number, UNITS)
        name = f"stage{stage + 1}_unit{place + 1}"
        y = passed(clean, [f"{name}_{part}" for part in ("1_bn", "1_relu", "conv1", "2_bn", "2_relu", "conv2")], x)
        stride = x.shape[1] // y.shape[1]
        x = y + tf.pad(x[:, ::stride, ::stride], [(0, 0), (0, 0), (0, 0), (0, y.shape[-1] - x.shape[-1])])
    again = loss_of(few_labels, passed(clean, ("last_bn", "last_relu", "mean", "logits"), x))
assert np.allclose(whole, tape.gradient(again, start), atol=1e-4 * np.abs(whole).max())

# %% after sample-single-paths  [000.45 E39]
n = len(steps)
assert {"smoke": 4, "cpu": 12, "gpu": 24}[profile] == SAMPLES
assert [len(found) for found in single] == [min(SAMPLES, math.comb(n, length)) for length in range(n + 1)]
assert np.isclose(along(()), single[0][0]) and np.isclose(along(range(n)), single[-1][0], rtol=1e-3)
averages = [np.mean(found) for found in single]
if profile != "smoke":  # after a few dozen steps six units do not show it
    assert averages[0] > 5 * averages[n // 2] > 50 * averages[-1]  # the longer, the less
    assert np.mean(np.diff(np.log(averages)) < 0) > 0.8

# %% after sum-over-paths  [000.45 E39]
assert len(parts) == len(steps) + 1 and sum(counts) == 2 ** len(steps)
total = end
for step in reversed(steps):
    total = back(step, total, True) + back(step, total, False)
assert np.allclose(sum(parts), total, atol=1e-3 * np.abs(total).max())  # all lengths together are the whole gradient
assert np.isclose(together[0], single[0][0], rtol=1e-3) and np.isclose(together[-1], single[-1][0], rtol=1e-2)
half = len(steps) // 2
if profile != "smoke":
    assert together.index(max(together)) < half - 1  # short paths carry more than those of the middle
    middle = range(2, len(steps) - 1)
    assert all(np.mean(single[k]) * counts[k] ** 0.5 < together[k] < np.mean(single[k]) * counts[k] for k in middle)
assert together[half] / counts[half] < 0.7 * np.mean(single[half])  # a sum of paths is shorter than its parts

# %% after show-orders  [000.42]
assert all(sorted(kinds) == sorted(units["original"]) for kinds in units.values()) and len(units) == 5
assert [kinds[-1] for kinds in units.values()] == ["ReLU", "ReLU", "Add", "Add", "Add"]
assert unit.output_shape == (None, 8, 8, 4) and unit.count_params() == 2 * (9 * 4 * 4 + 4 * 4)
assert all(len(kinds) - 1 - kinds.index("Add") == resnet.ORDERS[order][1] for order, kinds in units.items())
assert "".join(LETTERS.values()) == "abcde" and units["full_preactivation"][:3] == [
    "BatchNormalization",
    "ReLU",
    "Conv2D",
]

# %% after orders-published  [000.42 000.43 G1 G2 E38]
assert tuple(PAPER) == tuple(resnet.ORDERS) and paper_depths == [110, 164]
for column in (0, 1):
    assert min(PAPER, key=lambda order: PAPER[order][column]) == "full_preactivation"
    assert PAPER["original"][column] - PAPER["full_preactivation"][column] > 0
assert [depth_of(1, 2), depth_of(2, 3)] == [8, 20]

# %% after orders-at-32-layers  [000.42 000.43 E38]
by_order = {order: mean(found, "test_accuracy") for order, found in ORDERS32.items()}
assert min(by_order.values()) > mean(plain32, "test_accuracy") + 0.05
assert min(by_order, key=by_order.get) == "bn_after_addition"
accuracies = {order: [record["test_accuracy"] for record in found] for order, found in ORDERS32.items()}
for order in ("relu_only_preactivation", "full_preactivation"):
    assert min(accuracies[order]) > max(accuracies["original"])  # ahead at 32 layers, every seed
assert 0 < by_order["full_preactivation"] - by_order["original"] < 0.05
assert {len(found) for found in ORDERS32.values()} == {3}

# %% after scaled-residual  [000.46]
assert np.allclose(turned(np.array([[-1.0, 2.0]])), [[1.0, 0.0]])
assert ScaledResidual(layers.Dense(3))(np.zeros((1, 3))).shape == (1, 3)
bare = ScaledResidual(layers.Rescaling(-20.0), relu=False)
assert np.allclose(bare(np.array([[-1.0, 2.0]])), [[1.0, -2.0]]) and not bare.trainable_weights
assert np.isclose(float(bare.scale), 0.1)

# %% after growth-measured  [000.46 E41]
assert set(grown) == {(scale, relu) for scale in (1.0, 0.3, 0.1) for relu in (False, True)}
assert all(len(measured) == CHAIN + 1 and len(predicted) == CHAIN for measured, predicted in grown.values())
for relu, model in rows_of_units.items():
    scaled = [layer for layer in model.layers if isinstance(layer, ScaledResidual)]
    assert len(scaled) == CHAIN and {layer.relu for layer in scaled} == {relu} and model.output_shape == (None, 10)
    assert not any(isinstance(layer, layers.BatchNormalization) for layer in model.layers)
    assert all(np.isclose(float(layer.scale), 0.1) for layer in scaled)
    kernel = scaled[0].branch.layers[0].kernel
    assert np.isclose(np.var(kernel), 2 / (9 * CHANNELS), rtol=0.2)  # He's rule
    assert scaled[0].branch.output_shape == (None, 8, 8, CHANNELS) == model.layers[2].output.shape
kept = [model.get_weights() for model in rows_of_units.values()]
assert all(np.array_equal(*pair) for pair in zip(*kept, strict=True))

# %% after growth-table  [000.46 E41]
rates = {
    key: (measured[-1] ** (1 / CHAIN), np.prod(predicted) ** (1 / CHAIN))
    for key, (measured, predicted) in grown.items()
}
assert all(predicted >= 1 for _, predicted in rates.values())
for scale in (1.0, 0.3, 0.1):
    measured, predicted = rates[scale, False]
    assert 0.9 < measured / predicted < 1.1  # with nothing after the addition the formula holds
assert rates[1.0, True][0] < 0.8 * rates[1.0, True][1]  # with a ReLU there it does not
assert rates[1.0, True][0] > 1.5 > rates[0.3, True][0] > rates[0.1, True][0] > 0.9
assert np.prod(grown[1.0, True][1]) > 50 * grown[1.0, True][0][-1]
assert 2.2 < rates[1.0, False][0] < 2.9 and rates[0.1, False][0] < 1.1  # the text's factors

# %% after scaled-table  [000.46 000.47 E41]
lasts = {key: values[-10:].mean() for key, values in scaled_losses.items()}
assert {len(values) for values in scaled_losses.values()} == {STEPS} and len(lasts) == 12
for seed in range(3):
    assert not np.isfinite(lasts[1.0, 0.05, seed])
    assert lasts[1.0, 0.001, seed] > max(lasts[0.3, 0.05, seed], lasts[0.1, 0.05, seed]) + 0.1
    assert max(lasts[0.3, 0.05, seed], lasts[0.1, 0.05, seed]) < {"smoke": 2.2, "cpu": 1.2, "gpu": 1.0}[profile]
    assert scaled_losses[1.0, 0.05, seed][0] > 10 > 4 > scaled_losses[0.3, 0.05, seed][0]

# %% after changes-by-unit  [003.41 004.53]
assert len(change["plain"]) == len(change["residual"]) == 3 * UNITS - 2
assert len(spread["plain"]) == len(spread["residual"]) == 3 * UNITS + 1
assert np.mean(change["residual"]) < 0.8 * np.mean(change["plain"])

# %% after dense-block  [000.48 E42 G4]
assert links == {4: 10, 5: 15, 12: 78}
assert read == [6 + 4 * number for number in range(12)] and block.output_shape == (None, 8, 8, 6 + 4 * 12)
values = np.random.default_rng(1).normal(size=(2, 8, 8, 6)).astype("float32")
assert np.array_equal(block(values)[..., :6], values)  # the input itself is still there: nothing is added to it

# %% after dense-records  [000.48 E42]
dense, narrow, wide = (mean(found, "test_accuracy") for found in USE.values())
assert [found[0]["parameters"] for found in USE.values()][:2] == [182_540, 180_083]
assert [model.count_params() for model in (forty, twenty)] == [182_540, 180_083]
assert dense > narrow + 0.02 and dense > wide + 0.02
assert min(work, memory) > 2

# %% after dense-network  [000.48]
assert dense_net.output_shape == (None, 10)
assert all(
    dense_net.get_layer(f"block1_layer{k + 1}_conv1").kernel.shape[2] == (2 + k) * GROWTH for k in range(BLOCKS[0])
)

# %% after cut-links  [000.48]
assert dense_history.history["loss"][-1] < dense_history.history["loss"][0]
for table in use.values():
    assert np.nanmin(table) > 0.01 and np.array_equal(np.isfinite(table), np.tri(BLOCKS[0]))
assert dense_norms[1] / dense_norms[-1] < np.median([run[1] / run[-1] for run in norms["plain", True]])
before = dense_net.get_weights()
cut_links(dense_net, BLOCKS[0], x_val[:8])
assert all(np.array_equal(a, b) for a, b in zip(before, dense_net.get_weights(), strict=True))

# %% after the-headline
assert len(rows) == 4 and np.isclose(scores["plain", 56], mean(runs("plain", 56), "test_accuracy"))
assert scores["residual", 56] > 2 * scores["plain", 56]

# %% after composed-tents  [001.21]
assert pieces == [2**k for k in range(1, 7)]
