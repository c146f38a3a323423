"""The installed command over https alone: calls, an upload and results, as with the service itself."""

from tests.real.emulator import Emulator, Quirks
from tests.real.helpers import Place, write_song

CONFIGURATION = """
mvsep: {{token: {token}, base_url: {base_url}, poll: {{min: 0.2s, max: 1s}}}}
folders: [{{path: drop, settle: 0.5s, sep_type: 40, format: wav}}]
"""


def test_a_song_comes_back_over_https(authority, believing, tmp_path):
    """With a certificate that the environment vouches for, and a proxy that this machine has no use for."""
    believing.setenv("https_proxy", "http://127.0.0.1:9")
    write_song(tmp_path / "drop" / "song.wav", seconds=20, pitch=1)
    quirks = Quirks(rate_limit=6000, waiting_s=0.1, processing_s=0.1)
    with Emulator(quirks, encryption=authority.context()) as emulator:
        place = Place(tmp_path, CONFIGURATION.format(token=emulator.account.token, base_url=emulator.base_url))
        place.once()
        [job] = place.jobs()

    assert (job["state"], job["attempt"], len(job["outputs"])) == ("published", 1, 2)
    assert (emulator.base_url[:8], emulator.paid_twice, emulator.books.violations) == ("https://", {}, [])
