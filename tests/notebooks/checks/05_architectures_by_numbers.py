"""What is checked of chapter 05; bounds of trained results lie far above chance and far below what the runs gave."""

# %% after small-vgg-model
shapes = [layer.output.shape[1:] for layer in small_vgg.layers]
assert shapes[2:5] == [(28, 28, 16), (28, 28, 16), (14, 14, 16)] and shapes[-1] == (10,)
assert [layer.name.split("_")[0] for layer in small_vgg.layers].count("conv2d") == 4

# %% after load-digits
assert [len(labels) for labels in (y_train, y_val, y_test)] == [3500, 500, 1000]
assert np.array_equal(x_val[0], dataset.x_train[3500]) and np.array_equal(y_val, dataset.y_train[3500:4000])

# %% after train-small-vgg
assert len(history.history["val_accuracy"]) == EPOCHS
assert history.history["val_accuracy"][-1] > {"smoke": 0.85, "cpu": 0.9, "gpu": 0.9}[profile]

# %% after test-small-vgg
assert test_accuracy > {"smoke": 0.85, "cpu": 0.9, "gpu": 0.9}[profile]
assert np.isclose(test_accuracy, np.mean(np.argmax(small_vgg(x_test), axis=1) == y_test))
assert first == np.argmax(small_vgg(x_test[:1]))

# %% after count-by-hand  [E20]
counted = arithmetic.profile(small_vgg)
assert (sum(parameters), sum(work)) == (counted.params, counted.macs)
assert sum(parameters[4:]) > 0.8 * counted.params and sum(work[:4]) > 0.9 * counted.macs  # the guess asked for

# %% after counting-helpers
assert (
    blueprint(models.build, "vgg11", (32, 32, 3), 10, width=0.125).count_params()
    == course("vgg11", (32, 32, 3), 10, width=0.125).params
)
assert count(keras.applications.MobileNet, weights=None).params == 4_253_864
assert [row.kind for row in rows_of(arithmetic.profile(small_vgg))].count("Dense") == 2

# %% after profile-small-vgg  [E20]
shown = rows_of(arithmetic.profile(small_vgg))
assert sum(row.params for row in shown) == sum(parameters) and sum(row.macs for row in shown) == sum(work)
assert weights_of(shown) == sum(parameters) - 16 - 16 - 32 - 32 - 64 - 10
assert block_model(vgg_block, (8, 8, 3), 1, 4).output.shape[1:] == (4, 4, 4)

# %% after two-designs  [A26 004.33]
assert [*time.values(), *space.values()] == [5_898_240_000, 1_638_400_000, 3_149_824, 3_363_840]
assert time["direct"] / time["via 1×1"] == 3.6 and round(space["via 1×1"] / space["direct"] - 1, 3) == 0.068

# %% after published-results  [D28 E23 E24 000.06 001.16 001.19 003.27]
assert [errors[name] for name in ("GoogLeNet", "Inception-v4", "ResNet", "SENet")] == [6.7, 3.1, 3.57, 2.251]
assert errors["Trimps-Soushen"] == 2.99 and errors["NEC"] / errors["SENet"] > 10  # falls to a tenth
assert len(errors) == len(RESULTS) == 10

# %% after competition-table  [D25 004.39]
assert [values[0] for values in ranked.values()] == [15.3, 11.7, 6.6]
assert [len(values) for values in ranked.values()] == [6, 9, 9]
assert all(list(ILSVRC[year].values()) == values for year, values in ranked.items())
assert ranked[2012][1] - ranked[2012][0] > 10 and max(ranked[2013][:-1]) <= ranked[2012][0] and ranked[2014][-1] == 12.1

# %% after msra-margins  [D26 001.18]

# %% after build-alexnet  [000.25 003.29 004.40]
kinds = [type(layer).__name__ for layer in blueprint(alexnet).layers]
order = "".join({"Conv2D": "C", "MaxPooling2D": "P", "Dense": "F"}.get(kind, "") for kind in kinds)
assert order == "CPCPCCCPFFF" and kinds.count("Dropout") == 2

# %% after alexnet-table  [D4 D7 001.06 E81]
assert [grouped.params, single.params] == [60_965_224, 62_378_344]
assert [grouped.macs, single.macs] == [724_406_816, 1_135_256_096]
convolutions = [[row.params for row in counted if row.kind == "Conv2D"] for counted in (grouped, single)]
assert convolutions == [
    [34_944, 307_456, 885_120, 663_936, 442_624],
    [34_944, 614_656, 885_120, 1_327_488, 884_992],
]
theirs = course("alexnet", (227, 227, 3))
assert (theirs.params, theirs.macs) == (grouped.params, grouped.macs)
shapes = [row.output_shape[1:] for row in rows_of(grouped)]
assert shapes[1:9] == [
    (55, 55, 96),
    (27, 27, 96),
    (27, 27, 256),
    (13, 13, 256),
    (13, 13, 384),
    (13, 13, 384),
    (13, 13, 256),
    (6, 6, 256),
]

# %% after alexnet-dense  [D3 D4 D5 D6 E08 E09 E32 E33 001.07 001.08]
assert dense_weights == [37_748_736, 16_777_216, 4_096_000] == [36 * 256 * 4096, 4096**2, 1000 * 4096]
assert (sum(dense_weights), sum(row.params for row in dense)) == (58_621_952, 58_631_144)
assert round(share, 3) == 0.962
sizes = [megabytes, 4 * sum(dense_weights) / 2**20, 4 * grouped.params / 1e6, 4 * megabytes]
assert np.allclose(sizes, [234.5, 223.6, 243.9, 938], rtol=0, atol=0.06)
assert neurons == [290_400, 186_624, 64_896, 64_896, 43_264, 4_096, 4_096, 1_000] and sum(neurons) == 659_272

# %% after draw-two-cards  [003.27]
assert halves == [
    (48, "conv1"),
    (128, "conv2"),
    (192, "conv3"),
    (192, "conv4"),
    (128, "conv5"),
    (2048, "fc6"),
    (2048, "fc7"),
]

# %% after first-layer  [D1 D2 D8 E10 E34 E56 D27 003.28 003.31 004.41]
assert [unpadded, larger, padded] == [54, 55, 55]
assert (first_weights, conv_params(11, 3, 96)) == (34_848, 34_944)
sides = [row.output_shape[1] for row in rows_of(listing) if len(row.output_shape) == 4]
assert sides == [224, 54, 26, 26, 12, 12, 12, 12, 5]
parts = [row.params for row in listing if row.params]
assert parts == [11_712, 614_656, 885_120, 1_327_488, 884_992, 26_218_496, 16_781_312, 40_970]
assert listing.params == 46_764_746

# %% after response-normalization  [E81]
assert np.abs(ours - theirs).max() < 1e-6 < np.abs(ours - maps).max()
assert missing == wanted

# %% after stacked-kernels  [D13 D14 D15 E02 000.26 003.33 003.45 004.45]
assert fields == [3, 5, 7]
assert np.allclose(list(saved.values()), [0.28, 0.449, 0.333, 0.714], rtol=0, atol=5e-4)
full, stack = kernels["5×5"]
assert 1 - sum(stack) / full == 1 - 2 * 9 / 25 != (2 * 2 - 5 * 5) / (5 * 5) == -0.84

# %% after draw-fields
assert ways.shape == (7, 7) and ways.sum() == 9**3 and ways.max() == ways[3, 3] == 49

# %% after build-vgg  [001.10 004.42 004.44]
kinds = [type(layer).__name__ for layer in blueprint(vgg, (2, 2, 3, 3, 3), (32, 32, 3), 7).layers]
assert (kinds.count("Conv2D"), kinds.count("MaxPooling2D"), kinds.count("Dropout")) == (13, 5, 2)

# %% after vgg16-table  [D10 D30 E05 E20 001.10 001.11]
kinds = [row.kind for row in rows]
assert [kinds.count("Conv2D"), kinds.count("MaxPooling2D"), kinds.count("Dense"), len(rows)] == [13, 5, 3, 22]
assert vgg16_values == 15_237_608
assert np.allclose([4 * vgg16_values / 1e6, 4 * vgg16_values / 2**20], [60.95, 58.1], rtol=0, atol=0.03)
assert [weights_of(vgg16), vgg16.params] == [138_344_128, 138_357_544] and round(dense_share, 3) == 0.894
assert np.allclose(printed, [row.activations for row in rows], rtol=0.02) and round(vgg16.macs / 1e9, 2) == 15.47
theirs = course("vgg16")
assert (theirs.params, theirs.macs) == (vgg16.params, vgg16.macs)

# %% after six-configurations  [D9 D11 D12 E18 E22 E28 E31 001.09 003.32 003.35 003.36 003.37 004.43 004.44]
names = ("A", "A-LRN", "B", "C", "D", "E")
million = [vggs[name].params / 1e6 for name in names]
assert np.allclose(million, [132.86, 132.86, 133.05, 133.64, 138.36, 143.67], rtol=0, atol=5e-3)
assert list(map(round, million)) == [133, 133, 133, 134, 138, 144]
assert [round(vggs[name].macs / 1e9, 2) for name in names] == [7.61, 7.61, 11.31, 11.77, 15.47, 19.63]
assert [depths[name] for name in names] == [11, 11, 13, 16, 16, 19]
assert (depths["damaged A-LRN"], depths["damaged E"]) == (12, 16)
for name, ours in (("vgga", "A"), ("vggb", "B"), ("vggd", "D"), ("vgge", "E")):
    assert course(name).params == vggs[ours].params
assert round(vggs["E"].params / vggs["A"].params - 1, 2) == 0.08 and round(vggs["E"].macs / vggs["A"].macs, 1) == 2.6
assert (round(ratio, 2), round(fewer_errors, 2), round(more_work)) == (2.27, 0.52, 21)
assert listing_vgg.params == 128_806_154

# %% after pattern-net  [004.24]
assert list(outlines.values()) == ["CCPCCPFFF", "CCPCCPCCPF", "CCCPCCCPCCCPCCCPFF", "CCCCF"]
sizes = {settings: count(pattern_net, *settings).params for settings in outlines}
assert sizes[2, 0, 2, 0] > sizes[2, 1, 3, 0]

# %% after one-by-one  [E29 000.29 003.34 004.47]
assert np.allclose(by_large_kernel, flattened) and by_dense.shape == (1, 6, 5, 3) and len(flattened) == 3
assert np.linalg.matrix_rank(kernel[0, 0]) == 3 and 0.4 < lost < 0.8
assert not np.allclose(recovered, maps.reshape(30, 8))

# %% after build-nin  [004.46 004.48]
model = blueprint(nin)
assert [type(layer).__name__ for layer in model.layers].count("Dense") == 0 and model.output.shape[1:] == (10,)
assert count(nin).params == course("nin", (224, 224, 1), 10).params

# %% after nin-counts  [D20 E29 004.46 004.48]
sides = [row.output_shape[1] for row in rows if row.kind != "GlobalAveragePooling2D"]
assert sides == [224, *[54] * 3, *[26] * 4, *[12] * 4, *[5] * 4] and rows[-1].output_shape[1:] == (10,)
shapes = [row.output_shape[1:] for row in rows]
assert (5, 5, 384) in shapes and shapes.count((5, 5, 10)) == 3  # the shapes that the lecture's listing prints
assert [*per_block, counted.params] == [30_336, 746_240, 1_180_800, 34_790, 1_992_166]
assert imagenet_nin.params == 7_595_176 and 7.5 < grouped.params / imagenet_nin.params < 8.5  # an eighth

# %% after draw-three-blocks  [004.46]
boxes = [[text.get_text() for text in axis.texts[:-1]] for axis in axes]
assert boxes == [
    ["5×5\n256", "max\n3×3/2"],
    ["3×3\n256", "3×3\n256", "3×3\n256", "max\n2×2/2"],
    ["5×5\n256", "1×1\n256", "1×1\n256", "max\n3×3/2"],
]

# %% after naive-and-reduced  [D16 D17 000.29 000.30 001.13 001.14 003.42 003.43 004.49 004.50 004.52]
naive, reduced = costs.values()
assert [row.params - row.output_shape[-1] for row in naive if row.kind == "Conv2D"] == [12_288, 221_184, 153_600]
assert (weights_of(naive), naive.macs, naive.rows[-1].output_shape[-1]) == (387_072, 303_464_448, 416)
each = sorted(row.params - row.output_shape[-1] for row in reduced if row.kind == "Conv2D")
assert each == [3_072, 6_144, 12_288, 12_800, 18_432, 110_592]
assert (weights_of(reduced), reduced.params, reduced.rows[-1].output_shape[-1]) == (163_328, 163_696, 256)
assert round(reduced.macs / 1e6, 1) == 128.0 and round(weights_of(reduced) / 1024, 1) == 159.5

# %% after draw-inception  [001.13 004.50]
boxes = [[text.get_text().replace("\n", " ") for text in axis.texts] for axis in axes]
assert boxes[0] == ["1×1 64", "3×3 128", "5×5 32", "max 3×3", "concatenate", "28×28×192"]
assert boxes[1][:4] == ["1×1 64", "1×1 96", "3×3 128", "1×1 16"] and boxes[1][4:7] == ["5×5 32", "max 3×3", "1×1 32"]

# %% after channels-and-groups  [E26 E27]
assert [growth[place + 1] / growth[place] for place in range(3)] == [4, 4, 4]
assert split[0] == 2 * split[1] == 192 * split[2]
assert sorted(type(one).__name__ for one in readers) == ["Conv2D"] * 3 + ["MaxPooling2D"]
assert {one.groups for one in readers if hasattr(one, "groups")} == {1}

# %% after googlenet-columns  [E07 001.15 003.44]
weights, works = ({name: pair[place] for name, pair in table.items()} for place in (0, 1))
assert weights == {
    "3a": 163_328,
    "3b": 388_096,
    "4a": 375_552,
    "4b": 448_512,
    "4c": 509_440,
    "4d": 604_672,
    "4e": 867_328,
    "5a": 1_042_432,
    "5b": 1_442_816,
}
off = {name: PRINTED[name][0] * 1024 / value - 1 for name, value in weights.items()}
assert off["4c"] < -0.06 and off["5a"] > 0.05
assert max(abs(value) for name, value in off.items() if name not in ("4c", "5a")) < 0.02 and abs(off["3a"]) < 0.005
assert all(abs(work / 1e6 / PRINTED[name][1] - 1) < 0.012 for name, work in works.items() if name != "5a")
assert inside == 1024

# %% after build-googlenet  [D18 E06 E21 001.15 003.44 004.49]
assert (google.params, weights_of(google), round(google.macs / 1e9, 3)) == (6_998_552, 6_990_272, 1.583)
theirs = course("googlenet")
assert (theirs.params, theirs.macs) == (google.params, google.macs)

# %% after longest-way  [D29 D30 004.49]
assert layers_on_way == {"AlexNet": 8, "VGG16": 16, "VGG19": 19, "GoogLeNet": 22}

# %% after googlenet-totals  [D18 D19 E06 E07 E21]
assert np.allclose(printed_totals, [6797.7, 1502])
assert (full, round(full_work / 1e6, 1)) == (9_408, 118.0)
assert (separable, round(sum(separable) * 112**2 / 1e6, 1)) == ([1_176, 1_536], 34.0)
assert (second, classifier) == (114_688, 1_024_000)
assert round((weights_of(google) - classifier) / 1e6, 2) == 5.97 and round(grouped.params / google.params, 2) == 8.71

# %% after auxiliary-heads
assert heads.count_params() == 13_378_280 and len(heads.outputs) == 3

# %% after inception-versions  [E25 000.31 004.51]
theirs = blueprint(models.build, "inceptionv2", (224, 224, 3), 1000)
module = [layer for layer in theirs.layers if layer.name.startswith("3a")]
ours = count(block_model, bn_inception, (28, 28, 192), 64, (64, 64), (64, 96), 32)
assert ours.params == sum(layer.count_params() for layer in module)
v3 = blueprint(block_model, inception_v3_b, (17, 17, 768), 160)
assert v3.count_params() == blueprint(block_model, inception_blocks.v3_b, (17, 17, 768), "b", 160).count_params()
kernels = Counter(layer.kernel_size for layer in v3.layers if isinstance(layer, layers.Conv2D))
assert kernels == {(1, 1): 4, (1, 7): 3, (7, 1): 3}

# %% after inception-counts  [E25 000.31 000.47 003.45 004.51]
assert inception_v2.trainable_params == 11_285_224 and block.trainable_params == theirs.trainable_params

# %% after v4-blocks  [001.16 003.45]
outputs = {name: model.output.shape[1:] for name, model in v4_models.items()}
assert outputs == {
    "A": (35, 35, 384),
    "B": (17, 17, 1024),
    "C": (8, 8, 1536),
    "reduction A": (17, 17, 1024),
    "reduction B": (8, 8, 1536),
}

# %% after inception-v4  [001.16 003.45]
assert v4.trainable_params == 42_679_816
stem = [row for row in v4 if row.name.startswith("stem") and row.kind == "Concatenate"]
assert stem[-1].output_shape[1:] == (35, 35, 384) and len(stem) == 3

# %% after residual-unit  [000.40 003.40]
assert count(resnet, (2, 2, 2, 2)).trainable_params == course("resnet18").trainable_params

# %% after plain-and-residual  [003.40 004.54]
plain, residual = (trainable[f"34 layers, {kind}"] for kind in ("plain", "residual"))
assert residual == 21_797_672
assert residual - plain == sum(one.count_params() + 2 * one.filters for one in projections) == 173_824
rest = [one for one in weighted["34 layers, residual"] if one not in projections]
assert [one.output.shape for one in rest] == [one.output.shape for one in weighted["34 layers, plain"]]
assert [len(stack) for stack in weighted.values()] == [19, 34, 37] and len(projections) == 3

# %% after resnet-table  [D21 E21 E30 003.39 003.40 004.54]
giga = [counted.macs / 1e9 for counted in resnets.values()]
assert np.allclose(giga, [1.814, 3.664, 3.858, 7.570, 11.282], rtol=0, atol=5e-4)
parameters = [counted.trainable_params for counted in resnets.values()]
assert parameters == [11_689_512, 21_797_672, 25_557_032, 44_549_160, 60_192_808]
units = {depth: list(found.values()) for depth, found in stages.items()}
assert units == {18: [2] * 4, 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3]}
assert list(stages[50]) == [(56, 56, 256), (28, 28, 512), (14, 14, 1024), (7, 7, 2048)]
assert list(stages[18]) == [(56, 56, 64), (28, 28, 128), (14, 14, 256), (7, 7, 512)]
assert (last.kind, last.params - 1000) == ("Dense", 2_048_000)

# %% after resnet-variants  [D21 E30]
assert np.allclose(list(zeros.values()), [1.795, 3.644], rtol=0, atol=5e-4)
assert np.allclose(list(later.values()), [4.089, 7.801, 11.514], rtol=0, atol=5e-4)

# %% after build-densenet  [000.48]
assert dense_block(keras.Input((8, 8, 10)), 3, 4).shape[1:] == (8, 8, 22)

# %% after densenet-counts  [000.48]
assert dense121.trainable_params == course("densenet121").trainable_params == 7_978_856
assert joined[:6] == [96, 128, 160, 192, 224, 256] and links == {4: 10, 5: 15, 12: 78}
assert 0.3 < dense121.trainable_params / resnets[50].trainable_params < 0.34  # a third

# %% after mobilenet-counts  [D22 D23 003.46]
assert [sum(halves), whole_work] == [52_283_392, 462_422_016]
assert sum(halves) / whole_work == 1 / 512 + 1 / 9 and round(1 / 512 + 1 / 9, 4) == 0.1131
assert (mobile.trainable_params, round(mobile.macs / 1e6, 1)) == (4_231_976, 568.7)
assert (round(twin.trainable_params / 1e6, 2), round(twin.macs / 1e6)) == (29.29, 4867)
assert [round(share, 3) for share in shares.values()] == [0.031, 0.949]
assert mobile.macs == course("mobilenet").macs and twin.macs == course("mobilenet", separable=False).macs

# %% after draw-separable  [003.46]
boxes = [[text.get_text().replace("\n", " ") for text in axis.texts[:-1]] for axis in axes]
assert boxes == [
    ["3×3 512", "batch norm", "ReLU"],
    ["3×3 depthwise", "batch norm", "ReLU", "1×1 512", "batch norm", "ReLU"],
]

# %% after squeeze-excite  [000.06]
assert cost.params == 2 * 512**2 // 16 == 32_768 and 0.09 < extra / resnets[50].trainable_params < 0.11
maps = np.random.default_rng(1).normal(size=(2, 4, 4, 32)).astype("float32")
scaled = keras.ops.convert_to_numpy(squeeze_excite(keras.ops.convert_to_tensor(maps))) / maps
assert np.allclose(scaled, scaled[:, :1, :1], atol=1e-4) and scaled.min() > 0 and scaled.max() < 1

# %% after race-frame
networks = {name: arithmetic.profile(race_network(block)) for name, block in BLOCKS.items()}
assert {counted.rows[-1].params for counted in networks.values()} == {650}  # 64 means, 10 scores
assert len(BLOCKS) == 7

# %% after train-race
assert [len(found) for found in reached.values()] == [SEEDS] * len(RUNNERS)
assert min(min(reached[name]) for name in RUNNERS) > {"smoke": 0.4, "cpu": 0.8, "gpu": 0.8}[profile]
cost = {name: race_costs[name].macs for name in RUNNERS}
assert cost["separable"] < cost["NiN"] / 8
if profile != "smoke":  # what the text says of the seven blocks
    mean = {name: np.mean(reached[name]) for name in RUNNERS}
    assert mean["two 3×3 (VGG)"] > mean["one 5×5"] and abs(mean["residual"] - mean["two 3×3 (VGG)"]) < 0.01
    assert cost["two 3×3 (VGG)"] / 2.2 < cost["NiN"] < cost["two 3×3 (VGG)"] / 1.8 and cost["dense"] < cost["NiN"]
    assert 15 * cost["separable"] < cost["two 3×3 (VGG)"] < 25 * cost["separable"] < 25 * cost["Inception"]
    assert race_costs["two 3×3 (VGG)"].params > race_costs["one 5×5"].params
    assert mean["dense"] < mean["NiN"] and mean["separable"] < mean["NiN"] < mean["two 3×3 (VGG)"] + 0.005

# %% after keras-applications  [D24]
assert [counted.params for counted in applications.values()] == [documented for documented, *_ in KERAS.values()]
assert [counted.params for counted in headless] == [14_714_688, 20_024_384]

# %% after accuracy-work-parameters  [003.26]
assert (round(more_work), round(more_weights)) == (27, 33)
assert 0 < points["VGG16"][2] - points["MobileNet"][2] < 1 and len(points) == 13

# %% after draw-fields-of-networks
assert seen["ResNet-50"] == 483 and seen["GoogLeNet"] == 715 and seen["AlexNet"] < 224 and seen["VGG16"] < 224

# %% after one-step-of-each
for finite, gradients, moved in steps.values():
    assert finite and None not in gradients and moved > 0

# %% after steps-taken
assert list(steps) == families and all(len(gradients) >= 10 for _, gradients, _ in steps.values())

# %% after chapter-headline
assert (round(vgg16_values / 1e6, 1), round(weights_of(google) / 1e6, 2), round(megabytes)) == (15.2, 6.99, 234)
