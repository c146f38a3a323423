"""Audio files: how long they play, and whether they are what they are called. Reads headers; decodes nothing.

Two things are asked: may this source be sent at all (`probe`), and is this download really the output that was asked
for (`check_output` and its siblings). A file is known by its first bytes and never by its name. The surprise: a
duration that is not known is an honest answer (streams, containers without a length) and is never guessed, because it
becomes a price.
"""

from mvsep_watch.audio.checks import OutputFacts, check_midi_output, check_output, check_text_output, probe

__all__ = ["OutputFacts", "check_midi_output", "check_output", "check_text_output", "probe"]
