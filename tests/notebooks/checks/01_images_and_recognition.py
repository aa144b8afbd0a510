"""What is checked of chapter 01; bounds of trained results: five seeds in `smoke`, three in `cpu`, less a margin."""

# %% after load-photo  [000.01]
assert photo.shape == (224, 224, 3) and photo.dtype == np.uint8 and photo.nbytes == 224 * 224 * 3
assert (photo.min(), photo.max()) == (0, 220)

# %% after print-patch  [000.02]
assert patch.shape == (4, 6, 3) and np.array_equal(patch[:, :, 2], photo[168:172, 122:128, 2]) and name == "blue"
assert patch[..., 0].mean() > 3 * patch[..., 2].mean()  # the nose: nearly black in blue

# %% after merge-planes  [000.02]
assert np.array_equal(merged, photo) and np.array_equal(added, photo) and len(only) == len(planes) == 3
assert [np.count_nonzero(part.any(axis=(0, 1))) for part in only] == [1, 1, 1]
assert [plane.shape for plane in planes] == [(224, 224)] * 3

# %% after wrap-around
assert (pixels + np.uint8(10)).tolist() == [210, 4, 9]

# %% after shuffle-and-darken  [000.03]
assert np.array_equal(np.sort(shuffled, axis=None), np.sort(photo, axis=None))
assert max(np.mean(np.all(other == photo, axis=2)) for other in (shuffled, darker)) < 0.01
assert np.array_equal(darker, np.floor(photo * 0.6))

# %% after nearest-pictures  [000.03]
assert squared.shape == (100, 1000) and squared[0, 0] == np.sum((flat_asked[0] - flat_stored[0]) ** 2)
assert squared[7, 900] == np.sum((flat_asked[7] - flat_stored[900]) ** 2) and hits.sum() == 19
assert np.bincount(asked_family).tolist() == [5] * 20 and len(stored) == 1000

# %% after draw-nearest
assert not set(asked_family[wrong] - stored_family[nearest[wrong]]) & {0} and len(pairs) == 12

# %% after two-vectors  [000.09]
assert x @ y == 5 and np.isclose(cosine(x, y), 5 / np.sqrt(50)) and np.isclose(cosine(x, 3 * y), np.sqrt(0.5))
assert np.isclose(cosine(np.array([[3, 4]]), np.array([[4, 3]])), 24 / 25)
assert np.isclose(cosine(np.array([1, 0]), np.array([0, 5])), 0) and np.isclose(cosine(x, -y), -cosine(x, y))
pixel = np.full((2, 2), 200, dtype=np.uint8)  # a product that an 8-bit number could not hold
assert np.isclose(cosine(pixel, pixel), 1)

# %% after load-digits  [000.10]
assert x_train.shape[1:] == x_test.shape[1:] == (28 * 28,) and (x_train.max(), x_train.min()) == (1, 0)
assert len(groups) == 10 and all(
    len(group) == min(1000, np.sum(y_train == digit)) and np.array_equal(group[0], x_train[y_train == digit][0])
    for digit, group in enumerate(groups)
)

# %% after eight-and-five  [000.10 000.11 E76]
assert y_test[np.flatnonzero((x_test == eight).all(axis=1))].tolist() == [8]
assert y_test[np.flatnonzero((x_test == five).all(axis=1))].tolist() == [5]
assert len(products_of_eight) == len(products_of_five) == 10
assert np.isclose(products_of_eight[3], np.mean([one @ eight for one in groups[3]]))
assert np.argmax(products_of_eight) == 8 and np.argmax(products_of_five) != 5

# %% after mean-digits
assert means.shape == (10, 784) and np.allclose(means[4], x_train[y_train == 4][:1000].mean(axis=0))

# %% after four-measures  [000.09]
assert np.isclose(similarities["cosine"][0, 3], cosine(x_test[0], means[3]))
assert np.isclose(similarities["divided by ink"][2, 5], x_test[2] @ means[5] / means[5].sum())
assert np.isclose(
    similarities["centered cosine"][1, 7], cosine(x_test[1] - x_test[1].mean(), means[7] - means[7].mean())
)

# %% after who-wins  [000.11 E76]
length, ink = np.linalg.norm(means, axis=1), means.sum(axis=1)
assert sorted(np.argsort(length)[-2:]) == [0, 8]
assert shares["dot product"][[0, 8]].sum() > 0.4 > 0.3 > shares["cosine"][[0, 8]].sum()
assert shares["dot product"][5] < 0.02 and (shares["dot product"][[9, 4, 7, 1]] > 2 * shares["dot product"][5]).all()
assert ink[5] > ink[[9, 4, 7, 1]].max()  # so ink is not what wins
assert right["divided by ink"] < right["dot product"] + 0.02 < right["cosine"] - 0.1
assert abs(right["centered cosine"] - right["cosine"]) < 0.02 and right["cosine"] < 0.9
assert sorted(np.argsort(length)[:2]) == [1, 5] and shares["divided by ink"].argmax() == 1

# %% after spread-of-products  [E76]
assert np.isclose(with_eights.mean(), products_of_eight[8]) and np.isclose(with_zeros.mean(), products_of_eight[0])
assert with_eights.mean() > with_zeros.mean() and 0.05 < lower < 0.5

# %% after change-the-photo  [000.04]
assert list(changed) == ["color", "viewpoint", "size", "background", "lighting", "occlusion"]
assert {(other.shape, other.dtype) for other in changed.values()} == {(photo.shape, photo.dtype)}
assert np.array_equal(changed["color"][..., 2], photo[..., 0])
assert np.array_equal(changed["background"][115, 105], photo[115, 105])
assert changed["background"][0, 0].tolist() == [40, 110, 60] and (changed["occlusion"][:, 61:115] == 90).all()
assert np.array_equal(changed["occlusion"][:, 115:], photo[:, 115:]) and changed["occlusion"][0, 60, 0] != 90

# %% after compare-changed  [000.04]
corner = np.array([[3, 4]])
assert distance(corner, corner + 2) == 2 and distance(np.array([255], np.uint8), np.array([0], np.uint8)) == 255
farther = [name for name in changed if table[name][0] > table["mean color"][0]]
less_similar = [name for name in changed if table[name][1] < table["mean color"][1]]
assert len(farther) == len(less_similar) == 5 and len(table) == 9
assert (empty["flat gray"] == 128).all() and np.allclose(empty["mean color"][3, 5], photo.mean(axis=(0, 1)))

# %% after direction-histograms
histograms = direction_histograms(across, 8)[0, 0]
assert histograms.argmax() == 0 and histograms.sum() == 64 and np.argmax(direction_histograms(down, 8)) == 4
assert np.isclose(direction_histograms(across + down, 8)[0, 0, 2], 64 * np.sqrt(2))
assert np.argmax(direction_histograms(-across, 8)) == 0  # light to dark counts as dark to light
assert direction_histograms(photo.mean(axis=2), 14).shape == (16, 16, 9)
one_cell = {"orientations": 9, "pixels_per_cell": (8, 8), "cells_per_block": (1, 1), "block_norm": "L1"}
noise = np.random.default_rng(1).normal(size=(24, 24))  # scikit-image leaves the gradient of the outermost pixels 0
theirs = feature.hog(noise, **one_cell, feature_vector=False)[1, 1, 0, 0]
ours_in_the_middle = direction_histograms(noise, 8)[1, 1]
assert np.allclose(ours_in_the_middle / ours_in_the_middle.sum(), theirs, atol=1e-3)

# %% after hog-of-the-photo  [001.04]
assert histogram.shape == (15 * 15 * 2 * 2 * 9,)

# %% after hog-of-changed  [000.04]
flat = {name for name, other in hogs.items() if not other.any()}
assert flat == {"flat gray", "mean color"} and len(hogs) == 9
found = {name: cosine(histogram, other) for name, other in hogs.items() if name not in flat}
assert found["color"] > 0.95 and found["lighting"] > 0.95 > table["lighting"][1]
assert max(found["viewpoint"], found["size"]) < found["shuffled"] < found["occlusion"]

# %% after show-knobs  [000.04]
drawn = [shapes100.generate(5, difficulty=Difficulty.only(**{knob: 1.0}))[0] for knob in KNOBS]
assert len({images.tobytes() for images in drawn}) == 6 and np.array_equal(drawn[-1], samples)
assert samples.shape == (5, 32, 32, 3)

# %% after three-methods
assert pixels_of(np.full((1, 2, 2, 3), 255)).tolist() == [[1] * 12] and pixels_of(samples).shape == (5, 3072)
assert hog_of(samples).shape == (5, 3 * 3 * 2 * 2 * 9)  # 4 x 4 cells, so 3 x 3 blocks of 2 x 2
assert np.allclose(hog_of(samples)[2], feature.hog(samples[2].mean(axis=-1), 9, (8, 8), (2, 2)))
assert METHODS["linear"][1]().alpha == 10 and METHODS["HOG + linear"][1]().alpha == 0.1

# %% after fit-and-score
(rows, *_), families = features_and_labels("test", 20, color=1.0)
images, _, expected = shapes100.generate(20, seed=0, split="test", difficulty=Difficulty.only(color=1.0))
assert np.array_equal(rows, pixels_of(images)) and np.array_equal(families, expected)

# %% after turn-the-knobs  [000.04 004.03]
assert strengths[0] == 0 and strengths[-1] == 1 and len(strengths) == {"smoke": 2, "cpu": 5, "gpu": 5}[profile]
assert np.array_equal(curves[0, :, 0], curves[1, :, 0])
color, angle, size, background, light, occlusion = curves[0, :, -1]
same = dict(zip(KNOBS, curves[1, :, -1], strict=True))
assert curves[:, :, 0].min() > 0.95  # all off: easy for each
assert color[2] > 0.9 and max(color[:2]) < 0.6 and same["color"][0] < 0.25  # HOG does not see color
assert max(angle) < 0.5 and max(same["angle"][0], same["angle"][2]) < 0.8  # turns hurt all three
assert same["size"][2] > max(same["size"][:2]) + 0.15
assert background[2] < background[1] - 0.05 and same["background"][2] > background[2] + 0.1
assert light[0] < 0.92 and min(light[1:]) > 0.95
assert min(occlusion) > 0.8 and min(same["occlusion"]) > 0.93
images, _, families = shapes100.generate(400, difficulty=Difficulty.only(color=1.0))
plain_images, *_ = shapes100.generate(400, difficulty=Difficulty.only())
spread = [np.array([part[families == one].mean(axis=0) for one in range(20)]).std(axis=0).mean()
          for part in (plain_images, images)]  # fmt: skip
assert spread[1] < 0.8 * spread[0]  # the means of the classes come nearer to each other

# %% after place-digits  [000.12]
assert PLACES == 13 and MIDDLE + DIGIT + MIDDLE == CANVAS
image = np.arange(1, 785).reshape(1, 28, 28)
where = placed(np.concatenate([image, image]), [0, 12], [5, 2])
assert where.shape == (2, CANVAS, CANVAS) and where.dtype == np.float32
assert np.array_equal(where[1, 12:40, 2:30], image[0]) and np.array_equal(where[0, :28, 5:33], image[0])
assert (where.sum(axis=(1, 2)) == image.sum()).all()
places = anywhere(np.ones((500, DIGIT, DIGIT)), np.random.default_rng(1))
assert places[:, 0].any() and places[:, -1].any() and places[:, :, 0].any() and places[:, :, -1].any()

# %% after move-digits
assert np.allclose(moved.sum(axis=(1, 2)), some.sum(axis=(1, 2)), rtol=1e-5)  # no ink is lost
assert np.array_equal(some_labels, y_test[order_test[:300]]) and moved.shape == (300, CANVAS, CANVAS)
assert sorted(order_train) == list(range(len(y_train))) and sorted(order_test) == list(range(len(y_test)))

# %% after more-samples  [000.12]
found = list(by_copies.values())
assert found == sorted(found) and found[-1] > found[0] + 0.25
assert len(shown) == 300 * {"smoke": 32, "cpu": 64, "gpu": 64}[profile] and list(by_copies)[:3] == [1, 4, 16]
assert len(known) == 300

# %% after slide-a-window  [000.12]
assert scores.shape == (13, 13, 10) and np.allclose(np.linalg.norm(templates.reshape(10, 784), axis=1), 1)
assert np.isclose(scores[0, 0, 8], np.sum(moved[0, :DIGIT, :DIGIT] * templates[8]))
assert np.isclose(scores[12, 3, 1], np.sum(moved[0, 12:40, 3:31] * templates[1]))

# %% after templates-as-kernels  [000.12]
assert maps.shape == (300, 13, 13, 10) and np.allclose(maps[7], slide(moved[7]), atol=1e-3)
assert np.allclose(maps[0], reference.conv2d(moved[0, ..., None], kernels), atol=1e-3)

# %% after best-window  [000.12]
assert np.isclose(cosines[0, 0, 0, 8], cosine(moved[0, :DIGIT, :DIGIT], templates[8]), atol=1e-3)
assert np.isclose(cosines[9, 4, 7, 2], cosine(moved[9, 4:32, 7:35], templates[2]), atol=1e-3)
assert by_sliding > 0.65 and by_middle < 0.35
assert by_middle == np.mean(cosines[:, 6, 6].argmax(axis=1) == some_labels)

# %% after window-by-window  [000.12]
assert windowed.shape == (9, 9) and not two_layers(np.zeros_like(image)).any()  # no biases: black stays black
assert (81 * one_window, at_once) == (116_640, 18_720)
assert two_layers(image).shape == (9, 9, 1) and np.maximum(reference.conv2d(image, first_kernels), 0).min() == 0

# %% after count-imagenet  [001.03 Z3 E35]
assert short_of_a_thousand == 62 and 62 * 999 + 938 * MOST >= TRAINING > 63 * 999 + 937 * MOST
assert (short_of_a_thousand, TRAINING, OF_2010) == (62, 1_281_167, 1_261_406)  # quoted, not computed
assert short_of_a_thousand and FEWEST < TRAINING / CLASSES < MOST and round(TRAINING / 1e6, 1) == 1.3

# %% after svm-on-digits  [001.03 001.04]
assert len(judged) == len(judged_labels) == 1000
assert all(found.shape == (3, len(amounts)) for found in by_amount.values())
assert len(amounts) == {"smoke": 2, "cpu": 5, "gpu": 5}[profile]
ahead = by_amount["HOG"] - by_amount["pixels"]
assert (ahead > 0).all() and ahead[:, -1].min() > 0.03, ahead
assert (
    by_amount["HOG"][:, -1].min() > {"smoke": 0.9, "cpu": 0.93, "gpu": 0.93}[profile]
    and by_amount["pixels"][:, -1].max() < 0.93
)

# %% after lbp-code  [001.04]
assert neighbors.tolist() == [1, 4, 5, 6, 9, 5, 2, 7] and bits.tolist() == [0, 0, 1, 1, 1, 1, 0, 1]
assert int(bits @ 2 ** np.arange(8)) == 4 + 8 + 16 + 32 + 128

# %% after lbp-other-light
assert np.mean(codes != codes_in_other_light) < 0.01 and codes.max() == 255
assert np.ptp(2 * levels + 20) == 2 * np.ptp(levels)

# %% after load-shapes
assert grays.shape[1:] == (32, 32) and len(shapes.coarse_names) == 20 and filling.max() == 4
assert np.ptp(np.bincount(family)) == np.ptp(np.bincount(filling)) == 0  # all equally often
assert is_train.sum() == {"smoke": 400, "cpu": 2_000, "gpu": 10_000}[profile] and is_train[0] and not is_train[-1]

# %% after pyramid-of-cells  [001.04]
assert pyramid(cells["HOG and LBP 3"][:2], 3).shape == (2, 19 * (1 + 4 + 16))
row = pyramid(cells["HOG"][:2], 2)
assert np.allclose(row[1, :9], np.sqrt(cells["HOG"][1].mean(axis=(0, 1))))
assert np.allclose(row[1, 18:27], np.sqrt(cells["HOG"][1, :2, 2:].mean(axis=(0, 1))))  # the upper right quarter
assert np.allclose(cells["LBP, radius 1"].sum(axis=-1), 1) and cells["LBP, radius 3"].shape[1:] == (4, 4, 10)
assert np.allclose(hog_cells(grays[:1])[0, 1, 2], feature.hog(grays[0], 9, (8, 8), (1, 1)).reshape(4, 4, 9)[1, 2])
uniform = feature.local_binary_pattern(grays[0].astype(np.uint8), 8, 3, "uniform")
counts = np.bincount(uniform[:8, 8:16].astype(int).ravel(), minlength=10)
assert np.allclose(counts / 64, cells["LBP, radius 3"][0, 0, 1])

# %% after svm-on-shapes  [001.04]
assert svm["family", "HOG", 3] > svm["family", "HOG", 1] + 0.1  # the pyramid adds where
assert svm["family", "HOG", 3] > max(svm["family", "LBP, radius 3", 3], svm["family", "pixels"]) + 0.08
assert svm["filling", "HOG and LBP 3", 3] > 0.4 and len(svm) == 2 * (3 * 4 + 1)

# %% after three-codes  [001.04]
assert one_word.tolist() == [0, 1, 0] and local.tolist() == [0.25, 0.75, 0] and (local @ words).tolist() == [3, 0]
assert super_vector.tolist() == [[0, 0, 0], [1, -1, 0.5], [0, 0, 0]] and local.sum() == 1

# %% after fisher-length  [001.05 Z1]
assert (one_descriptor, both_descriptors) == (524_288, 1_048_576) and dimensions * descriptors == 4 * 4 * 8
assert (both_descriptors * 4 / 2**20, both_descriptors / 8 / 2**10) == (4, 128)

# %% after patch-descriptors  [001.05]
patches = sift_like(pictures[:2])
assert patches.shape == (2, 25, 128) and color_patches(pictures[:2]).shape == (2, 25, 96)
alone = feature.hog(grays[1][4:20, 8:24], 8, (4, 4), (4, 4)).reshape(128)
assert np.corrcoef(patches[1, 1 * 5 + 2], alone)[0, 1] > 0.7  # its border has other gradients
cell = pictures[1, 4:8, 8:12].reshape(16, 3) / 255
colors = color_patches(pictures[:2])[1, 1 * 5 + 2].reshape(6, 4, 4)[:, 0, 0]
assert np.allclose(colors, [*cell.mean(axis=0), *cell.std(axis=0)], atol=1e-5)
assert arithmetic.output_size(32, 16, stride=4) ** 2 == patches.shape[1] == 25

# %% after fisher-same-as-skimage  [001.05]
assert fisher_vectors(toy, mixture).shape == (3, 2 * 2 * 5) and theirs.shape == (2 + 2 * 2 * 5,)
assert np.allclose(fisher_vectors(toy, mixture)[2][:10], feature.fisher_vector(toy[2], mixture)[2:12])

# %% after fisher-round
assert [len(range(25)[part]) for part in REGIONS] == [25, 10, 5, 10]
assert {"smoke": (16, 8), "cpu": (32, 16), "gpu": (64, 32)}[profile] == SMALL

# %% after fisher-scores  [001.05]
mean = {name: np.mean(found) for name, found in fisher.items()}
lengths = {rows.shape[1] for name, rows in vectors.items() if "whole" not in name}
assert lengths == {2 * SMALL[0] * SMALL[1] * len(REGIONS)}
assert {len(found) for found in fisher.values()} == {{"smoke": 1, "cpu": 3, "gpu": 3}[profile]} and len(fisher) == 6
assert mean["SIFT-like"] > mean["SIFT-like, whole picture only"] and mean["SIFT-like"] > mean["color"] + 0.1
assert mean["SIFT-like"] > svm["family", "HOG", 3] + 0.05

# %% after draw-ladder
assert max(ladder, key=ladder.get) == "Fisher vector, SIFT-like"
assert ladder["guessing"] < ladder["pixels, linear"] < ladder["HOG, pyramid"] < ladder["Fisher vector, SIFT-like"]

# %% after count-dense  [Z2 004.02]
assert layer.count_params() == 28 * 28 * 7 + 7 == 5_495 and weights_needed == 10**12
assert arithmetic.conv_params(1000, 1, 10**6, bias=False) == weights_needed and layer.kernel.shape == (784, 7)

# %% after count-dense-and-shared  [004.02 003.02]
counted = [(arithmetic.conv_params((h, w), c, 1000), arithmetic.conv_params(5, c, 1000)) for h, w, c in sizes.values()]
assert counted == [(785_000, 26_000), (3_073_000, 76_000), (150_529_000, 76_000)] and full == 150_529_000

# %% after random-labels  [003.02]
assert weights.shape == (784, 10) and learned > 0.99 and useful < 0.25
assert np.bincount(random_labels, minlength=10).min() > 15 and len(some_digits) == len(other_digits) == 300

# %% after shuffle-weights  [003.02]
assert not np.allclose(outputs, x_test[:100][:, shuffle] @ weights) and sorted(shuffle) == list(range(784))
assert outputs.shape == (100, 10)

# %% after training-digits
assert len(digits) == len(digit_labels) == count == {"smoke": 768, "cpu": 4_000, "gpu": 4_000}[profile]
assert len(middle) == len(test_labels) == {"smoke": 500, "cpu": 1_000, "gpu": 1_000}[profile]
assert np.array_equal(test_labels, judged_labels[: len(middle)])
assert np.array_equal(middle[3, 6:34, 6:34].ravel(), x_test[order_test[3]].astype(np.float32))
mixed = shuffled_pixels(middle[:2])
assert np.array_equal(np.sort(mixed.ravel()), np.sort(middle[:2].ravel())) and not np.array_equal(mixed, middle[:2])
assert np.array_equal(mixed[0].ravel()[0], middle[0].ravel()[pixel_order[0]])

# %% after three-networks  [003.02]
sizes_of = {kind.__name__: network.count_params() for kind, network in zip(KINDS, built, strict=True)}
assert sizes_of["fully_connected"] == 1600 * 128 + 128 + 1290 == 206_218
assert sizes_of["with_pool"] == 32_394 and sizes_of["with_flatten"] == 32_394 - 650 + 64_010
assert built[1].layers[2].output.shape == (None, 10, 10, 64)  # two strides of 2: a quarter of 40

# %% after train-network
network = trained(with_pool, middle[:2], test_labels[:2], 0, 7)
assert network.input_shape == (None, CANVAS, CANVAS, 1) and network.count_params() == 32_394
assert accuracy_on(lambda canvases: np.eye(10)[test_labels], middle) == 1 and middle[..., None].shape[1:] == (40, 40, 1)

# %% after train-five-ways  [003.02 004.03]
assert list(networks) == list(WAYS) and all(len(of_seeds) == seeds for of_seeds in networks.values())
steps = {name: int(of_seeds[0].optimizer.iterations.numpy()) for name, of_seeds in networks.items()}
assert set(steps.values()) == {count // 32 * epochs}, steps
assert np.isclose(networks["convolutions, pool"][0].optimizer.learning_rate.numpy(), 1e-3)
assert seeds == {"smoke": 1, "cpu": 3, "gpu": 3}[profile] and epochs == {"smoke": 4, "cpu": 4, "gpu": 12}[profile]
lost = np.mean(on_centered["fully connected"]) - np.mean(on_centered["fully connected, shuffled"])
assert abs(lost) < 0.05 and min(on_centered["fully connected"]) > 0.78

# %% after move-about  [004.03]
canvases = middle[:9]
assert np.allclose(moved_about(canvases, shift=3)[:, :, 3:], canvases[:, :, :-3], atol=1e-5)
assert np.allclose(moved_about(canvases, angle=90), np.rot90(canvases, axes=(1, 2), k=-1), atol=1e-3)
half = moved_about(canvases, shift=0.5)[:, :, 1:]  # between two pixels: their mean
assert np.allclose(half, (canvases[:, :, 1:] + canvases[:, :, :-1]) / 2, atol=1e-5)
assert np.isclose(moved_about(canvases, scale=0.5).sum() / canvases.sum(), 0.25, rtol=0.1)

# %% after measure-invariance  [004.03 003.02]
by_shift = {name: invariance["shift", name] for name in CURVES}
assert all(found.shape == (seeds, 7) for found in by_shift.values()) and len(invariance) == 12
assert by_shift["fully connected"][:, -1].max() < 0.3 and by_shift["convolutions, Flatten"][:, -1].max() < 0.35
assert (
    by_shift["fully connected, four places"].min() > {"smoke": 0.27, "cpu": 0.6, "gpu": 0.6}[profile]
    and by_shift["convolutions, pool"].min() > 0.7
)
assert np.ptp(by_shift["convolutions, pool"], axis=1).max() < 0.05
assert (by_shift["convolutions, pool"][:, -1] > by_shift["fully connected, four places"][:, -1]).all()
assert (by_shift["convolutions, Flatten"][:, 0] - by_shift["convolutions, Flatten"][:, -1] > 0.5).all()
assert all((invariance["angle", name][:, -1] < invariance["angle", name][:, 0] - 0.2).all() for name in CURVES)

# %% after shift-the-maps  [004.03]
assert here.shape == there.shape == (100, 10, 10, 64) and {part.shape for part in inside} == {(100, 6, 5, 64)}
typical = np.abs(inside[0]).mean()
assert np.abs(inside[2] - inside[0]).mean() < 1e-3 * typical < 0.1 * typical < np.abs(inside[1] - inside[0]).mean()
assert np.abs(there.max(axis=(1, 2)) - here.max(axis=(1, 2))).mean() < 0.02 * typical

# %% after deep-networks  [E43 003.02]
assert max(deep["logistic", 7]) < 0.3 and min(deep["relu", 7]) > 0.6 and min(deep["relu", 1]) > 0.7
assert min(deep["logistic", 1]) > 0.5 and all(len(found) == seeds for found in deep.values()) and len(deep) == 4

# %% after the-headline
assert by_pool > by_flatten + 0.4 and by_pool == invariance["shift", "convolutions, pool"][:, -1].mean()
