#!/usr/bin/python3
"""kill -9 under load: nothing that the broker acknowledged is ever lost, and nothing counts twice.

Eight agencies send inbound leads in bursts of sixteen requests to the real broker. Round after
round it is killed in the middle of a burst: in half of the rounds by itself between commit and
reply (a fault point), in the others from outside at a moment that the seed chooses. A kill counts
when at least eight requests were on their way then and some were acknowledged since the kill
before; rounds are played until so many count. After each restart acknowledged messages must get
the same receipt byte for byte, and what was cut off a receipt. In the end the offline verifier
judges the store, and the log must hold each message once. Prints its seed and its counts. 40 kills
(4 of the suite sm, whose client is slow); 500 with REFERRAL_LONG=1."""

import json
import os
import random
import re
import secrets
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "client"))

import run_client  # noqa: E402
from referral_client import Refused, m, r, uuid7  # noqa: E402
from run_client import client  # noqa: E402

SENDERS = ("education", "civil-affairs", "justice", "human-resources", "health",
           "veterans-affairs", "youth-league", "womens-federation")
SHORT = 40 if client.SUITE.name == "intl" else 4
ROUNDS = 500 if os.environ.get("REFERRAL_LONG") == "1" else SHORT
EACH = 2             # requests of one agency in a burst
ON_THE_WAY_MIN = 8   # at a kill that counts
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
        for payload, result in zip(payloads, self.agency.submit(payloads)):
            self.keep(payload, result)

    def prepare(self):
        """Requests that are not sent yet: (their id, head, payload, bytes)."""
        self.burst = []
        for index in range(EACH):
            payload = self.payload()
            head = r.RequestHead(version=1, agency=self.name, broker=self.agency.keys.origin,
                                 session=self.agency.session, counter=self.agency.counter,
                                 time_ms=self.agency.now_ms(), submit=r.Submit(count=1))
            self.agency.counter += 1
            head = head.SerializeToString(deterministic=True)
            sent = client.build_request(self.agency.sign_seed, head, [payload])
            self.burst.append((struct.pack(">I", 0x80000000 | index), head, payload, sent))

    def send(self):
        """One write; False when nobody is there any more."""
        self.open = [payload for _, _, payload, _ in self.burst]
        try:
            self.agency.link.socket.sendall(b"".join(
                struct.pack(">Q", 4 + len(sent)) + first + sent
                for first, _, _, sent in self.burst))
            return True
        except OSError:
            self.open = []
            return False

    def read(self):
        """Takes the replies; how many did not come because the broker died."""
        heads = {first: (head, payload) for first, head, payload, _ in self.burst}
        try:
            while self.open:
                data = self.agency.link.read(struct.unpack(">Q", self.agency.link.read(8))[0])
                head, payload = heads[data[:4]]
                self.agency.size = 0  # the requests name no checkpoint
                self.keep(payload, self.agency.receipts(
                    self.agency.check_reply(data[4:], client.request_digest(head)), [payload])[0])
                self.open.remove(payload)
        except (OSError, ConnectionError):
            self.agency.link.close()
        return len(self.open)

    def keep(self, payload, result):
        record, receipt = result
        if record is None or record.refusal != 0:
            raise AssertionError("refused: %s" % receipt)
        kept = receipt.SerializeToString(deterministic=True)
        if self.acknowledged.setdefault(payload, kept) != kept:
            raise AssertionError("another receipt for the same message")

    def recheck(self, chosen):
        """After a restart: the same receipts, and receipts for what was cut off."""
        self.connect()
        wanted = [*chosen, *self.open]
        for at in range(0, len(wanted), 64):
            self.submit(wanted[at:at + 64])
        self.open = []


class Rounds:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.city = run_client.City()
        prefix = prefixes()
        self.senders = [Sender(self.city, name, prefix[name]) for name in SENDERS]
        self.played = 0
        self.by_itself = 0     # kills that count, by the fault point
        self.from_outside = 0  # and by our hand
        self.fewest = sys.maxsize

    def count(self):
        return sum(len(sender.acknowledged) for sender in self.senders)

    def play(self):
        """One life of the broker, and its end."""
        between = self.by_itself <= self.from_outside
        self.played += 1
        before = self.count()
        self.city.kill()
        if between:
            os.environ["REFERRAL_FAULT"] = "broker.after-commit:%d" % self.random.randint(14, 24)
        self.city.start()
        os.environ.pop("REFERRAL_FAULT", None)
        for sender in self.senders:
            known = list(sender.acknowledged)
            sender.recheck(self.random.sample(known, min(len(known), 1)))
        on_the_way = self.bursts(None if between else self.random.randint(2, 4))
        if on_the_way < ON_THE_WAY_MIN or self.count() == before:
            return
        self.fewest = min(self.fewest, on_the_way)
        if between:
            self.by_itself += 1
        else:
            self.from_outside += 1

    def bursts(self, number):
        """Sends bursts until the broker dies, by our hand within burst `number`; how many requests
        got no answer."""
        while True:
            for sender in self.senders:
                sender.prepare()
            for sender in self.senders:
                sender.send()
            if number is not None:
                number -= 1
                if number == 0:
                    wait_until(time.monotonic() + self.random.random() * 0.002)
                    self.city.kill()
            lost = sum(sender.read() for sender in self.senders)
            if lost > 0 or number == 0:
                if self.city.process.wait(timeout=60) != -9:
                    raise AssertionError("the broker ended by itself, but not by the fault point")
                return lost

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


def wait_until(moment):
    """Exact to microseconds, which sleeping is not."""
    while time.monotonic() < moment:
        pass


def main():
    seed = int(os.environ.get("REFERRAL_SEED", time.time_ns() % 1000000))
    print("seed %d" % seed, flush=True)
    rounds = Rounds(seed)
    while rounds.by_itself + rounds.from_outside < ROUNDS:
        if rounds.played == 3 * ROUNDS:
            raise SystemExit("too few requests on their way: %d kills count"
                             % (rounds.by_itself + rounds.from_outside))
        rounds.play()
    rounds.last()
    messages = sum(len(sender.acknowledged) for sender in rounds.senders)
    report = rounds.verify()
    rounds.city.folder.cleanup()
    print("%d kills in %d rounds, %d of them between commit and reply, each with %d or more "
          "requests on their way; %d messages acknowledged, log: %s"
          % (ROUNDS, rounds.played, rounds.by_itself, rounds.fewest, messages, json.dumps(report)))
    if rounds.by_itself != ROUNDS // 2 or messages < ROUNDS * len(SENDERS) * EACH:
        raise SystemExit("too few: the test did not do what it is for")
    if report.get("messages_shown") != messages:
        raise SystemExit("the log holds %s messages" % report.get("messages_shown"))


if __name__ == "__main__":
    try:
        main()
    except Refused as refused:
        raise SystemExit("refused: %s" % refused) from refused
