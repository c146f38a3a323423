"""Audio files: how long they play, whether they are what they are called, and their tags. Decodes nothing.

Two things are asked: may this source be sent at all (`probe`), and is this download really the output that was asked
for (`check_output` and its siblings). A file is known by its first bytes and never by its name. The surprise: a
duration that is not known is an honest answer (streams, containers without a length) and is never guessed, because it
becomes a price.
"""

from mvsep_watch.audio.checks import OutputFacts, check_midi_output, check_output, check_text_output, probe
from mvsep_watch.audio.tags import can_carry_tags, read_tags, write_tags

__all__ = [
    "OutputFacts",
    "can_carry_tags",
    "check_midi_output",
    "check_output",
    "check_text_output",
    "probe",
    "read_tags",
    "write_tags",
]
