#!/usr/bin/python3
"""A city has one suite: keys, stores, backups and exports of the other one are refused by name, in
one line, and nothing is changed. That everything works under `sm` is shown by other suites, which
tests/process/CMakeLists.txt runs a second time."""

import hashlib
import json
import os
import subprocess
import unittest

import agent_city
from agent_city import BIN, outbound, stop

WRONG = 78


def ctl(*arguments):
    return subprocess.run([os.path.join(BIN, "referralctl"), *arguments], capture_output=True,
                          text=True, check=False)


class Suites(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        agent_city.SUITE = "sm"
        cls.city = agent_city.City()
        cls.addClassCleanup(cls.city.close)
        cls.config = cls.city.path("broker", "broker.yaml")
        cls.other = cls.city.path("other")
        made = ctl("keys", "init", "--registry", cls.city.registry, "--out", cls.other,
                   "--origin", "agents-test.example/broker")
        assert made.returncode == 0, made.stderr
        cls.city.start_broker()
        agent = cls.city.agent("procuratorate")
        made = agent.must("send", message=outbound("education"))
        number = made["messages"][0]["referral"]
        agent.wait_row("outbox", "its receipt", lambda row: row.get("referral") == number and
                       row["state"] == "accepted")
        agent.stop()
        cls.city.stop_broker()

    def broker(self, *changes):
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        path = self.city.path("broker", "changed.yaml")
        self.city.write(path, text)
        return subprocess.run([os.path.join(BIN, "referral-broker"), "--config", path, "--check"],
                              capture_output=True, text=True, check=False, timeout=20)

    def refused(self, done, *places):
        self.assertEqual(done.returncode, WRONG, done.stderr)
        lines = [line for line in done.stderr.splitlines() if "suite.differs" in line]
        for place in places:
            self.assertTrue(any(place in line for line in lines), (place, done.stderr))

    def test_1_keys_of_the_other_suite(self):
        self.assertEqual(self.broker().returncode, 0)
        self.refused(self.broker(("suite: sm", "suite: intl")), "sign.key", "store.key",
                     "public-keys.yaml")
        keys = self.city.path("keys", "broker")
        theirs = os.path.join(self.other, "broker", "sign.key")
        self.refused(self.broker((keys + "/sign.key", theirs)), theirs)
        self.refused(self.broker((self.city.path("keys", "public-keys.yaml"),
                                  os.path.join(self.other, "public-keys.yaml"))),
                     os.path.join("other", "public-keys.yaml"))
        done = self.broker(("suite: sm", "suite: gm"))
        self.assertEqual(done.returncode, WRONG)
        self.assertIn("suite", done.stderr)

    def test_2_a_store_of_the_other_suite(self):
        store = self.city.path("broker", "store", "data.mdb")
        with open(store, "rb") as file:
            before = hashlib.sha256(file.read()).digest()
        with open(self.config, encoding="utf-8") as file:
            text = file.read().replace(self.city.path("keys"), self.other)
        path = self.city.path("broker", "changed.yaml")
        self.city.write(path, text.replace("suite: sm", "suite: intl"))
        with open(self.city.path("broker", "log2"), "wb") as log:
            process = subprocess.Popen([os.path.join(BIN, "referral-broker"), "--config", path],
                                       stderr=log)
        try:
            status = process.wait(20)
        except subprocess.TimeoutExpired:
            stop(process)
            raise
        self.assertNotEqual(status, 0)
        with open(self.city.path("broker", "log2"), encoding="utf-8") as file:
            said = file.read()
        self.assertIn("suite.differs", said)
        with open(store, "rb") as file:
            self.assertEqual(hashlib.sha256(file.read()).digest(), before)

    def test_3_an_export_says_its_suite(self):
        export, keys = self.city.path("log.audit"), self.city.path("keys", "public-keys.yaml")
        made = ctl("audit", "export", "--store", self.city.path("broker", "store"), "--out", export)
        self.assertEqual(made.returncode, 0, made.stderr)
        done = ctl("audit", "verify", "--export", export, "--key", keys, "--json")
        self.assertEqual(json.loads(done.stdout)["verdict"].upper(), "PASS", done.stdout)
        done = ctl("audit", "verify", "--export", export, "--key",
                   os.path.join(self.other, "public-keys.yaml"), "--json")
        self.assertNotEqual(json.loads(done.stdout)["verdict"].upper(), "PASS")
        self.assertIn("suite", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
