#!/usr/bin/python3
"""Subscriptions on the broker's status socket: everything that becomes a leaf is said once and in
order, whoever is cut off by a killed broker goes on where they were, who does not read costs
nothing, and agencies that fall silent are told of."""

import json
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from status_client import EDUCATION, REASON, SCHEMA, City, Sender, Subscriber  # noqa: E402
from referral_client import m, r  # noqa: E402


class Subscriptions(unittest.TestCase):
    def setUp(self):
        self.city = City()
        self.sender = Sender(self.city)

    def tearDown(self):
        self.sender.close()
        self.assertEqual(self.city.close(), 0)

    def test_what_happens_is_said(self):
        watcher = Subscriber(self.city)
        agencies = {}
        while len(agencies) < 11:
            event = watcher.line()
            agencies[event["agency"]] = event["up"]
        self.assertTrue(agencies.pop("procuratorate"))
        self.assertEqual(set(agencies.values()), {False})
        self.sender.submit()
        accepted = watcher.until("accepted")[-1]
        self.assertEqual((accepted["from"], accepted["to"], accepted["number"]),
                         ("procuratorate", "education", self.sender.case() + "-01"))
        receiver = self.city.greeted(EDUCATION)
        watcher.until("agency", agency=EDUCATION, up=True)
        receiver.acknowledge(receiver.fetch())
        events = watcher.until("window", change="opened", holder=EDUCATION)
        self.assertIn("delivered", [event["event"] for event in events])
        watcher.until("notice", kind="delivery-notice", to="procuratorate")
        broken = m.Payload(header=b"", facts=b"").SerializeToString()
        self.sender.agency.ask("submit", r.Submit(count=1), [broken])
        self.assertEqual(watcher.until("refused")[-1]["code"], "message.malformed")
        leaf = self.city.good("clock-confirm", reason=REASON)["leaf"]
        command = watcher.until("command")[-1]
        self.assertEqual((command["position"], command["command"], command["uid"],
                          command["role"]), (leaf, "clock-confirm", os.geteuid(), "operator"))
        self.city.good("lab-clock", both_ms=6000)
        beat = watcher.until("heartbeat")[-1]
        self.assertEqual(beat["position"], self.city.size() - 1)
        self.city.good("lab-clock", both_ms=120000)
        watcher.until("agency", agency=EDUCATION, up=False)
        receiver.link.close()
        watcher.close()

    def test_the_end_is_said(self):
        watcher = Subscriber(self.city)
        self.sender.close()
        self.assertEqual(self.city.stop(), 0)
        self.assertEqual(watcher.until("stop")[-1]["event"], "stop")
        watcher.close()
        self.city.start()
        self.sender.connect()

    def test_resumed_over_killed_brokers_none_is_missing_and_none_doubled(self):
        seen = []
        for point in ("broker.before-commit", "broker.after-commit", None):
            watcher = Subscriber(self.city, after=seen[-1]["position"] if seen else -1)
            self.sender.submit(3)
            seen += watcher.until("accepted", number=self.sender.case() + "-01")
            if point is None:
                watcher.close()
                break
            self.sender.close()
            self.city.kill()
            self.city.start_with(REFERRAL_FAULT=point + ":3")
            try:
                self.sender.connect()
                self.sender.submit(2)
                self.sender.submit(2)
            except (OSError, ConnectionError):
                pass
            self.city.process.wait(timeout=20)
            try:
                seen += watcher.leaves(1 << 60)
            except (OSError, ConnectionError):
                pass
            watcher.close()
            self.sender.close()
            self.city.start()
            self.sender.number += 10
            self.sender.connect()
        positions = [event["position"] for event in seen]
        self.assertEqual(positions, list(range(len(positions))))
        again = Subscriber(self.city, after=-1)
        self.assertEqual(again.leaves(positions[-1]), seen)
        again.close()

    def test_who_does_not_read_holds_up_nobody_and_misses_nothing(self):
        slow = Subscriber(self.city, after=-1)
        before = self.city.memory()[0]
        rounds = 8 if os.environ.get("REFERRAL_LONG") else 4
        for _ in range(rounds):
            self.sender.submit(250)
            self.city.good("status")
        self.assertLess(self.city.memory()[0] - before, rounds * 4 * 1024)
        last = self.city.size() - 1
        self.assertGreaterEqual(last, rounds * 250)
        positions = [event["position"] for event in slow.leaves(last)]
        self.assertEqual(positions, list(range(last + 1)))
        slow.close()

    def test_where_nothing_is(self):
        size = self.city.size()
        self.city.refused("status.position", "subscribe", after=size)
        self.city.refused("status.position", "subscribe", after=-2)
        watcher = Subscriber(self.city, after=size - 1)
        watcher.raw.sendall(b'{"cmd":"subscribe"}\n{"cmd":"clock-show"}\n')
        answers = []
        while len(answers) < 2:
            line = json.loads(watcher.file.readline())
            if "event" not in line:
                answers.append(line)
        SCHEMA.check("refusal", answers[0])
        self.assertEqual(answers[0]["code"], "status.subscribed")
        SCHEMA.check("reply-clock-show", answers[1])
        watcher.close()


if __name__ == "__main__":
    unittest.main()
