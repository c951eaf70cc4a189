#!/usr/bin/python3
"""The signed registry, by real programs: a city of a broker and one agent that pin the root of the
joint-meeting office. A new version is signed, published and taken by a running agent without a
restart of anybody; an older one, a fork, a forged and an unsigned one are refused by whoever is
asked to take them, each with its code, and nothing changes; who was restarted has what was in force
last."""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "client"))

import referral_client as client  # noqa: E402
import agent_city  # noqa: E402
from agent_city import BIN, CONFIG, City, wait_for  # noqa: E402

OK, FAILED, REFUSED, WARNING = 0, 1, 4, 5
ORIGIN = "agents-test.example/broker"
TAX = """
  - id: tax-office
    number: 12
    class: S
    prefix: SW
    name: {zh: 税务局, en: Tax Office}
    office: {zh: 办公室, en: Office}
    duties: [judicial-assistance]
"""


def ctl(*arguments):
    if arguments[:2] in (("keys", "root"), ("keys", "generate"), ("keys", "recovery")):
        arguments += ("--suite", agent_city.SUITE)
    done = subprocess.run([os.path.join(BIN, "referralctl"), *arguments, "--json"],
                          capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout)


class SignedCity(City):
    def __init__(self):
        with open(os.path.join(CONFIG, "agencies.yaml"), encoding="utf-8") as file:
            self.agencies = file.read()
        super().__init__(registry=self.agencies)
        self.signed = self.path("registry.signed")
        status, made = ctl("keys", "root", "--out", self.path("office"))
        assert status == OK, made
        self.root = made["fingerprint"]
        self.sign("registry-1.signed")
        shutil.copy(self.path("registry-1.signed"), self.signed)
        self.names_signed(self.path("broker", "broker.yaml"))

    def names_signed(self, path):
        with open(path, encoding="utf-8") as file:
            text = re.sub(r"(?m)^(registry|public-keys): .*", r"\1: " + self.signed, file.read())
        self.write(path, text + "registry-root: %s\n" % self.root)

    def sign(self, out, previous=None, office="office", want=OK, keys=None, more=()):
        more += ("--previous", self.path(previous)) if previous else ()
        status, made = ctl("registry", "sign", "--registry", self.registry, "--keys",
                           keys or self.path("keys", "public-keys.yaml"), "--root-key",
                           self.path(office, "root.key"), "--out", self.path(out), *more)
        assert status == want, (status, made)
        return made

    def publish(self, name, *more):
        return ctl("registry", "publish", self.path(name), "--socket", self.path("broker", "s"),
                   *(more or ("--reason", "by the office")))

    def agent(self, name, extra="", **environment):
        agent = agent_city.Agent(self, name, extra)
        self.names_signed(agent.config)
        self.agents[name] = agent.start(**environment)
        return agent

    def proven(self):
        """The version in the broker's answer and the leaf that proves it, by the Python client as
        an agency that has seen nothing of the log."""
        folder = self.path("keys", "health")
        with open(self.path("keys", "public-keys.yaml"), encoding="utf-8") as file:
            keys = client.Keys(file.read())
        link = client.Link("tls+tcp://127.0.0.1:%d" % self.port,
                           {"ca": self.path("keys", "ca.crt"), "cert": folder + "/tls.crt",
                            "key": folder + "/tls.key"})
        agency = client.Agency(link, "health", keys,
                               client.read_secret(folder + "/sign.key", "referral-sign-key-1"),
                               client.read_secret(folder + "/seal.key", "referral-seal-key-1"))
        try:
            agency.hello()
            return client.check_registry(agency.registry(), agency.size, agency.root)
        finally:
            link.close()

    def version(self):
        return self.status.ask(cmd="status")["registry_version"]


class Registry(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.city = SignedCity()
        cls.addClassCleanup(cls.city.close)
        cls.city.start_broker()
        cls.agent = cls.city.agent("education")
        cls.agent.reached()

    def refused(self, code, answer):
        status, told = answer
        self.assertEqual((status, told["code"]), (REFUSED, code), told)
        self.assertTrue(told["hint"] or told["code"] == "config.kept", told)

    def test_1_a_version_reaches_a_running_agent(self):
        city = self.city
        self.assertEqual((city.version(), self.agent.status()["registry_version"]), (1, 1))
        city.write(city.registry, city.agencies + TAX)
        made = city.sign("registry-2.signed", "registry-1.signed")
        self.assertEqual((made["version"], made["agencies"], made["root"]), (2, 12, city.root))
        self.assertIn({"what": "agency", "owner": "tax-office", "value": "row", "before": "",
                       "after": "税务局 / Tax Office"}, made["changes"])
        status, trial = city.publish("registry-2.signed", "--dry-run")
        self.assertEqual((status, trial["changes"], city.version()), (OK, made["changes"], 1))
        status, done = city.publish("registry-2.signed")
        self.assertEqual((status, done["digest"], city.version()), (OK, made["digest"], 2))
        wait_for("the agent to take it", lambda: self.agent.status()["registry_version"] == 2)
        type(self).leaf = city.proven()
        self.assertEqual(self.leaf[0], 2)
        self.assertEqual(self.agent.status()["registry_fault"], "")
        self.assertEqual(self.agent.process.poll(), None)

    def test_2_what_is_refused_changes_nothing(self):
        city = self.city
        self.refused("registry.published", city.publish("registry-2.signed"))
        with open(city.signed, "rb") as file:
            in_force = file.read()
        city.sign("again-1.signed")
        self.refused("registry.older", city.publish("again-1.signed"))
        city.sign("fork-2.signed", "again-1.signed")
        self.refused("registry.fork", city.publish("fork-2.signed"))
        ctl("keys", "root", "--out", city.path("stranger"))
        city.sign("stranger.signed", office="stranger")
        self.refused("registry.root", city.publish("stranger.signed"))
        city.write(city.path("plain"), city.agencies)
        self.refused("registry.form", city.publish("plain"))
        with open(city.path("registry-2.signed"), "rb") as file:
            changed = file.read().replace("税务局".encode(), "税务厅".encode())
        with open(city.path("changed.signed"), "wb") as file:
            file.write(changed)
        self.refused("registry.digest", city.publish("changed.signed"))
        with open(city.signed, "rb") as file:
            self.assertEqual(file.read(), in_force)
        self.assertEqual((city.version(), self.agent.status()["registry_version"]), (2, 2))

    def test_3_what_was_in_force_stays_over_a_restart(self):
        city = self.city
        with open(city.signed, "rb") as file:
            in_force = file.read()
        with open(city.path("registry-1.signed"), "rb") as file:
            older = file.read()
        with open(city.signed, "wb") as file:  # as if somebody had put back a copy
            file.write(older)
        self.agent.kill()
        self.agent.start()  # its file is version 1, its store has 2
        self.assertEqual(self.agent.status()["registry_version"], 2)
        city.kill_broker()
        done = subprocess.run([os.path.join(BIN, "referral-broker"), "--config",
                               city.path("broker", "broker.yaml")], capture_output=True, text=True,
                              timeout=agent_city.WAIT, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"registry\.(older|fork)")
        with open(city.signed, "wb") as file:
            file.write(in_force)
        city.start_broker()
        self.assertEqual(city.version(), 2)
        self.assertEqual(city.proven(), self.leaf)  # the first one, whatever starts there were

    def test_4_verify_and_diff_say_whose_it_is(self):
        city = self.city
        path = city.path("registry-2.signed")
        status, told = ctl("registry", "verify", path, "--root", city.root, "--previous",
                           city.path("registry-1.signed"))
        self.assertEqual((status, len(told["changes"])), (OK, 1), told)
        self.assertEqual(ctl("registry", "verify", path, "--root", city.root)[0], OK)
        self.assertEqual(ctl("registry", "verify", path)[0], WARNING)
        self.refused("registry.root", ctl("registry", "verify", path, "--root", 64 * "0"))
        status, told = ctl("registry", "diff", city.path("again-1.signed"), path)
        self.assertEqual((status, told["changes"]), (OK, []))  # the same texts, signed twice

    def test_5_no_key_and_no_agency_is_lost(self):
        city = self.city
        keys = city.path("fewer.yaml")
        with open(city.path("keys", "public-keys.yaml"), encoding="utf-8") as file:
            text = file.read()
        rows = re.split(r"(?m)^(?=  - owner)", text)
        city.write(keys, "".join(rows[:-1]))
        told = city.sign("fewer.signed", "registry-2.signed", want=REFUSED, keys=keys)
        self.assertEqual(told["code"], "keys.lost")
        city.write(city.registry, city.agencies)
        told = city.sign("less.signed", "registry-2.signed", want=REFUSED)
        self.assertEqual(told["code"], "registry.removed")
        self.assertFalse(os.path.exists(city.path("less.signed")))

    def test_6_the_registry_suspends(self):
        city = self.city
        city.write(city.registry, (city.agencies + TAX).replace(
            "    prefix: JY\n", "    prefix: JY\n    suspended: true\n"))
        city.sign("registry-3.signed", "registry-2.signed")
        self.assertEqual(city.publish("registry-3.signed")[0], OK)
        state = {row["id"]: row["state"] for row in city.status.ask(cmd="agencies")["agencies"]}
        self.assertEqual((state["education"], state["justice"]), ("suspended", "registered"))
        self.refused("agency.registry", ctl("agency", "resume", "education", "--socket",
                                            city.path("broker", "s"), "--reason", "so"))
        wait_for("the suspended agent to know", lambda:
                 self.agent.status()["registry_version"] == 3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
