#!/usr/bin/python3
"""What the status socket does about one agency: suspend and resume it, durably or not at all, and
ask whether its agent lives. Agencies are played by the client of tests/client; the last one is a
real agent."""

import json
import os
import subprocess
import sys
import threading
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import agent_city  # noqa: E402
import support  # noqa: E402
from referral_client import r  # noqa: E402
from status_client import EDUCATION, REASON, SCHEMA, City, Sender  # noqa: E402

SUSPENDED = 27
LEAF_COMMAND = 34


class Suspension(unittest.TestCase):
    def setUp(self):
        self.city = City()
        self.sender = Sender(self.city)

    def tearDown(self):
        self.sender.close()
        self.assertEqual(self.city.close(), 0)

    def state(self):
        rows = self.city.good("agencies")["agencies"]
        return next(row["state"] for row in rows if row["id"] == EDUCATION)

    def test_nothing_new_goes_in_or_out(self):
        education = self.city.greeted(EDUCATION)
        self.sender.submit()
        found = education.fetch()
        trial = self.city.good("agency-suspend", agency=EDUCATION, dry_run=True)
        self.assertEqual((trial["state"], trial["state_after"], trial["waiting"], trial["leaf"]),
                         ("registered", "suspended", 1, None))
        self.assertEqual(self.state(), "registered")
        self.city.refused("status.reason", "agency-suspend", agency=EDUCATION)
        self.city.refused("status.unknown-agency", "agency-suspend", agency="nobody",
                          reason=REASON)
        done = self.city.good("agency-suspend", agency=EDUCATION, reason=REASON)
        self.assertEqual(done["leaf"], self.city.size() - 1)
        self.assertEqual(self.state(), "suspended")
        again = self.city.good("agency-suspend", agency=EDUCATION, reason=REASON)
        self.assertEqual((again["leaf"], again["state"]), (None, "suspended"))
        (record, receipt), = education.acknowledge(found)  # what has happened is recorded
        self.assertEqual(record.refusal, 0, receipt)
        size = self.city.size()
        lead = support.lead(education, 1)
        (record, shared), = education.submit([lead])
        self.assertIsNone(record)
        self.assertEqual(shared.code, SUSPENDED)
        self.assertGreater(shared.retry_after_ms, 0)
        with self.assertRaises(support.client.Refused) as refused:
            education.put(b"\1" * 32, 100, 0, b"")
        self.assertEqual(refused.exception.code, SUSPENDED)
        self.assertEqual(self.city.size(), size)  # nobody fills the log by trying
        self.sender.submit()
        self.assertEqual(education.fetch(), [])
        education.link.close()
        self.sender.close()
        self.city.kill()
        self.city.start()
        self.assertEqual(self.state(), "suspended")
        self.sender.connect()
        education = self.city.greeted(EDUCATION)
        self.assertEqual(education.fetch(), [])
        waits = threading.Thread(target=self.resume)
        waits.start()
        begun = time.monotonic()
        found = education.fetch(wait_ms=20000)  # answered as soon as it may be
        self.assertLess(time.monotonic() - begun, 10)
        waits.join()
        self.assertEqual(len(found), 1)
        (record, receipt), = education.submit([lead])
        self.assertEqual(record.refusal, 0, receipt)
        education.link.close()

    def resume(self):
        time.sleep(0.2)  # the fetch is there before, or comes after: both are well
        self.city.good("agency-resume", agency=EDUCATION, reason=REASON)

    def test_a_killed_broker_has_done_all_or_nothing(self):
        self.sender.close()
        self.assertEqual(self.city.stop(), 0)
        self.city.start()
        commits = self.city.good("status")["counts"]["commits"]  # of a start
        for point, there in (("broker.before-commit", False), ("broker.after-commit", True)):
            self.assertEqual(self.city.stop(), 0)
            self.city.start_with(REFERRAL_FAULT="%s:%d" % (point, commits + 1))
            self.assertEqual(self.city.good("status")["counts"]["commits"], commits)
            with self.city.status_socket() as raw:
                raw.sendall(json.dumps({"cmd": "agency-suspend", "agency": EDUCATION,
                                        "reason": REASON}).encode() + b"\n")
                with self.assertRaises((ConnectionError, OSError)):
                    support.read_line(raw)
            self.city.process.wait(timeout=20)
            self.city.start()
            self.assertEqual(self.state(), "suspended" if there else "registered")
            self.assertEqual(self.city.good("agency-resume", agency=EDUCATION,
                                            reason=REASON)["leaf"] is not None, there)
        self.assertEqual(self.city.stop(), 0)
        _, log = self.city.verify()
        names = [record.command.name for record in log if record.kind == LEAF_COMMAND]
        self.assertEqual(names, ["agency-suspend", "agency-resume"])
        self.city.start()
        self.sender.connect()


class Pings(unittest.TestCase):
    def test_who_answers_and_who_does_not(self):
        city = City()
        try:
            started = time.monotonic()
            answer = city.refused("ping.timeout", "ping", agency=EDUCATION, timeout_ms=300)
            self.assertGreaterEqual(time.monotonic() - started, 0.3)
            self.assertIn("did not come to fetch", answer["message"])
            city.refused("status.unknown-agency", "ping", agency="nobody")
            education = city.greeted(EDUCATION)
            living = threading.Thread(target=education.fetch, args=(20000,))
            living.start()
            answer = city.good("ping", agency=EDUCATION)
            living.join(timeout=20)
            self.assertLess(answer["round_trip_ms"], 5000)
            # One that fetches and does not answer is told apart; its fetches are not hurried.
            fetches = []
            silent = threading.Thread(target=lambda: fetches.extend(
                education.ask("fetch", r.Fetch(wait_ms=wait)) for wait in (20000, 300)))
            silent.start()
            answer = city.refused("ping.timeout", "ping", agency=EDUCATION, timeout_ms=1500)
            self.assertIn("did not answer", answer["message"])
            silent.join(timeout=20)
            self.assertEqual([bool(head.fetch.ping) for head in fetches], [True, True])
            with city.status_socket() as raw:  # who asks and goes hinders nobody
                raw.sendall(b'{"cmd":"ping","agency":"education","timeout_ms":200}\n')
            time.sleep(0.05)
            city.refused("ping.busy", "ping", agency=EDUCATION)
            education.link.close()
        finally:
            self.assertEqual(city.close(), 0)

    def test_a_real_agent_answers(self):
        city = agent_city.City()
        try:
            city.start_broker()
            city.agent(EDUCATION)
            answer = SCHEMA.answer("ping", city.status.ask(cmd="ping", agency=EDUCATION,
                                                           timeout_ms=30000))
            self.assertTrue(answer["ok"], answer)
            self.assertLess(answer["round_trip_ms"], 5000)
            path = "UNIX-CONNECT:" + city.path("broker", "s")
            asked = subprocess.run(["socat", "-t20", "-", path], capture_output=True, check=True,
                                   input=b'{"cmd":"ping","agency":"education"}')  # ends before it
            self.assertTrue(SCHEMA.answer("ping", json.loads(asked.stdout))["ok"])
        finally:
            city.close()


if __name__ == "__main__":
    unittest.main()
