"""Videos made packet by packet: any clock, any pixels, holes, other streams."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import av
import numpy as np


def write_frames(
    path: Path,
    pictures: Iterable[np.ndarray],
    times: Iterable[int],
    codec: str = "mpeg4",
    pixels: str = "yuv420p",
    given: str = "rgb24",
    rate: int = 1000,
) -> Path:
    """A video whose frames are shown at given times, in parts of a second by the rate."""
    with av.open(str(path), "w") as container:
        stream: Any = None
        for picture, time in zip(pictures, times, strict=True):
            if stream is None:
                stream = container.add_stream(codec, rate=rate)
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt, stream.codec_context.gop_size = pixels, 10
                # Frames that differ in time only are to look alike.
                stream.bit_rate = 4_000_000
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=given)
            frame.pts = time
            container.mux(stream.encode(frame.reformat(format=pixels)))
        container.mux(stream.encode(None))
    return path


def remade(source: Path, target: Path, change: Callable[[int, bytes], bytes], **options: str) -> Path:
    """The same packets in another container, their bytes changed by number."""
    with av.open(str(source)) as old, av.open(str(target), "w", options=options) as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        packets = (packet for packet in old.demux(old.streams.video[0]) if packet.size)
        for number, packet in enumerate(packets):
            made = av.Packet(change(number, bytes(packet)))
            made.pts, made.dts, made.duration = packet.pts, packet.dts, packet.duration
            assert packet.time_base is not None
            made.time_base, made.is_keyframe, made.stream = packet.time_base, packet.is_keyframe, stream
            new.mux(made)
    return target


def add_sound(source: Path, target: Path, seconds: float) -> Path:
    """The same video with silence of another length beside it."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        sound: Any = new.add_stream("pcm_s16le", rate=8000)
        sound.layout = "mono"
        for packet in old.demux(old.streams.video[0]):
            if packet.size:
                packet.stream = stream
                new.mux(packet)
        for number in range(round(seconds * 10)):
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
            silence.sample_rate, silence.pts = 8000, number * 800
            new.mux(sound.encode(silence))
        new.mux(sound.encode(None))
    return target


def beside(sources: Iterable[Path], target: Path) -> Path:
    """Several videos as streams of one container."""
    olds = [av.open(str(source)) for source in sources]
    with av.open(str(target), "w") as new:
        streams = [new.add_stream_from_template(old.streams.video[0]) for old in olds]
        for old, stream in zip(olds, streams, strict=True):
            for packet in old.demux(old.streams.video[0]):
                if packet.size:
                    packet.stream = stream
                    new.mux(packet)
    for old in olds:
        old.close()
    return target
