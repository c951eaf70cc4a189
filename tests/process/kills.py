#!/usr/bin/python3
"""kill -9 under load: nothing that the broker acknowledged is ever lost, and nothing counts twice.

Eight agencies submit inbound leads side by side to the real broker. Round after round it is killed,
in half of the rounds by itself between commit and reply (a fault point), in the others from outside
at a moment that the seed chooses. After each restart every acknowledged message must get the same
receipt byte for byte, and every unacknowledged one a receipt. In the end the offline verifier
judges the store, and the log must hold each message once. Prints its seed and its counts.
40 rounds; 500 with REFERRAL_LONG=1."""

import json
import os
import random
import re
import secrets
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "client"))

import run_client  # noqa: E402
from referral_client import Refused, m, uuid7  # noqa: E402
from run_client import client  # noqa: E402

SENDERS = ("education", "civil-affairs", "justice", "human-resources", "health",
           "veterans-affairs", "youth-league", "womens-federation")
ROUNDS = 500 if os.environ.get("REFERRAL_LONG") == "1" else 40
run_client.AGENCIES = ("procuratorate",) + SENDERS


def prefixes():
    with open(os.path.join(client.ROOT, "config", "agencies.yaml"), encoding="utf-8") as file:
        text = file.read()
    return dict(re.findall(r"id: ([a-z-]+)\n(?:.*\n)*?\s+prefix: ([A-Z]+)", text))


class Sender:
    """One agency: what it sent, and which receipts it holds."""

    def __init__(self, city, name, prefix):
        self.city, self.name, self.prefix = city, name, prefix
        self.number = 0
        self.acknowledged = {}  # payload -> receipt bytes
        self.open = []          # sent, and no receipt came
        self.agency = None

    def connect(self):
        self.agency = self.city.agency(self.name)
        self.agency.link.socket.settimeout(30)
        self.agency.hello()

    def payload(self):
        self.number += 1
        case = "%s-%d-%04d" % (self.prefix, run_client.year_of(self.agency), self.number)
        header = m.Header(kind=2, recipient="procuratorate", case_id=secrets.token_bytes(16),
                          case_number=case, referral_id=uuid7(self.agency.now_ms()),
                          referral_number=case + "-01")
        facts = m.ReferralFacts(ground=401, person_count=1, relation=1)
        body = m.Body(officer="officer 7", circumstances="c", reasons="r")
        body.persons.add(name="n")
        return self.agency.make_payload(header, m.Facts(body_fields=1 | 2 | 4 | 256,
                                                        referral=facts), body)

    def submit(self, payloads):
        for payload, (record, receipt) in zip(payloads, self.agency.submit(payloads)):
            if record is None or record.refusal != 0:
                raise AssertionError("refused: %s" % receipt)
            kept = receipt.SerializeToString(deterministic=True)
            if self.acknowledged.setdefault(payload, kept) != kept:
                raise AssertionError("another receipt for the same message")

    def load(self, progress):
        """Submits until the broker dies under it."""
        try:
            while True:
                payload = self.payload()
                self.open.append(payload)
                self.submit([payload])
                self.open.remove(payload)
                progress.release()
        except (OSError, ConnectionError):
            pass
        finally:
            self.agency.link.close()

    def recheck(self, chosen):
        """After a restart: the same receipts, and receipts for what was cut off."""
        self.connect()
        for payload in [*chosen, *self.open]:
            self.submit([payload])
        self.open = []


class Rounds:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.city = run_client.City()
        prefix = prefixes()
        self.senders = [Sender(self.city, name, prefix[name]) for name in SENDERS]
        self.by_itself = 0

    def play(self, index):
        progress = threading.Semaphore(0)
        between = index % 2 == 0
        self.city.kill()
        if between:
            os.environ["REFERRAL_FAULT"] = "broker.after-commit:%d" % self.random.randint(30, 70)
        self.city.start()
        os.environ.pop("REFERRAL_FAULT", None)
        for sender in self.senders:
            known = list(sender.acknowledged)
            sender.recheck(self.random.sample(known, min(len(known), 1)))
        threads = [threading.Thread(target=sender.load, args=(progress,))
                   for sender in self.senders]
        for thread in threads:
            thread.start()
        self.end(between, progress)
        for thread in threads:
            thread.join()

    def end(self, between, progress):
        """The broker dies by its fault point, or by our hand after some acknowledgements."""
        if between:
            self.by_itself += self.city.process.wait(timeout=60) == -9
            return
        for _ in range(self.random.randint(8, 60)):
            progress.acquire()
        self.city.kill()

    def last(self):
        self.city.kill()
        self.city.start()
        for sender in self.senders:
            sender.recheck(list(sender.acknowledged))
            sender.agency.link.close()

    def verify(self):
        """The verifier's verdict on the stopped broker's store."""
        store = self.city.path("store")
        self.city.process.terminate()
        if self.city.process.wait(timeout=20) != 0:
            raise AssertionError("the broker did not stop well")
        program = os.path.join(os.environ["REFERRAL_BIN"], "referral-verify")
        export = self.city.path("log.audit")
        written = subprocess.run([program, "--store", store, "--write-export", export],
                                 capture_output=True, text=True, check=False)
        if written.returncode != 0:
            raise AssertionError("export: %d %s" % (written.returncode, written.stderr))
        for source in (["--store", store], ["--export", export]):
            result = subprocess.run([program, *source, "--key",
                                     self.city.path("public-keys.yaml"), "--json"],
                                    capture_output=True, text=True, check=False)
            if result.returncode != 0:
                raise AssertionError("verifier: %d %s" % (result.returncode, result.stdout))
        return json.loads(result.stdout)


def main():
    seed = int(os.environ.get("REFERRAL_SEED", time.time_ns() % 1000000))
    print("seed %d" % seed, flush=True)
    rounds = Rounds(seed)
    for index in range(ROUNDS):
        rounds.play(index)
    rounds.last()
    messages = sum(len(sender.acknowledged) for sender in rounds.senders)
    report = rounds.verify()
    rounds.city.folder.cleanup()
    print("%d kills, %d of them between commit and reply, %d messages acknowledged, log: %s"
          % (ROUNDS, rounds.by_itself, messages, json.dumps(report)))
    if rounds.by_itself != ROUNDS // 2 or messages < ROUNDS * 12:
        raise SystemExit("too few: the test did not do what it is for")
    if report.get("messages_shown") != messages:
        raise SystemExit("the log holds %s messages" % report.get("messages_shown"))


if __name__ == "__main__":
    try:
        main()
    except Refused as refused:
        raise SystemExit("refused: %s" % refused) from refused
