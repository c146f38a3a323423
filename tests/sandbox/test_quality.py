import io
import zipfile

import numpy as np
import pytest

from mvsep_watch.sandbox import reference
from mvsep_watch.sandbox.audio import Encoder
from mvsep_watch.sandbox.board import MEASURE_S

from .conftest import TOKEN


@pytest.fixture(scope="module")
def stems(tmp_path_factory):
    """A submission: the first song's voice as it is, and the band at half its loudness."""
    folder = tmp_path_factory.mktemp("stems")
    truth = reference.song(0)
    return {
        "song_000_vocals.wav": written(folder / "vocals.wav", truth["vocals"]),
        "song_000_instrum.wav": written(folder / "instrum.wav", truth["instrum"] / 2),
    }


def written(path, samples):
    with Encoder(path, 4) as encoder:
        encoder.write(samples)
    return path.read_bytes()


def zipped(files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def add(local, content, **changed):
    form = {
        "api_token": TOKEN,
        "algo_name": "Mine",
        "main_text": "text",
        "dataset_type": "0",
        "password": "p",
        **changed,
    }
    files = {"zipfile": ("stems.zip", content, "application/zip")} if content is not None else None
    return local.client.post("/api/quality_checker/add", data=form, files=files)


def ask(local, call, **params):
    return local.client.get(f"/api/quality_checker/{call}", params=params).json()


def test_a_submission_is_queued_and_then_measured(local, stems):
    """The voice is perfect, the band is 6 dB away from the truth; the zip is not kept."""
    added = add(local, zipped(stems), ensemble="1").json()
    id_ = added["data"]["id"]
    (waiting,) = ask(local, "queue")
    local.clock.now += MEASURE_S

    entry = ask(local, "entry", id=id_)["data"]

    assert added == {
        "success": True,
        "data": {"id": id_, "link": f"http://127.0.0.1:9/api/quality_checker/entry?id={id_}"},
    }
    assert (waiting["proc"], waiting["metrics"], "sdr_vocals" in waiting) == (0, "", False)
    assert (entry["msg"], entry["is_ensemble"], entry["dataset_name"], entry["algo_name"]) == ("OK", 1, "Synth", "Mine")
    assert entry["sdr_vocals"] > 80
    assert entry["sdr_instrum"] == pytest.approx(6.02, abs=0.01)
    assert entry["metrics"].splitlines()[0] == f"Metric sdr for instrum: {entry['sdr_instrum']}"
    assert list(local.folder.iterdir()) == []


def test_what_has_no_reference_gets_its_level_and_no_ratio(local, stems):
    """Nothing is made up, and the same zip says the same again."""
    content = zipped({"song_000_vocals.wav": stems["song_000_vocals.wav"], "readme.txt": b"hello"})
    ids = [add(local, content, dataset_type="1").json()["data"]["id"] for _ in range(2)]
    local.clock.now += MEASURE_S

    first, second = (ask(local, "entry", id=id_)["data"] for id_ in ids)

    level = 20 * np.log10(np.sqrt(np.mean(reference.song(0)["vocals"] ** 2)))
    assert first["metrics"] == second["metrics"] == f"No reference for song_000_vocals, its level is {level:.2f} dB"
    assert [key for key in first if key.startswith("sdr")] == []


def test_a_zip_without_audio_is_told_in_the_entry(local):
    """It was a zip, so it was taken."""
    id_ = add(local, zipped({"a.txt": b"x"})).json()["data"]["id"]
    local.clock.now += MEASURE_S

    assert ask(local, "entry", id=id_)["data"]["msg"] == "No audio in the zip file"


@pytest.mark.parametrize(
    ("changed", "status", "text"),
    [
        ({"api_token": "wrong"}, 401, "invalid token"),
        ({"algo_name": ""}, 400, "The algo_name field is required."),
        ({"dataset_type": "13"}, 400, "Invalid parameter: dataset_type"),
        ({"content": None}, 400, "The zipfile field is required."),
        ({"content": b"no zip"}, 400, "The zipfile must be a zip file"),
        ({"content": zipped({})}, 400, "The zip file holds no files"),
    ],
)
def test_a_bad_submission_is_refused(local, changed, status, text):
    """In data.message, and nothing of it is kept."""
    changed = {"content": zipped({"a.txt": b"x"}), **changed}

    response = add(local, changed.pop("content"), **changed)

    assert (response.status_code, response.json()) == (status, {"success": False, "data": {"message": text}})
    assert list(local.folder.iterdir()) == []
    assert ask(local, "queue") == []


def test_the_leaderboard_ranks_what_was_measured(local, stems):
    """Best first, by the asked-for stem, filtered by name, one dataset at a time."""
    quiet = {**stems, "song_000_vocals.wav": stems["song_000_instrum.wav"]}
    add(local, zipped(quiet), algo_name="Worse")
    add(local, zipped(stems), algo_name="Better")
    add(local, zipped(stems), algo_name="Elsewhere", dataset_type="1")
    waiting = ask(local, "leaderboard")["data"]
    local.clock.now += MEASURE_S

    page = ask(local, "leaderboard", dataset_type=0)
    filtered = ask(local, "leaderboard", algo_name_filter="worse", sort="sdr_instrum")

    assert waiting == []
    assert [entry["algo_name"] for entry in page["data"]] == ["Better", "Worse"]
    assert page["sortables"] == ["sdr_instrum", "sdr_vocals"]
    assert (page["dataset_type"], page["sort"]) == (0, "sdr_vocals")
    assert ([entry["algo_name"] for entry in filtered["data"]], filtered["sort"]) == (["Worse"], "sdr_instrum")


def test_an_entry_is_removed_with_its_password(local):
    """And not without it; a missing one is told as recorded."""
    id_ = add(local, zipped({"a.txt": b"x"})).json()["data"]["id"]

    def delete(**form):
        return local.client.post("/api/quality_checker/delete", data={"id": str(id_), **form}).json()

    answers = [delete(), delete(password="wrong"), delete(password="p"), delete(password="p")]
    missing = local.client.get("/api/quality_checker/entry", params={"id": id_})

    assert [answer["data"]["message"] for answer in answers] == [
        "Wrong password",
        "Wrong password",
        "successfully deleted",
        "Job not found",
    ]
    assert (missing.status_code, missing.json()) == (400, {"success": False, "data": {"message": "Job not found"}})


def test_the_reference_songs_can_be_had(local):
    """As files to be separated; there are no others."""
    song = local.client.get("/storage/quality/song_000_mixture.wav")
    others = [local.client.get(f"/storage/quality/song_{number}_mixture.wav") for number in ("003", "999", "..")]

    assert song.content.startswith(b"RIFF")
    assert [response.status_code for response in others] == [404, 404, 404]


def test_the_measure_is_the_ratio_of_signal_to_distortion():
    """A tenth of an error in amplitude is 20 dB; what is missing counts as silence."""
    truth = reference.song(1)["vocals"]
    half = truth[:, : truth.shape[1] // 2]

    assert reference.sdr(truth, truth) == reference.HIGHEST_DB
    assert reference.sdr(truth, truth * 1.1) == pytest.approx(20, abs=0.01)
    assert reference.sdr(truth, half) == pytest.approx(3, abs=1)
