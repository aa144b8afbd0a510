"""Driving logs in zip archives: read in place, as the folder is read; what leads out of one or is broken is refused."""

import zipfile

import numpy as np
import pytest
from driven import write_log

from cnnlab.datasets import DataError
from cnnlab.driving import log
from cnnlab.driving.pictures import VIEWS

VIEW = VIEWS["carracing"]


@pytest.fixture
def files(tmp_path):
    """Name and bytes of each file of a log."""
    folder = write_log(tmp_path / "drive")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def packed(path, files, prefix="", compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(prefix + name, data)
    return path


def same(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("pictures", *log.NUMBERS))


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("prefix", ["", "my drive/", "./", "./my drive/"])
def test_an_archive_is_read_as_its_folder_and_nothing_is_unpacked(tmp_path, files, prefix, compression):
    before = sorted(tmp_path.rglob("*"))
    path = packed(tmp_path / "drive.zip", files, prefix, compression)
    assert same(log.read(path, VIEW), log.read(tmp_path / "drive", VIEW))
    assert same(log.read(str(path), VIEW), log.read(tmp_path / "drive", VIEW))
    assert sorted(tmp_path.rglob("*")) == sorted([*before, path])


def test_archives_of_windows_and_of_a_mac(tmp_path, files, monkeypatch):
    """The first may have backslashes in its names, the second has a second file beside each, and both have folders."""
    drive = log.read(tmp_path / "drive", VIEW)
    names = {name: name.replace("/", "\\") for name in files}
    path = packed(tmp_path / "drive.zip", {names[name]: data for name, data in files.items()})
    # Whatever system this test runs on, the names in the archive are those of a program that wrote backslashes.
    path.write_bytes(path.read_bytes().replace(b"IMG/", b"IMG\\"))
    assert same(log.read(path, VIEW), drive)
    beside = {f"__MACOSX/drive/._{name.rpartition('/')[2]}": b"\0\5\x16\7" for name in files}
    inside = {f"drive/{name}": data for name, data in files.items()}
    folders = {"drive/": b"", "drive/IMG/": b"", "__MACOSX/": b"", "empty/": b""}
    assert same(log.read(packed(tmp_path / "drive.zip", folders | inside | beside), VIEW), drive)


@pytest.mark.parametrize(
    "name",
    ["../driving_log.csv", "IMG/../../elsewhere.jpg", "/etc/driving_log.csv", "C:\\IMG\\center_0.jpg", "C:center_0.jpg",
     "IMG\\..\\..\\elsewhere.jpg", "\\\\server\\share\\center_0.jpg", ".."],
)  # fmt: skip
def test_a_name_that_leads_out_of_the_archive_is_refused(tmp_path, files, name):
    path = packed(tmp_path / "drive.zip", files | {name: b"rows"})
    with pytest.raises(
        DataError, match=r"drive.zip: expected names that stay in the archive, got '.*(\.\.|etc|C:|server)"
    ):
        log.read(path, VIEW)


@pytest.mark.parametrize("name", ["IMG/center_0.jpg", ".\\IMG\\center_0.jpg", "driving_log.csv"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice_is_refused(tmp_path, files, name):
    path = packed(tmp_path / "drive.zip", files)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, b"other")
    with pytest.raises(DataError, match=r"drive.zip: expected each name once in the archive, got \S+ twice"):
        log.read(path, VIEW)


def test_an_archive_has_one_log(tmp_path, files):
    path = tmp_path / "drive.zip"
    with pytest.raises(DataError, match=r"drive.zip: expected one driving_log.csv, .*one folder down, got none"):
        log.read(packed(path, {name: data for name, data in files.items() if "IMG" in name}), VIEW)
    with pytest.raises(DataError, match=r"drive.zip: expected one driving_log.csv, .* got none"):
        log.read(packed(path, files, "two/deep/"), VIEW)
    with pytest.raises(DataError, match=r"drive.zip: expected one driving_log.csv, .* got none"):
        log.read(packed(path, {}), VIEW)
    for other in ("", "second/"):
        both = {f"{other}{name}": data for name, data in files.items()} | {
            f"lap/{n}": data for n, data in files.items()
        }
        with pytest.raises(
            DataError, match=rf"got \S+drive.zip/{other}driving_log.csv and \S+drive.zip/lap/driving_log"
        ):
            log.read(packed(path, both), VIEW)


@pytest.mark.parametrize("kept", [0, 1, 40, -200, -1])
def test_an_archive_that_is_cut_off_is_refused(tmp_path, files, kept):
    path = packed(tmp_path / "drive.zip", files)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"drive.zip: expected a zip archive, got none or a broken one"):
        log.read(path, VIEW)


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "drive.tar").write_bytes(b"no archive" * 100)
    with pytest.raises(DataError, match=r"drive.tar: expected a zip archive, got none or a broken one"):
        log.read(tmp_path / "drive.tar", VIEW)
    with pytest.raises(DataError, match=r"nowhere.zip.*: expected a driving log, got none"):
        log.read(tmp_path / "nowhere.zip", VIEW)


def test_a_picture_that_does_not_match_its_checksum_is_skipped_and_such_a_log_refused(tmp_path, files):
    """Files are compared with the archive's checksums: a bit of a pixel is enough."""
    whole = packed(tmp_path / "drive.zip", files, compression=zipfile.ZIP_STORED).read_bytes()
    for name in ("IMG/center_1.jpg", "driving_log.csv"):
        place = whole.index(files[name]) + len(files[name]) - 40
        (tmp_path / "drive.zip").write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        if name == "driving_log.csv":
            with pytest.raises(DataError, match=r"drive.zip/driving_log.csv: expected a whole file .* BadZipFile"):
                log.read(tmp_path / "drive.zip", VIEW)
        else:
            assert log.read(tmp_path / "drive.zip", VIEW).skipped == (
                "row 2: picture center_1.jpg is broken (BadZipFile)",
            )


def test_an_archive_that_needs_a_password_is_refused(tmp_path, files):
    """The flag alone, since Python cannot write such an archive."""
    data = bytearray(packed(tmp_path / "drive.zip", files, compression=zipfile.ZIP_STORED).read_bytes())
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = data.find(signature)
        while place >= 0:
            data[place + offset] |= 1
            place = data.find(signature, place + 1)
    (tmp_path / "drive.zip").write_bytes(data)
    with pytest.raises(DataError, match=r"drive.zip/driving_log.csv: .* password"):
        log.read(tmp_path / "drive.zip", VIEW)


def test_whatever_byte_is_wrong_it_is_said_or_does_not_matter(tmp_path, files):
    """An archive with a wrong byte is refused, or skips the picture that it hits; no other error, no other pixels."""
    path, generator = tmp_path / "drive.zip", np.random.default_rng(0)
    drive, whole = log.read(tmp_path / "drive", VIEW), packed(path, files, "lap/").read_bytes()
    directory = whole.index(b"PK\1\2")
    places = [*range(40), *generator.integers(0, directory, 60), *range(directory, len(whole), 7)]
    refused = skipped = 0
    for place in places:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ int(generator.integers(1, 256))]) + whole[place + 1 :])
        try:
            damaged = log.read(path, VIEW)
        except DataError as error:
            assert "drive.zip" in str(error)
            refused += 1
            continue
        kept = np.isin(drive.speed, damaged.speed)
        assert same(damaged, drive[kept]) and kept.sum() + len(damaged.skipped) == len(drive)
        skipped += bool(damaged.skipped)
    assert refused > 20 and skipped > 20
