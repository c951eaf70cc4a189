#!/usr/bin/python3
"""A broker that lies, by real programs: referral-broker-lying (tests/hostile) is the broker's own
code with its replies bent. Each lie is told to one agency, in a city of three; that agency stops
believing, keeps its outbox, and writes evidence that names the lie; nobody else is alarmed; when
the truth is told again, and where it lasts an administrator clears it, it goes on. Before the first
lie, and after each, nothing is reported.

The normal run has some lies where another agency's countersignatures reach the victim ("two" of the
table in docs/security.md); REFERRAL_LONG=1 plays the whole table."""

import json
import os
import re
import subprocess
import unittest

from agent_city import BIN, CONFIG, SUITE, Failed, Socket, inbound, outbound, wait_for
from registry import SignedCity

VICTIM, SENDER = "education", "procuratorate"
DAY_MS = 24 * 3600 * 1000
# (lie, the alarm that it gives, whether the victim must send something, what the judge finds in the
# file; None: the agency's own records must say): one of each kind in the normal run, of
# the suite sm the first two, all of them behind REFERRAL_LONG.
SHORT = (
    ("rewritten", "does not extend", False, "lie.split"),
    ("withheld", "left out", False, None),
    ("early-rung", "raised too early", False, "lie.early"),
    ("frozen", "countersigned a log of", False, "lie.longer"),
    ("split", "another log", True, "lie.split"),
)
REGISTRY = ("registry", "registry that is not in its log", False, "lie.registry")
CAUGHT_ALONE = (
    ("rollback", "went back", False, "lie.back"),
    ("truncated", "went back", False, "lie.back"),
    ("dropped", "does not extend|went back", False, "lie.split|lie.back"),
    ("reordered", "left out", False, "lie.order"),
    ("held", "no key that signed it is revoked", False, None),
    ("unrecorded", "receipt does not prove", True, "lie.receipt"),
    REGISTRY,
)
LONG = CAUGHT_ALONE + (("false-witness", "not its own", True, "lie.witness"),)
# Told once time has passed, to whoever waits for the victim; what never came only its records show.
NO_RUNG = ("no-rung", "rung (due|undelivered)-1 of .* was not told", None)
STARVED = ("starved", "rung undelivered-1 of .* was not told", None)
# The broker keeps all countersignatures back from the victim: what it is caught with all the same,
# and what it is not (whether the victim must send something).
KEPT_BACK = CAUGHT_ALONE + SHORT[:3] + (("frozen", "receipt does not prove", True, "lie.receipt"),)
UNSEEN = (("frozen", False), ("false-witness", True), ("split", True))
UNSEEN_ANYHOW = "starved"  # while no window of the victim runs
DENIED = ("denied", "does not know the log of", False, "lie.denied")
QUORUMS = {"alone": 1, "quorum": 2}
COLUMNS = {"alone": (1, "keep-back"), "two": (None, ""), "quorum": (2, "keep-back")}


class LyingCity(SignedCity):
    def __init__(self, quorum=None):
        """`quorum`: another one than the shipped policy's."""
        self.quorum = quorum
        self.versions = 1
        super().__init__()
        self.lie_file = self.path("lie")
        self.tell("")

    def tell(self, text):
        self.write(self.lie_file + ".new", text)
        os.rename(self.lie_file + ".new", self.lie_file)

    def names_signed(self, path):
        super().names_signed(path)
        if self.quorum is not None:
            with open(os.path.join(CONFIG, "policy.yaml"), encoding="utf-8") as file:
                policy = re.sub(r"(?m)^(witness-quorum): .*", r"\1: %d" % self.quorum, file.read())
            self.write(self.path("policy.yaml"), policy)
            with open(path, encoding="utf-8") as file:
                text = re.sub(r"(?m)^(policy): .*", r"\1: " + self.path("policy.yaml"), file.read())
            self.write(path, text)

    def publish_next(self):
        """The same texts, signed as the next version."""
        self.versions += 1
        names = ["registry-%d.signed" % number for number in (self.versions, self.versions - 1)]
        self.sign(*names)
        status, told = self.publish(names[0])
        assert status == 0, told

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
    def open_city(self, quorum=None):
        self.city, self.moved_ms = LyingCity(quorum), 0
        self.addCleanup(self.city.close)
        self.city.start_broker()
        confirmed = self.city.status.ask(cmd="clock-confirm", reason="the clock was compared")
        self.assertTrue(confirmed["ok"], confirmed)
        self.pass_time(3600 * 1000)  # the grace behind a start: what is due is raised from now on
        for name in ("procuratorate", VICTIM, "civil-affairs"):
            self.city.agent(name)
        self.agents = self.city.agents
        for agent in self.agents.values():
            agent.reached()
        self.work()
        self.restart(VICTIM)
        self.work()
        self.honest()
        self.assertEqual(evidence(self.agents[VICTIM]), [])

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

    def tell(self, lie, sends, how):
        victim = self.agents[VICTIM]
        victim.stop()
        self.city.tell("%s %s %s\n" % (lie, VICTIM, how))
        self.work()
        victim.start()
        if lie == "registry":  # at its start it would have it from its file
            victim.reached()
            self.city.publish_next()
        if sends:
            wait_for("the victim", lambda: victim.status()["connected"]
                     or "alarm" in victim.status())
            victim.must("send", message=inbound())

    def nobody_else_is_alarmed(self, *alarmed):
        for name, agent in self.agents.items():
            if name not in (alarmed or (VICTIM,)):
                self.assertNotIn("alarm", agent.status(), name)
                self.assertEqual(evidence(agent), [], name)

    def catch(self, lie, alarm, sends, finding, how=""):
        victim = self.agents[VICTIM]
        before = evidence(victim)
        self.tell(lie, sends, how)
        wait_for("an alarm about " + lie, lambda: "alarm" in victim.status())
        self.caught(victim, before, alarm, finding)
        self.nobody_else_is_alarmed()

    def caught(self, victim, before, alarm, finding):
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

    def pass_time(self, ms):
        self.moved_ms += ms
        self.assertTrue(self.city.status.ask(cmd="lab-clock", both_ms=self.moved_ms)["ok"])

    def miss(self, name, days, alarm, finding):
        """Time passes; it looks when it greets, and again an hour later by the broker's clock."""
        agent = self.agents[name]
        before = evidence(agent)
        self.pass_time(days * DAY_MS)
        self.restart(name)

        def alarmed():
            self.pass_time(3600 * 1000)
            try:
                agent.wait("an alarm", lambda event: event["event"] == "alarm", seconds=0.2)
            except Failed:  # the next hour, then
                pass
            return "alarm" in agent.status()
        wait_for("an alarm of " + name, alarmed)
        self.caught(agent, before, alarm, finding)

    def never_told(self, how=""):
        """The sender, who must be told what is overdue at the victim."""
        lie, alarm, finding = NO_RUNG
        self.city.tell("%s %s %s\n" % (lie, SENDER, how))
        self.send(SENDER, outbound(VICTIM))  # the file was read
        self.miss(SENDER, 35, alarm, finding)

    def mend(self):
        """What lasts waits for a word; a restart is none."""
        victim = self.agents[VICTIM]
        lasts = victim.status().get("distrust", {}).get("lasts", False)
        self.city.tell("")
        self.restart(VICTIM)
        if lasts:
            wait_for("a log that fits", lambda: victim.status()["distrust"]["fits_again"])
            self.assertFalse(victim.status()["connected"])
            victim.must("distrust-clear", reason="the broker was mended")
        self.honest()
        wait_for("the newest registry", lambda: all(
            agent.status()["registry_version"] == self.city.versions
            for agent in self.agents.values()))
        kept = evidence(self.agents[VICTIM])[-1:]  # told until it is moved away
        self.assertTrue(self.agents[VICTIM].status().get("evidence", "").endswith("".join(kept)))
        self.assertEqual(self.agents[VICTIM].status()["outbox"]["refused"], 0)

    def test_a_truth_and_lies(self):
        self.open_city()
        lies = (REGISTRY, *SHORT) if SUITE == "intl" else SHORT[:2]
        if os.environ.get("REFERRAL_LONG"):
            lies = LONG + SHORT
        for lie, alarm, sends, finding in lies:
            with self.subTest(lie=lie):
                self.catch(lie, alarm, sends, finding)
                if lie == "registry":
                    self.assertIn("version %d" % self.city.versions,
                                  self.agents[VICTIM].status()["registry_fault"])
                    self.assertEqual(self.agents[VICTIM].status()["registry_version"],
                                     self.city.versions - 1)
                if lie != "split":  # it believed another log: for people to mend
                    self.mend()
        with self.subTest(lie=NO_RUNG[0]):
            self.never_told()
            self.nobody_else_is_alarmed(SENDER, VICTIM)
            if "split" not in {row[0] for row in lies}:  # mended, and not caught since
                self.assertNotIn("alarm", self.agents[VICTIM].status())

    def test_the_page_has_what_is_played(self):
        """docs/security.md: lie, alone, two, quorum; `frozen` has two rows."""
        with open(os.path.join(CONFIG, "..", "docs", "security.md"), encoding="utf-8") as file:
            table = file.read().split("| lie | alone | two | quorum |\n|---|---|---|---|\n")[1]
        said = set()
        for row in table.split("\n\n")[0].splitlines():
            cells = [cell.strip() for cell in row.strip("|").split("|")]
            said.add((re.match("`([a-z-]+)`", cells[0])[1], *cells[1:]))
        played = {(lie, "caught", "caught", "caught") for lie, *_ in (*KEPT_BACK, DENIED)}
        played |= {(lie, "caught", "caught", "caught") for lie, *_ in (NO_RUNG, STARVED)}
        played |= {(lie, "unseen", "caught", "warned") for lie, _ in UNSEEN}
        played |= {(UNSEEN_ANYHOW, "unseen", "unseen", "warned")}
        self.assertEqual(said, played)
        self.assertEqual({lie for lie, *_ in (*LONG, *SHORT, DENIED, NO_RUNG, STARVED)},
                         {row[0] for row in said})

    def referralctl(self, agent, *words):
        done = subprocess.run(
            [os.path.join(BIN, "referralctl"), "agent", *words, "--json", "--socket",
             agent.path], capture_output=True, text=True, check=False, env={})
        return done.returncode, json.loads(done.stdout)

    def test_two_agencies_compare_by_hand(self):
        """Another log, and the broker keeps all countersignatures back: what one administrator
        brings another shows it at once."""
        self.open_city(QUORUMS["alone"])
        self.tell("split", True, "keep-back")
        victim, other = self.agents[VICTIM], self.agents["procuratorate"]
        self.countersigned(VICTIM)
        note = self.city.path("procuratorate.checkpoint")
        self.assertEqual(self.referralctl(other, "checkpoint", "show", "--out", note)[0], 0)
        self.assertEqual(self.referralctl(self.agents["civil-affairs"], "checkpoint", "compare",
                                          note)[1]["result"], "one-log")
        self.assertEqual(self.referralctl(victim, "distrust", "show")[0], 0)
        status, told = self.referralctl(victim, "checkpoint", "compare", note)
        self.assertEqual((status, told["result"]), (1, "not-believed"), told)
        self.judge(told["evidence"], "lie.split")
        status, told = self.referralctl(victim, "distrust", "show")
        self.assertEqual((status, told["distrust"]["lasts"]), (5, True))
        self.assertEqual(self.referralctl(victim, "distrust", "clear", "--reason", "tried",
                                          "--yes")[0], 0)
        self.assertEqual(self.referralctl(victim, "distrust", "show")[1]["rows"][0]["by"],
                         "administrator")
        self.nobody_else_is_alarmed()

    @unittest.skipUnless(os.environ.get("REFERRAL_LONG"), "REFERRAL_LONG=1 plays the whole table")
    def test_countersignatures_are_kept_back(self):
        for column, quorum in QUORUMS.items():
            self.open_city(quorum)
            for lie, alarm, sends, finding in KEPT_BACK:
                with self.subTest(lie=lie, column=column):
                    self.catch(lie, alarm, sends, finding, "keep-back")
                    self.mend()
            for lie, sends in UNSEEN:
                with self.subTest(lie=lie, column=column):
                    self.unseen(lie, sends, column)
            with self.subTest(lie=NO_RUNG[0], column=column):
                self.never_told("keep-back")

    def unseen(self, lie, sends, column):
        """No quorum confirms what this agency countersigned: after a day that is a warning."""
        victim = self.agents[VICTIM]
        kept = evidence(victim)
        self.tell(lie, sends, "keep-back")
        self.countersigned(VICTIM)
        self.assertEqual("awaited_since" in victim.status()["confirmed"], column == "quorum")
        self.assertNotIn("alarm", victim.status())
        self.assertEqual(evidence(victim), kept)
        self.nobody_else_is_alarmed()
        if lie != "split":
            self.mend()

    @unittest.skipUnless(os.environ.get("REFERRAL_LONG"), "REFERRAL_LONG=1 plays the whole table")
    def test_nothing_at_all_is_delivered(self):
        """Unseen by the victim till its own window ends; who sent it something is not told."""
        lie, alarm, finding = STARVED
        for column, (quorum, how) in COLUMNS.items():
            with self.subTest(column=column):
                self.open_city(quorum)
                self.city.tell("%s %s %s\n" % (lie, VICTIM, how))
                self.work()
                self.miss(SENDER, 5, alarm, finding)
                self.countersigned(VICTIM)
                victim = self.agents[VICTIM].status()
                self.assertNotIn("alarm", victim)
                if column != "two":  # of three agencies seven never confirm
                    self.assertEqual("awaited_since" in victim["confirmed"], column == "quorum")
                self.nobody_else_is_alarmed(SENDER)
                self.miss(VICTIM, 35, "rung due-1 of .* was not told", finding)
                self.nobody_else_is_alarmed(SENDER, VICTIM)

    @unittest.skipUnless(os.environ.get("REFERRAL_LONG"), "REFERRAL_LONG=1 plays the whole table")
    def test_what_it_showed_is_denied(self):
        for how, quorum in (("", None), ("keep-back", 1), ("keep-back", 2)):
            with self.subTest(how=how, quorum=quorum):
                self.open_city(quorum)  # the victim believed another log: the next one is new
                self.catch(*DENIED, how)


if __name__ == "__main__":
    unittest.main(verbosity=2)
