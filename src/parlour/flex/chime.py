"""The sound of an incoming message: two soft notes, computed here so that nobody's recording is needed."""

import io
import math
import struct
import wave
from functools import lru_cache
from typing import Final

RATE: Final = 22_050  # samples per second
NOTES: Final = ((784.0, 0.16), (1046.5, 0.34))  # hertz and seconds: g'' and c'''
LOUDNESS: Final = 0.35  # of full scale
ATTACK: Final = 0.008  # seconds


@lru_cache(maxsize=1)
def chime() -> bytes:
    """Return the sound as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        for hertz, seconds in NOTES:
            sound.writeframes(_note(hertz, seconds))
    return file.getvalue()


def _note(hertz: float, seconds: float) -> bytes:
    samples = []
    for n in range(int(RATE * seconds)):
        at = n / RATE
        swell = min(at / ATTACK, 1.0) * math.exp(-6 * at / seconds)
        samples.append(int(32_767 * LOUDNESS * swell * math.sin(2 * math.pi * hertz * at)))
    return struct.pack(f"<{len(samples)}h", *samples)
