"""A camera that speaks RTSP, over TLS if told so: its first frames at once, the others as they are taken."""

import re
import socket
import ssl
import struct
import subprocess
import threading
import time
from contextlib import contextmanager, suppress

import av

from tests.support.brightness import RED, Walker, scene

FPS = 25
_CLOCK = 90_000
WALKERS = (Walker(5, 60, RED),)
_DESCRIPTION = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 MP4V-ES/90000\r\na=control:track1\r\n"
)


def _encoded(frames):
    encoder = av.CodecContext.create("mpeg4", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 320, 240, "yuv420p"
    encoder.framerate, encoder.gop_size, encoder.bit_rate = FPS, 10, 1_000_000
    for number in range(frames):
        picture = av.VideoFrame.from_ndarray(scene(WALKERS, number), format="rgb24")
        yield from map(bytes, encoder.encode(picture.reformat(320, 240, "yuv420p")))


def _serve(connection, pictures, at_once):
    """Answer what is asked, then send: each picture in a packet of RTP between the answers."""
    asked = connection.makefile("rb")
    while True:
        lines = list(iter(lambda: asked.readline().decode().strip(), ""))
        if not lines:
            return
        method, number = lines[0].split()[0], re.search(r"CSeq: (\d+)", "\n".join(lines))[1]
        head, body = f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\n", ""
        if method == "OPTIONS":
            head += "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
        elif method == "DESCRIBE":
            body = _DESCRIPTION
            head += f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        elif method == "SETUP":
            head += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
        connection.sendall((head + "\r\n" + body).encode())
        if method == "PLAY":
            break
    for number, picture in enumerate(pictures):
        if number >= at_once:
            time.sleep(1 / FPS)
        header = struct.pack(">BBHII", 0x80, 0x80 | 96, number, number * _CLOCK // FPS, 1)
        packet = header + picture
        connection.sendall(struct.pack(">cBH", b"$", 0, len(packet)) + packet)


@contextmanager
def rtsp_camera(folder, at_once, frames, encrypted=False):
    """The address of a camera that has so many frames ready, and sends so many in all."""
    pictures = list(_encoded(frames))
    listening = socket.create_server(("127.0.0.1", 0))
    context = None
    if encrypted:
        subprocess.run(
            f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 "
            f"-keyout {folder}/camera.key -out {folder}/camera.pem",
            shell=True,
            check=True,
            capture_output=True,
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "camera.pem", folder / "camera.key")

    def serve():
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with suppress(OSError), connection:
                if context is not None:
                    connection = context.wrap_socket(connection, server_side=True)
                _serve(connection, pictures, at_once)

    threading.Thread(target=serve, daemon=True).start()
    try:
        scheme = "rtsps" if encrypted else "rtsp"
        yield f"{scheme}://127.0.0.1:{listening.getsockname()[1]}/stream"
    finally:
        listening.close()
