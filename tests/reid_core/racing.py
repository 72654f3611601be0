"""What several processes do at once to one gallery: ``python racing.py URL NAME``; told to go by a line."""

import json
import sys
import time

from reid_core.gallery.database import Database
from reid_core.gallery.lease import Lease, LeaseLostError
from reid_core.gallery.ledger import TRACKLET, Advance, Batch, FencedError, Ledger, Staged
from reid_core.gallery.outbox import put_event

TOPIC = "frames.visible"
TURNS = 8


def partition(database: Database, name: str, turns: int) -> dict[str, object]:
    """Take a partition from the others, again and again, and write as far as they let one."""
    ledger = Ledger(database, "night")
    written, fenced, epochs = [], 0, []
    for turn in range(turns):
        hold = ledger.claim(TOPIC, 0, name, (0, 1 << 40), 10)
        epochs.append(hold.epoch)
        place = hold.next
        for step in range(8):
            subject = f"{name} {turn} {step}"
            advance = Advance(TOPIC, 0, hold.epoch, place, place + 1, place + 1, True, False)
            staged = Staged(TRACKLET, subject, "gate", "visible", place)
            try:
                ledger.save(Batch([advance], [staged]))
            except FencedError:
                fenced += 1
                break
            written.append([place, subject])
            place += 1
            time.sleep(0.005)  # who waits for the lock must get it
    return {"written": written, "fenced": fenced, "epochs": epochs}


def lease(database: Database, name: str, turns: int) -> dict[str, object]:
    """Do what only one may do, and take it over from whoever is a little slow."""
    mine, written, lost = Lease(database, "clerk", name, 0.02), 0, 0
    for turn in range(turns):
        if not mine.hold():
            time.sleep(0.01)
            continue
        for step in range(5):
            try:
                with database.write() as session:
                    mine.guard(session)
                    put_event(session, "race", f"{mine.epoch}", {"name": name, "turn": turn, "step": step}, 0)
                    session.flush()
                written += 1
            except LeaseLostError:
                lost += 1
                break
            time.sleep(0.04 * (step == turn % 5))
    return {"written": written, "lost": lost}


if __name__ == "__main__":
    url, who = sys.argv[1:]
    opened = Database(url)
    for what in (partition, lease):
        print("ready", flush=True)
        sys.stdin.readline()
        print(json.dumps(what(opened, who, TURNS)), flush=True)
    opened.close()
