#!/usr/bin/python3
"""SIGTERM and SIGHUP under load. Each SIGTERM ends the broker with 0 within five seconds, its log
with a stop, and keeps all that it acknowledged; what it did not take it says, or leaves unanswered.
SIGHUP takes the new certificate into use, or keeps the old one where the files are wrong, and those
who ask go on. Prints its seed and its counts. 10 stops; 50 with REFERRAL_LONG=1."""

import os
import random
import signal
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import kills  # noqa: E402
import support  # noqa: E402
from support import need, run_client  # noqa: E402
from referral_client import Refused  # noqa: E402

ROUNDS = 50 if support.LONG else 10
STOP_SECONDS = 5.0
BUSY_STOPPING = 24
SENDERS = kills.SENDERS[:6]


def again(call):
    """What may meet a listener that is being made anew."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return call()
        except (OSError, ConnectionError):
            need(time.monotonic() < deadline, "cannot connect any more")
            time.sleep(0.01)


class Sender(kills.Sender):
    """One that is told to come again, and that dials again."""

    kind = "tcp"
    checked = 0  # of the acknowledged, after the last restart

    def connect(self):
        self.agency = self.city.speaker(self.name, self.kind)
        self.agency.hello()

    def load(self, progress, stop=None):
        while stop is None or not stop.is_set():
            payload = self.payload()
            self.open.append(payload)
            try:
                self.take(payload)
            except (OSError, ConnectionError):
                if stop is None:
                    return
                again(self.connect)
                self.take(payload)
            except Refused as refused:
                need(refused.code == BUSY_STOPPING, "refused: %s" % refused)
                return
            if payload in self.open:
                return  # the broker is stopping
            progress.release()

    def take(self, payload):
        (record, receipt), = self.agency.submit([payload])
        if record is None:
            need(receipt.code == BUSY_STOPPING, "refused with %d" % receipt.code)
            return
        need(record.refusal == 0, "refused with %d" % record.refusal)
        kept = receipt.SerializeToString(deterministic=True)
        need(self.acknowledged.setdefault(payload, kept) == kept, "another receipt")
        self.open.remove(payload)


class Test:
    def __init__(self, seed):
        self.random = random.Random(seed)
        run_client.AGENCIES = ("procuratorate",) + SENDERS
        self.city = support.City()
        prefix = support.prefixes()
        self.senders = [Sender(self.city, name, prefix[name]) for name in SENDERS]
        self.slowest = 0.0
        self.errors = []

    def run(self, sender, *arguments):
        try:
            sender.load(*arguments)
        except Exception as error:  # of any kind: the main thread raises it
            self.errors.append("%s: %s: %s" % (sender.name, type(error).__name__, error))

    def begin(self, *arguments):
        threads = [threading.Thread(target=self.run, args=(sender, *arguments))
                   for sender in self.senders]
        for thread in threads:
            thread.start()
        return threads

    def end(self, threads):
        for thread in threads:
            thread.join(60)
            need(not thread.is_alive(), "a sender hangs")
        need(not self.errors, "; ".join(self.errors))

    def stop_under_load(self):
        progress = threading.Semaphore(0)
        threads = self.begin(progress)
        for _ in range(self.random.randint(len(SENDERS) + 2, 40)):
            need(progress.acquire(timeout=20), "nothing is acknowledged: %s" % self.errors)
        begun = time.monotonic()
        status = self.city.stop()
        self.slowest = max(self.slowest, time.monotonic() - begun)
        need(status == 0, "the broker ended with %d" % status)
        self.end(threads)
        for sender in self.senders:
            sender.agency.link.close()

    def restart(self):
        self.city.start()
        for sender in self.senders:
            sender.recheck(list(sender.acknowledged)[sender.checked:])
            sender.checked = len(sender.acknowledged)

    # --- SIGHUP ---

    def certificate(self):
        """The one that the TLS listener shows, soon after a reload."""
        link = again(lambda: self.city.link("tls"))
        try:
            return link.socket.getpeercert(True)
        finally:
            link.close()

    def hang_up(self):
        self.city.process.send_signal(signal.SIGHUP)

    def reload_under_load(self):
        old = self.certificate()
        for sender in self.senders[:3]:
            sender.agency.link.close()
            sender.kind = "tls"
            sender.connect()
        progress, stop = threading.Semaphore(0), threading.Event()
        threads = self.begin(progress, stop)
        self.wait(progress, 12)
        self.city.write("server.pem", "-----BEGIN NONSENSE-----\n")
        self.hang_up()
        self.wait(progress, 12)
        need(self.certificate() == old, "a wrong certificate took the old one's place")
        for ending in (".pem", ".key"):  # another certificate of the same authority
            with open(self.city.path("education" + ending), encoding="ascii") as file:
                self.city.write("server" + ending, file.read())
        self.hang_up()
        deadline = time.monotonic() + 10
        while self.certificate() == old:
            need(time.monotonic() < deadline, "the new certificate is not in use")
        self.wait(progress, 24)
        stop.set()
        self.end(threads)
        for sender in self.senders:
            sender.kind = "tcp"

    def wait(self, progress, count):
        for _ in range(count):
            need(progress.acquire(timeout=20), "nothing is acknowledged: %s" % self.errors)

    def judge(self, log):
        """Between two starts there is a stop, right before the second one."""
        kinds = [record.kind for record in log]
        starts = [at for at, kind in enumerate(kinds) if kind == support.LEAF_START]
        need(len(starts) == ROUNDS + 1, "%d starts" % len(starts))
        need(kinds.count(support.LEAF_STOP) == ROUNDS + 1, "not each run has its stop")
        for at in [*starts[1:], len(kinds)]:
            need(kinds[at - 1] == support.LEAF_STOP, "a run does not end with its stop")
        messages = sum(len(sender.acknowledged) for sender in self.senders)
        need(kinds.count(support.LEAF_MESSAGE) == messages,
             "%d messages acknowledged, %d in the log" % (messages,
                                                          kinds.count(support.LEAF_MESSAGE)))
        return messages

    def play(self):
        for sender in self.senders:
            sender.connect()
        self.reload_under_load()
        for _ in range(ROUNDS):
            self.stop_under_load()
            self.restart()
        for sender in self.senders:
            sender.agency.link.close()
        need(self.city.stop() == 0, "the last stop")
        _, log = self.city.verify()
        messages = self.judge(log)
        print("%d stops under load, the slowest took %.2f s; %d messages acknowledged, all there"
              % (ROUNDS, self.slowest, messages))
        need(self.slowest < STOP_SECONDS, "too slow")
        need(messages >= ROUNDS * len(SENDERS), "too few messages")


def main():
    seed = int(os.environ.get("REFERRAL_SEED", time.time_ns() % 1000000))
    print("seed %d" % seed, flush=True)
    test = Test(seed)
    try:
        test.play()
    finally:
        test.city.kill()
        test.city.folder.cleanup()


if __name__ == "__main__":
    main()
