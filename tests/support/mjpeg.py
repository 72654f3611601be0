"""A camera: an MJPEG server that sends frames of the small bright world, stalls and goes away as told."""

import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2

from tests.support.brightness import RED, Walker, scene

FPS = 25


class _Camera(BaseHTTPRequestHandler):
    def do_GET(self):
        camera = self.server
        # Whoever asks for its first bytes wants to know what it is, and takes no frame from the others.
        looks = not self.headers.get("Range", "-").endswith("-")
        if not looks:
            camera.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        with suppress(OSError):
            while camera.on.is_set() and camera.sent < camera.frames:
                picture = scene(camera.walkers, camera.sent)
                _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg.tobytes() + b"\r\n")
                if looks:
                    return
                camera.sent += 1
                if camera.sent == camera.pause_at:
                    camera.on.clear()
                    threading.Timer(camera.pause, camera.on.set).start()
                time.sleep(1 / FPS)

    def log_message(self, *_):
        pass


_PASSER = (Walker(5, 60, RED),)


@contextmanager
def camera(frames, walkers=_PASSER, pause_at=0, pause=0.0, login="joe:s3cret"):
    """A camera that sends so many frames and then answers, but with nothing."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Camera)
    server.frames, server.walkers, server.sent, server.asked = frames, walkers, 0, []
    server.pause_at, server.pause, server.on = pause_at, pause, threading.Event()
    server.on.set()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    server.url = f"http://{login}@127.0.0.1:{server.server_port}/video?channel=1&password=hush"
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
