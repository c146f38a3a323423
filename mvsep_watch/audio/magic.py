"""Which container a file is, by its first bytes. Decides from bytes alone; the caller reads them.

Names lie in drop folders (a web page saved as `.mp3`, a flac called `.wav`), first bytes rarely do. The one exception
is raw MPEG audio, which has no magic worth the name: there only the sync word of a frame is seen, and the parser has
to find more of them.
"""

from __future__ import annotations

HEAD_BYTES = 512

_W64 = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_ASF = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"

_BY_START = (
    (b"fLaC", "flac"),
    (_W64, "w64"),
    (_ASF, "asf"),
    (b"\x1a\x45\xdf\xa3", "matroska"),
    (b"caff", "caf"),
    (b"MAC ", "ape"),
    (b"wvpk", "wavpack"),
    (b"TTA1", "tta"),
    (b"MPCK", "musepack"),
    (b"MP+", "musepack"),
    (b"tBaK", "tak"),
    (b"OFR ", "optimfrog"),
    (b"DSD ", "dsf"),
    (b"FRM8", "dsdiff"),
    (b"\x0b\x77", "ac3"),
    (b"#!AMR", "amr"),
    (b".snd", "au"),
    (b"FLV\x01", "flv"),
    (b".RMF", "realmedia"),
    (b"ADIF", "adif"),
    (b"\x7f\xfe\x80\x01", "dts"),
    (b"\x00\x00\x01\xba", "mpeg-ps"),
)
_BY_START_AND_FORM = {
    (b"RIFF", b"WAVE"): "wav",
    (b"RIFX", b"WAVE"): "wav",
    (b"RF64", b"WAVE"): "wav",
    (b"BW64", b"WAVE"): "wav",
    (b"RIFF", b"AVI "): "avi",
    (b"FORM", b"AIFF"): "aiff",
    (b"FORM", b"AIFC"): "aiff",
}
_OGG_CODECS = (
    (b"\x01vorbis", "ogg-vorbis"),
    (b"OpusHead", "ogg-opus"),
    (b"\x7fFLAC", "ogg-flac"),
    (b"Speex   ", "ogg-speex"),
)
_MP4_ATOMS = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})

_FOREIGN = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"MThd", "a MIDI file"),
    (b"SQLite format 3", "a database"),
    (b"<", "a web page or XML"),
    (b"{", "JSON"),
    (b"[", "JSON or a list"),
    (b"#EXTM3U", "a playlist"),
)


def container_of(head: bytes) -> str | None:
    """Name the container of an audio file, after any ID3v2 tag, or None where the bytes tell nothing."""
    for start, name in _BY_START:
        if head.startswith(start):
            return name
    if head.startswith(b"OggS"):
        return next((name for codec, name in _OGG_CODECS if codec in head), "ogg")
    if head[4:8] in _MP4_ATOMS:
        return "mp4"
    return _BY_START_AND_FORM.get((head[:4], head[8:12])) or _raw_stream(head)


def foreign_kind(head: bytes) -> str | None:
    """Say what a file is that is plainly not audio, or None."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    return next((kind for start, kind in _FOREIGN if text.startswith(start)), None)


def id3_size_bytes(head: bytes) -> int:
    """Give the size of the ID3v2 tag that the bytes begin with; 0 where they begin with none."""
    if len(head) < 10 or not head.startswith(b"ID3") or any(byte & 0x80 for byte in head[6:10]):
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    has_footer = bool(head[5] & 0x10)
    return size + (20 if has_footer else 10)


def _raw_stream(head: bytes) -> str | None:
    """Tell frames of AAC and MPEG audio, and MPEG transport packets, by their sync words."""
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return "mpeg-ts"
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:
        return "aac"
    is_reserved = head[1] & 0x18 == 0x08 or head[2] & 0xF0 == 0xF0 or head[2] & 0x0C == 0x0C
    return "mp3" if head[1] & 0xE0 == 0xE0 and head[1] & 0x06 and not is_reserved else None
