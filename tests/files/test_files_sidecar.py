"""Sidecars."""

import json

import pytest

from mvsep_watch.errors import SourceBusyError, StoppedError
from mvsep_watch.files import sidecar
from mvsep_watch.files.sidecar import SidecarDamagedError
from mvsep_watch.naming import SIDECAR_NAME, OutputPlace


@pytest.fixture
def published(tmp_path, provenance):
    for output, content in zip(provenance().outputs, (b"voice", b"band"), strict=True):
        (tmp_path / output.name).write_bytes(content)
    sidecar.write(OutputPlace(tmp_path), provenance(), version="0.1.0")
    return tmp_path


def test_what_is_written_is_read(published, provenance):
    """A lost state file is rebuilt from it, to the last field."""
    assert sidecar.read(OutputPlace(published)) == provenance()


def test_people_can_read_it(published):
    """It names its format and the program that wrote it."""
    content = json.loads((published / SIDECAR_NAME).read_text())

    assert (content["format"], content["program"], content["credits_charged"]) == (1, "mvsep-watch 0.1.0", None)


def test_a_folder_without_one_has_none(tmp_path):
    """Also a folder that is not there."""
    assert (sidecar.read(OutputPlace(tmp_path)), sidecar.read(OutputPlace(tmp_path / "never"))) == (None, None)


def test_keys_of_a_later_program_are_passed_over(published, provenance):
    """The same format may grow."""
    path = published / SIDECAR_NAME
    path.write_text(json.dumps({**json.loads(path.read_text()), "mood": "blue"}))

    assert sidecar.read(OutputPlace(published)) == provenance()


@pytest.mark.parametrize(
    "change",
    [{"format": 2}, {"job_id": "7"}, {"attempt": True}, {"outputs": [{}]}, {"outputs": 3}, {"hash": None}],
)
def test_what_cannot_be_understood_is_an_error_and_no_absence(published, change):
    """Behind it may be work that was paid for."""
    path = published / SIDECAR_NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | change))

    with pytest.raises(SidecarDamagedError, match="cannot be understood"):
        sidecar.read(OutputPlace(published))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_file_is_an_error(tmp_path, content):
    """Whatever stands in it."""
    (tmp_path / SIDECAR_NAME).write_bytes(content)

    with pytest.raises(SidecarDamagedError):
        sidecar.read(OutputPlace(tmp_path))


def test_a_link_is_no_sidecar(tmp_path, published):
    """Provenance lies beside its outputs or nowhere."""
    other = tmp_path / "other"
    other.mkdir()
    (other / SIDECAR_NAME).symlink_to(published / SIDECAR_NAME)

    with pytest.raises(SidecarDamagedError):
        sidecar.read(OutputPlace(other))


def test_intact_outputs_are_not_missing(published, provenance):
    """All there, byte by byte."""
    assert sidecar.verify(OutputPlace(published), provenance().outputs) == ()


@pytest.mark.parametrize("damage", ["gone", "shorter", "edited", "folder", "link"])
def test_an_output_that_is_not_intact_is_named(published, provenance, damage):
    """The others are fine."""
    voice = published / "Vocals.flac"
    voice.unlink()
    if damage == "shorter":
        voice.write_bytes(b"voi")
    elif damage == "edited":
        voice.write_bytes(b"noise")
    elif damage == "folder":
        voice.mkdir()
    elif damage == "link":
        (published / "elsewhere").write_bytes(b"voice")
        voice.symlink_to("elsewhere")

    assert [output.name for output in sidecar.verify(OutputPlace(published), provenance().outputs)] == ["Vocals.flac"]


def test_a_sidecar_names_nothing_outside_its_folder(tmp_path, output):
    """It could have been written by anybody."""
    (tmp_path / "secret").write_bytes(b"x")
    (tmp_path / "song").mkdir()
    outputs = (output("../secret", b"x"), output(str(tmp_path / "secret"), b"x"))

    assert sidecar.verify(OutputPlace(tmp_path / "song"), outputs) == outputs


def test_verifying_stops_when_told(published, provenance):
    """Gigabytes of stems do not hold up the end."""
    with pytest.raises(StoppedError):
        sidecar.verify(OutputPlace(published), provenance().outputs, stopping=lambda: True)


def test_all_sidecars_below_a_root_are_found(tmp_path):
    """At any depth; not in stagings, not through links, not for names that only look so."""
    for folder in ("a", "a/b", "c", ".mvsep-watch-s1-1.part"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / SIDECAR_NAME).touch()
    (tmp_path / "c" / "loop").symlink_to("..")
    (tmp_path / "d" / SIDECAR_NAME).mkdir(parents=True)

    assert sorted(str(path.relative_to(tmp_path).parent) for path in sidecar.find(tmp_path)) == ["a", "a/b", "c"]


def test_a_root_that_is_not_there_has_no_sidecars(tmp_path):
    """A first start finds nothing."""
    assert list(sidecar.find(tmp_path / "never")) == []


def test_outputs_are_compared_by_their_sizes_alone(published, provenance):
    """What has the same size counts as the same; nothing is read."""
    outputs = provenance().outputs
    path = published / outputs[0].name
    path.write_bytes(bytes(path.stat().st_size))
    same_size = sidecar.changed_sizes(OutputPlace(published), outputs)
    path.write_bytes(b"")

    assert (same_size, sidecar.changed_sizes(OutputPlace(published), outputs)) == ((), outputs[:1])


@pytest.mark.parametrize(("number", "told"), [(13, True), (5, False)], ids=["EACCES", "EIO"])
def test_a_folder_that_cannot_be_looked_into_is_told(published, monkeypatch, number, told):
    """One that may not be read is passed over; a disk in trouble ends the search."""
    passed_over = []

    def refuses(_):
        raise OSError(number, "trouble")

    monkeypatch.setattr("os.scandir", refuses)

    if told:
        assert list(sidecar.find(published, passed_over=passed_over.append)) == []
        assert passed_over == [published]
    else:
        with pytest.raises(SourceBusyError, match="trouble"):
            list(sidecar.find(published))


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "..", "", "a\0b"])
def test_a_sidecar_that_names_no_file_of_its_place_is_damaged(published, name):
    """Whatever is done with the names later, none of them is a path."""
    path = published / SIDECAR_NAME
    said = json.loads(path.read_text())
    said["outputs"][0]["name"] = name
    path.write_text(json.dumps(said))

    with pytest.raises(SidecarDamagedError):
        sidecar.read(OutputPlace(published))
