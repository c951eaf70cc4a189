#!/usr/bin/python3
"""A broker that lies, by real programs: referral-broker-lying (tests/hostile) is the broker's own
code with its replies bent. Each lie is told to one agency, in a city of three; that agency stops
believing, keeps its outbox, and writes evidence that names the lie; nobody else is alarmed; when
the truth is told again it goes on. Before the first lie, and after each, nothing is reported."""

import json
import os
import subprocess
import unittest

from agent_city import BIN, Socket, inbound, outbound, wait_for
from registry import SignedCity

VICTIM = "education"
# (lie, the alarm that it gives, whether the victim must send something, what the judge finds in the
# file; None: the agency's own records must say): one of each kind in the normal run, all of them
# behind REFERRAL_LONG.
SHORT = (
    ("rewritten", "does not extend", False, "lie.split"),
    ("withheld", "left out", False, None),
    ("frozen", "countersigned a log of", False, "lie.longer"),
    ("split", "another log", True, "lie.split"),
)
LONG = (
    ("rollback", "went back", False, "lie.back"),
    ("truncated", "went back", False, "lie.back"),
    ("dropped", "does not extend|went back", False, "lie.split|lie.back"),
    ("reordered", "left out", False, None),
    ("unrecorded", "receipt does not prove", True, None),
    ("false-witness", "not its own", True, "lie.witness"),
)


class LyingCity(SignedCity):
    def __init__(self):
        super().__init__()
        self.lie_file = self.path("lie")
        self.tell("")

    def tell(self, text):
        self.write(self.lie_file + ".new", text)
        os.rename(self.lie_file + ".new", self.lie_file)

    def start_broker(self, **environment):
        with open(self.path("broker", "log"), "ab") as log:
            self.broker = subprocess.Popen(
                [os.path.join(BIN, "referral-broker-lying"), "--config",
                 self.path("broker", "broker.yaml")], stderr=log,
                env={**os.environ, "REFERRAL_LIE_FILE": self.lie_file, **environment})
        self.status = Socket(self.path("broker", "s"), self.broker)
        self.status.ask(cmd="status")


def evidence(agent):
    folder = agent.store + "-evidence"
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


class Lies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.city = LyingCity()
        cls.addClassCleanup(cls.city.close)
        cls.city.start_broker()
        for name in ("procuratorate", VICTIM, "civil-affairs"):
            cls.city.agent(name)
        cls.agents = cls.city.agents
        for agent in cls.agents.values():
            agent.reached()

    def send(self, sender, message):
        seq = self.agents[sender].must("send", message=message)["messages"][0]["seq"]
        self.agents[sender].wait_row("outbox", "a receipt of %s" % sender, lambda row: (
            row["seq"] == seq and row["state"] == "accepted"))

    def countersigned(self, name):
        """All that it has seen, and it has seen at least what it sent."""
        def told():
            status = self.agents[name].status()
            return status["witnessed"] == status["checkpoint"]["size"]
        wait_for("a countersignature of " + name, told)

    def restart(self, name):
        self.agents[name].stop()
        self.agents[name].start()

    def honest(self):
        for name, agent in self.agents.items():
            agent.reached()
            self.assertNotIn("alarm", agent.status(), name)

    def work(self):
        """Messages to others first: what is bent then is none of the victim's."""
        for _ in range(2):
            self.send("civil-affairs", inbound())
        for _ in range(2):
            self.send("procuratorate", outbound(VICTIM))
        self.countersigned("procuratorate")

    def judge(self, path, finding):
        """Offline: the file, and the fingerprint of the office's root."""
        done = subprocess.run(
            [os.path.join(BIN, "referral-verify"), "--evidence", path, "--root", self.city.root,
             "--json"], capture_output=True, text=True, check=False, env={})
        report = json.loads(done.stdout)
        codes = [found["code"] for found in report["findings"]]
        if finding is None:
            self.assertEqual((done.returncode, codes), (5, ["lie.unproven"]), report)
        else:
            self.assertEqual((done.returncode, report["verdict"]), (0, "PASS"), report)
            self.assertTrue(any(code in finding.split("|") for code in codes), report)

    def play(self, lie, alarm, sends, finding):
        victim = self.agents[VICTIM]
        before = evidence(victim)
        victim.stop()
        self.city.tell("%s %s\n" % (lie, VICTIM))
        self.work()
        victim.start()
        if sends:
            wait_for("the victim", lambda: victim.status()["connected"]
                     or "alarm" in victim.status())
            victim.must("send", message=inbound())
        wait_for("an alarm about " + lie, lambda: "alarm" in victim.status())
        self.assertRegex(victim.status()["alarm"], alarm)
        new = sorted(set(evidence(victim)) - set(before))
        self.assertGreater(len(new), 0)
        self.assertTrue(victim.status()["evidence"].endswith(new[-1]))
        with open(os.path.join(victim.store + "-evidence", new[0]), "rb") as file:
            head = file.read(4096).split(b"\n\n")[0].decode()
        self.assertIn("about lie", head)
        for part in ("verdict lie", "reply reply", "request head", "checkpoint believed"):
            self.assertIn("part %s " % part, head)
        self.judge(os.path.join(victim.store + "-evidence", new[0]), finding)
        for name, agent in self.agents.items():
            if name != VICTIM:
                self.assertNotIn("alarm", agent.status(), name)
                self.assertEqual(evidence(agent), [], name)

    def test_a_truth_and_lies(self):
        self.work()
        self.restart(VICTIM)
        self.work()
        self.honest()
        self.assertEqual(evidence(self.agents[VICTIM]), [])
        lies = LONG + SHORT if os.environ.get("REFERRAL_LONG") else SHORT
        for lie, alarm, sends, finding in lies:
            with self.subTest(lie=lie):
                self.play(lie, alarm, sends, finding)
                self.city.tell("")
                if lie != "split":  # it believed another log: for people to mend
                    self.restart(VICTIM)
                    self.honest()
                    kept = evidence(self.agents[VICTIM])[-1]  # told until it is moved away
                    self.assertTrue(self.agents[VICTIM].status()["evidence"].endswith(kept))
        messages = self.agents[VICTIM].status()["outbox"]
        self.assertEqual(messages["refused"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
