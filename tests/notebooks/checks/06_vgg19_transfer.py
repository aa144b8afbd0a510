"""What is checked of chapter 06; bounds of trained results come from three seeds and more, less a margin."""

# %% after count-vgg  [000.27 001.12 001.37 001.08 D24 E82]
assert extractor.output_shape == (None, 7, 7, 512) and extractor.input_shape == (None, 224, 224, 3)
assert [extractor.count_params(), published.count_params(), convolutions.count_params()] == [
    14_714_688,
    143_667_240,
    20_024_384,
]
assert round(share, 3) == 0.861

# %% after read-record
assert card["test_accuracy"] > 0.6 and card["data"] == "cifar100" and card["images"] == 50_000
assert card["parameters"] == transfer.classifier().count_params()

# %% after take-stock  [001.36]
assert len(theirs) == len(ours) == 19
assert all(shape[:2] == (3, 3) for shapes in (theirs, ours) for name, shape in shapes.items() if "conv" in name)
assert [shape[-1] for shape in theirs.values()] == [64] * 2 + [128] * 2 + [256] * 4 + [512] * 8 + [4096, 4096, 1000]
assert [shape[-1] for shape in ours.values()] == [16] * 2 + [32] * 2 + [64] * 4 + [128] * 8 + [128, 128, 100]
assert sum(map(np.prod, theirs.values())) + sum(shape[-1] for shape in theirs.values()) == 143_667_240

# %% after largest-share
assert name.startswith("block4_conv") and weights["fc1"] < weights[name] == 147_456
assert np.prod(theirs["fc1"]) / sum(map(np.prod, theirs.values())) > 0.7

# %% after gray-share
assert ((gray_share >= 0) & (gray_share <= 1)).all() and gray_share.shape == (16,)
assert kernels.shape == (3, 3, 3, 16)
assert 4 <= (gray_share < 0.5).sum() <= 12  # both kinds are there

# %% after hidden-maps  [001.36]
assert photo.shape == (224, 224, 3)
assert [values.shape for values in maps] == [(224 >> k, 224 >> k, c) for k, c in enumerate((16, 32, 64, 128, 128))]
assert [name.split("_relu")[0] for name in BLOCKS] == [
    f"block{block}_conv{last}" for block, last in ((1, 2), (2, 2), (3, 4), (4, 4), (5, 4))
]
assert np.mean(maps[0] > 0) > 0.5 > 0.4 > np.mean(maps[2] > 0)

# %% after receptive-fields  [001.36]
assert list(sides.values()) == [5, 14, 48, 116, 252]

# %% after measured-fields
assert all(extents[name] == [min(side, 224)] * 2 for name, side in sides.items())

# %% after choose-network  [000.28]
assert imagenet.output_shape == (None, 1000) and len(classes) == 1000 and "Egyptian cat" in classes
assert imagenet.name.startswith("vgg19") or imagenet.count_params() == 4_694_024

# %% after load-photo  [000.28 E79]
assert pixels.dtype == "float32" and batch.shape == (1, 224, 224, 3)
assert np.array_equal(batch[0], datasets.photo())

# %% after prepare-pixels  [000.28 E79]
assert np.allclose(for_vgg[..., ::-1], batch - np.array([123.68, 116.779, 103.939]), atol=1e-3)
assert np.allclose(for_lite0, batch / 128 - 127 / 128)

# %% after predict-photo  [000.28]
assert np.isclose(probabilities.sum(), 1, atol=1e-4) and probabilities.shape == (1000,)
cats = [classes.index(name) for name in ("tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat")]
assert probabilities[cats].sum() > 0.7 and probabilities.argmax() in cats
shown = transfer.decode(logits, classes)[0]
assert [name for name, _ in shown] == [classes[k] for k in np.argsort(-probabilities)[:5]]

# %% after divided-by-255
((wrong, low), *_) = transfer.decode(unguarded(batch / 255), classes)[0]
assert "cat" not in wrong and low < 0.3

# %% after eight-photographs
assert len(eight) == 8 and all(picture.shape == (224, 224, 3) for picture in eight.values())
first = {name: likeliest[0] for name, likeliest in zip(eight, answers, strict=True)}
assert [len(likeliest) for likeliest in answers] == [3] * 8
assert first["coffee"][0] in ("espresso", "cup", "coffee mug") and first["coffee"][1] > 0.5
assert any(name in ("tripod", "reflex camera") for name, _ in answers[1])
assert first["motorcycle"][0] in ("moped", "motor scooter") and first["motorcycle"][1] > 0.4
assert first["coins"][1] < 0.5 * first["coffee"][1] and first["astronaut"][1] < 0.5 * first["coffee"][1]

# %% after print-answers
assert list(eight) == ["coffee", "camera", "rocket", "astronaut", "coins", "motorcycle", "flower", "china"]

# %% after own-photographs
assert all(path.suffix == ".jpg" for path in found)

# %% after move-window
assert windows.shape == (12, 224, 224, 3) and of_cats.shape == (12, 3)
assert (of_cats.sum(axis=1) > 0.6).all()  # that it is a cat
assert np.ptp(of_cats, axis=0).max() > 0.03 and np.allclose(moved.sum(axis=1), 1, atol=1e-4)
if imagenet.name == "efficientnet_lite0":
    assert {int(best) for best in of_cats.argmax(axis=1)} == {0, 1}  # which kind of cat

# %% after crop-shuttle
if imagenet.name == "efficientnet_lite0":
    whole, crop = transfer.decode(imagenet.predict(pair, verbose=0), classes, 3)
    assert "space shuttle" in [name for name, _ in crop] and "space shuttle" not in [name for name, _ in whole]

# %% after own-answer
every = transfer.decode(network(np.stack(list(strange.values()))), names, top=100)
assert all(np.isclose(sum(p for _, p in pairs), 1, atol=1e-4) for pairs in every)
assert all(pairs[0][1] > 3 / 100 for pairs in likeliest) and len(names) == 100 and "cat" not in names

# %% after calibration-error
assert pictures.sum() == 10_000 and error < 0.06
assert abs(pictures @ right / pictures.sum() - card["test_accuracy"]) < 0.001

# %% after cut-crops
some, of = crops(30, "train", 5)
assert some.shape == (30, SIDE, SIDE, 3) and some.dtype == np.uint8 and np.bincount(of).tolist() == [10, 10, 10]
assert np.array_equal(some, crops(30, "train", 5)[0]) and not np.array_equal(some, crops(30, "test", 5)[0])
columns = [column for part in PARTS.values() for column in range(part.start, part.stop)]
assert len(columns) == len(set(columns)) and max(columns) == 511  # no pixel in two parts
assert all(photograph.shape == (512, 512) for photograph in MATERIALS.values())

# %% after build-head
assert [weight.path.split("/")[0] for weight in model.trainable_weights] == ["head", "head"]
assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == 1280 * 3 + 3

# %% after fit-head
assert history.history["val_accuracy"][-1] > {"smoke": 0.7, "cpu": 0.8, "gpu": 0.8}[profile]
assert len(history.history["loss"]) == {"smoke": 4, "cpu": 12, "gpu": 12}[profile]
assert history.history["loss"][-1] < 0.7 * history.history["loss"][0]

# %% after photo-features
assert numbers.shape == (20, 1280) and numbers.dtype == np.float32

# %% after run-photo-curves
ahead = photo_curves["pretrained features"] - photo_curves["small, from scratch"]
assert (photo_curves["pretrained features"][:, -1] > 0.8).all()
assert ahead.mean() > 0.1 and (ahead > 0).all(), ahead
assert (photo_curves["pretrained features"] - photo_curves["random features"] > 0.1).all()

# %% after norms-in-fit
assert np.isclose(mean_after_fit(True), 3 * (1 - 0.99**8), atol=1e-3) and mean_after_fit(False) == 0

# %% after unfreeze-layers
trained = {weight.path for weight in model.trainable_weights}
assert not any("_bn" in path for path in trained) and len(trained) == 49 + 2

# %% after fine-tune-rates
if tuned:
    assert tuned[0.001].mean() > 0.85 and tuned[0.01].mean() < tuned[0.001].mean() - 0.1 and tuned[0.1].mean() < 0.5

# %% after make-shapes
assert all((np.bincount(of[: FAMILIES * count]) == count).all() for _, of, *_ in sets for count in PER_CLASS)
assert all(known.shape[1:] == (32, 32, 3) and len(new) == len(of) for known, _, new, of in sets)

# %% after maps-at-places
assert [tuple(values.shape[1:3]) for values in own.outputs] == [(4, 4)] * 4 + [(2, 2)]
maps = transfer.backbone()(pictures[:2], training=False)
means = layers.AveragePooling2D(1)(own.predict(pictures[:2], verbose=0)[4])
assert means.shape == (2, 2, 2, 128) and np.allclose(layers.MaxPooling2D(2)(means), maps, atol=1e-4)

# %% after choose-layer
with_places, means = (dict(zip(chosen, column, strict=True)) for column in np.array(list(chosen.values())).T)
assert set(chosen) == {*BLOCKS, *LITE0}
assert max(BLOCKS, key=with_places.get) == BLOCKS[2] and with_places[BLOCKS[2]] - with_places[BLOCKS[4]] > 0.1
assert max(LITE0, key=with_places.get) in ("block3b_add", "block5c_add")
assert all(with_places[name] - means[name] > 0.03 for name in BLOCKS[:4])

# %% after cut-vgg
assert [frozen[name].output_shape for name in ("pretrained features", "random features")] == [(None, 1024)] * 2
assert np.allclose(frozen["pretrained features"](pictures[:2]), np.reshape(own(pictures[:2])[2], (2, -1)), atol=1e-4)
assert with_head(frozen["pretrained features"]).output_shape == (None, 10)

# %% after frozen-curves
assert (curves["pretrained features"] - curves["random features"] > 0.1).all()
assert all(found.shape == (len(SEEDS), len(PER_CLASS)) for found in curves.values())

# %% after scratch-curves
best_from_scratch = np.max([curves[setting] for setting in scratch], axis=0)[:, AT_20]
assert (best_from_scratch > {"smoke": 0.2, "cpu": 0.3, "gpu": 0.35}[profile]).all()
assert (curves["pretrained features"][:, AT_20] - best_from_scratch > 0.1).all()

# %% after fine-tune-curves
gained = (curves["fine-tuned"] - curves["pretrained features"])[:, AT_20]
assert gained.mean() > {"smoke": -0.15, "cpu": -0.05, "gpu": -0.05}[profile]

# %% after norms-that-learn
assert len(norms_learn) == len(SEEDS) and np.min(norms_learn) > 0.3

# %% after turn-knobs
assert leads["photo-like"].mean() > leads["angle"].mean() + 0.05
assert set(leads) == {"photo-like", *KNOBS}

# %% after from-folder  [001.38]
assert {item.path.name for item in left_out} == {"again.jpg", "torn.jpg", "notes.txt"}
assert mine.class_names == ("heart", "star") and np.bincount(own_labels).tolist() == [9, 5]
assert own_pictures.shape == (14, 32, 32, 3)

# %% after forty-objects
assert views.shape == (400, 32, 32, 3) and by_picture.sum() == by_object.sum() == 100
assert not set(objects[by_object]) & set(objects[~by_object])

# %% after leak-shares  [001.38]
assert leak["by picture"] > 0.85 and leak["by object"] < 0.65

# %% after random-zoom  [003.37]
assert zoomed.std(axis=0).mean() > 3 and np.array_equal(zoom(cats, training=False), cats)

# %% after jitter-shapes
assert len(one_size) == len(all_sizes) == len(SEEDS)
assert all(np.array_equal(one[1], every[1]) for one, every in zip(one_size, all_sizes, strict=True))

# %% after run-jitter  [003.37]
assert with_jitter.shape == without.shape == (len(SEEDS), 2)
assert (without[:, 0] - without[:, 1]).mean() > 0.1  # what was trained on one size misses others
