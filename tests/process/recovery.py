#!/usr/bin/python3
"""A broker's disk is lost, and what is restored is older than what agencies hold. Real programs
over mutual TLS: the old copy is started by mistake and refused, a new log is opened by an explicit
act, agents hand back, are killed while they do, and so is the broker. Nothing that was acknowledged
is missing, nothing comes twice, an attachment is uploaded again, the verifier passes the log."""

import json
import os
import shutil
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from agent_city import BIN, CONFIG, City, inbound, outbound, wait_for  # noqa: E402
from attachments import attach, opened, pdf, referral  # noqa: E402
from cli_support import OK, WARNING, ctl  # noqa: E402

NAMES = ("procuratorate", "education", "civil-affairs")
REASON = "the disk was lost"
REFUSED = {"facts": {"outcome": "not-eligible"}, "body": {"officer": "o", "reasons": "r"}}


def rows_of(agent):
    """What officers see, without what a new log may give anew."""
    return sorted((name, row["kind"], row["id"], row["state"], row["at"])
                  for name in ("outbox", "inbox") for row in agent.rows(name))


class Recovery(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.city = City()
        cls.city.start_broker()
        for name in NAMES:
            cls.city.agent(name)
        cls.one, cls.two, cls.three = (cls.city.agents[name] for name in NAMES)

    @classmethod
    def tearDownClass(cls):
        cls.city.close()

    def folder(self, name):
        return self.city.path("broker", name)

    def open_new_log(self, *more):
        return subprocess.run(
            [os.path.join(BIN, "referral-broker"), "--config", self.folder("broker.yaml"),
             "--open-new-log", *more], capture_output=True, text=True, check=False)

    def quiet(self):
        """Everything sent is recorded, and everything recorded is delivered and acknowledged."""
        wait_for("an empty queue", lambda: all(
            agency["waiting"] == 0 for agency in self.city.status.ask(cmd="agencies")["agencies"]
            if agency["id"] in NAMES), 60)
        for agent in self.city.agents.values():
            wait_for("an empty outbox",
                     lambda who=agent: who.status()["outbox"]["waiting"] == 0, 60)

    def send(self, agent, message, **members):
        sent = agent.must("send", message=message, **members)["messages"][0]
        agent.wait_row("outbox", "the broker's answer",
                       lambda row: row["id"] == sent["id"] and row["state"] != "waiting")
        return sent

    def lose(self):
        self.city.kill_broker()
        for name in ("store", "store-attachments"):
            shutil.rmtree(self.folder(name))
            shutil.copytree(self.folder("copy-" + name), self.folder(name))

    def recovery(self):
        return self.city.status.ask(cmd="recovery-show")

    def test_all_of_it(self):
        city = self.city
        self.send(self.one, outbound("education"))
        self.send(self.three, inbound())
        self.quiet()
        city.stop_broker()
        for name in ("store", "store-attachments"):
            shutil.copytree(self.folder(name), self.folder("copy-" + name))
        city.start_broker()

        plain = pdf(700000)
        digest = attach(self.one, "卷宗.pdf", plain)["digest"]
        first = self.send(self.one, referral(digest, "education"))
        self.send(self.one, outbound("civil-affairs"))
        self.quiet()
        self.send(self.two, REFUSED, kind="feedback", referral=first["referral"])
        self.quiet()
        wait_for("the attachment", lambda: self.two.ask("attachment", digest=digest).get("state")
                 == "here")
        before = {name: rows_of(agent) for name, agent in city.agents.items()}

        # by mistake, as everybody would at first
        self.lose()
        city.start_broker()
        self.one.wait("an alarm", lambda event: event["event"] == "alarm")
        wait_for("the broker's own word",
                 lambda: city.status.ask(cmd="status")["recovery"]["behind"])
        self.assertTrue(city.status.ask(cmd="status")["recovery"]["holds"])
        city.stop_broker()

        refused = self.open_new_log("--yes")
        self.assertEqual((refused.returncode, "--reason" in refused.stderr), (2, True))
        tried = self.open_new_log("--reason", REASON)
        self.assertEqual(tried.returncode, 2, tried.stderr)
        self.assertIn("would go on", tried.stdout)
        done = self.open_new_log("--reason", REASON, "--yes")
        self.assertEqual(done.returncode, 0, done.stderr)

        self.two.kill()  # not there when the others hand back
        city.start_broker()
        for agency in self.recovery()["agencies"]:
            if agency["hand_back"] == "awaited" and agency["id"] not in NAMES:
                answer = city.status.ask(cmd="recovery-go-on", agency=agency["id"], reason=REASON)
                self.assertTrue(answer["ok"], answer)
        self.assertFalse(city.status.ask(cmd="recovery-go-on", agency="nobody",
                                         reason=REASON)["ok"])
        status = ("--socket", city.path("broker", "s"))
        shown = ctl("recovery", "show", *status)
        self.assertEqual(shown.status, WARNING, shown.err)
        self.assertRegex(shown.out, r"phase +awaiting")
        self.assertRegex(shown.out, r"%s +awaited" % self.two.name)
        self.assertIn("recovery go-on AGENCY", shown.err)
        tried = ctl("recovery", "go-on", self.two.name, "--dry-run", *status)
        self.assertEqual(tried.status, OK, tried.err)
        self.assertIn("would do: what it holds is not awaited", tried.out)
        self.one.wait("the new log", lambda event: event["event"] == "new-log")
        wait_for("procuratorate to be done", lambda: [
            agency["hand_back"] for agency in self.recovery()["agencies"]
            if agency["id"] == "procuratorate"] == ["done"])
        self.assertEqual(self.recovery()["recovery"]["phase"], "awaiting")
        city.kill_broker()
        self.one.kill()
        city.start_broker()
        self.one.start()
        self.two.start()
        wait_for("the end", lambda: self.recovery()["recovery"]["phase"] == "over", 60)
        for agent in city.agents.values():
            wait_for("messages to travel again",
                     lambda who=agent: not who.status()["recovery"]["handing_back"], 60)
        self.quiet()

        recovery = self.recovery()["recovery"]
        self.assertEqual((recovery["kept"], recovery["holds"]), (0, False))
        self.assertGreater(recovery["applied"], 0)
        for name, agent in city.agents.items():
            self.assertEqual(rows_of(agent), before[name], name)
            self.assertNotIn("alarm", agent.status())
        self.assertEqual(opened(self.two, digest), plain)

        self.send(self.one, outbound("civil-affairs"))
        self.quiet()
        self.assertEqual(len(rows_of(self.three)), len(before["civil-affairs"]) + 1)
        self.check_evidence()
        self.check_log(digest)

    def check_evidence(self):
        """What was handed back is evidence under the new log; here nobody signed the registry."""
        for agent in self.city.agents.values():
            for number in {row["referral"] for box in ("inbox", "outbox")
                           for row in agent.rows(box)}:
                path = self.folder("evidence")
                made = ctl("evidence", "export", number, "--socket", agent.path, "--out", path,
                           "--force")
                self.assertEqual(made.status, OK, made.err)
                report = ctl("evidence", "verify", path, "--root", "00" * 32, "--json").json
                self.assertEqual([row["code"] for row in report["findings"]],
                                 ["missing.registry"], (agent.name, number, report["findings"]))
                self.assertEqual(report["linked"], len(report["messages"]), (agent.name, number))

    def check_log(self, digest):
        """With public keys alone."""
        self.city.stop_broker()
        self.assertTrue(any(digest.endswith(name[-20:]) for _, _, names in
                            os.walk(self.folder("store-attachments")) for name in names))
        keys = self.city.path("keys", "public-keys.yaml")
        export = self.folder("log.audit")
        verify = os.path.join(BIN, "referral-verify")
        written = subprocess.run([verify, "--store", self.folder("store"), "--write-export",
                                  export], capture_output=True, text=True, check=False)
        self.assertEqual(written.returncode, 0, written.stderr)
        for source in (["--store", self.folder("store")], ["--export", export]):
            result = subprocess.run([verify, *source, "--key", keys, "--calendars",
                                     os.path.join(CONFIG, "calendars"), "--policy",
                                     os.path.join(CONFIG, "policy.yaml"), "--json"],
                                    capture_output=True, text=True, check=False)
            report = json.loads(result.stdout)
            self.assertEqual((result.returncode, report["verdict"]), (0, "PASS"), report)
            self.assertEqual(report["recoveries"], 1)
            self.assertGreater(report["recovered"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
