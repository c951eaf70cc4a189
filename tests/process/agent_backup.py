#!/usr/bin/python3
"""An agency's agent loses its disk, and goes on with a backup of its own: made while it works,
sealed to a recovery key, restored by the commands of the book. What it had is there again, read by
its officers; what came later is fetched, and the broker's log is believed as before."""

import json
import os
import shutil
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import agent_city
from agent_city import City, outbound, wait_for  # noqa: E402
from attachments import attach, pdf, referral  # noqa: E402
from cli_support import OK, REFUSED, Case, ctl  # noqa: E402


class Lost(Case):
    @classmethod
    def setUpClass(cls):
        cls.city = City()
        cls.addClassCleanup(cls.city.close)
        cls.city.start_broker()
        cls.recovery = cls.city.path("recovery")
        made = ctl("keys", "recovery", "--suite", agent_city.SUITE, "--out", cls.recovery)
        assert made.status == OK, made.err
        cls.one = cls.city.agent("procuratorate")
        cls.two = cls.city.agent("education", extra="backup-folder: %s\nrecovery-key: %s" % (
            cls.city.path("backups"), os.path.join(cls.recovery, "recovery.pub")))

    def send(self, message):
        """Sent by the one, arrived at the other."""
        number = self.one.must("send", message=message)["messages"][0]["referral"]
        self.two.wait_row("inbox", number, lambda row: row.get("referral") == number)
        return number

    def test_its_disk(self):
        socket = ("--socket", self.two.path)
        plain = pdf(300000)
        digest = attach(self.one, "卷宗.pdf", plain)["digest"]
        first = self.send(referral(digest, "education"))
        wait_for("the attachment",
                 lambda: self.two.ask("attachment", digest=digest).get("state") == "here")
        [row] = [row for row in self.two.rows("inbox") if row.get("referral") == first]
        before = self.two.must("show", id=row["id"])["message"]

        tried = self.good("agent", "backup", "--dry-run", *socket)
        self.assertIn("nothing was done", tried.out)
        self.assertEqual(self.two.status()["backup"]["state"], "never")
        self.good("agent", "backup", *socket)
        file = self.two.status()["backup"]["last"]["file"]
        self.assertIn(file, self.good("agent", "backup", "show", *socket).out)
        keys = self.city.path("keys", "public-keys.yaml")
        secret = os.path.join(self.recovery, "recovery.key")
        self.good("backup", "verify", file, "--key", keys, "--recovery-key", secret)

        later = self.send(outbound("education"))
        self.assertEqual(self.one.ask("backup")["code"], "backup.no-folder")
        self.bad(REFUSED, "backup-folder", "agent", "backup", "--socket", self.one.path)

        self.two.kill()
        shutil.rmtree(self.two.store)
        shutil.rmtree(self.two.store + "-attachments")
        restored = self.city.path("restored")
        self.good("restore", file, "--key", keys, "--recovery-key", secret, "--out", restored)
        for name in ("store", "store-attachments", "store-case-keys"):
            shutil.move(os.path.join(restored, name), os.path.join(self.two.folder, name))
        self.assertTrue(os.path.exists(os.path.join(restored, "config", "agent.yaml")))
        with open(self.two.config, "a", encoding="utf-8") as file:
            file.write("accept-gaps: true\n")
        self.two.start()
        self.assertEqual(self.two.must("show", id=row["id"])["message"], before)
        self.good("agent", "fetch", digest, "--out", self.city.path("after"), *socket)
        with open(self.city.path("after"), "rb") as back:
            self.assertEqual(back.read(), plain)
        # what waits at the broker comes as before; what it had receipted since is at the sender's
        third = self.send(outbound("education"))
        self.assertEqual(self.two.status().get("alarm", ""), "")
        self.assertNotEqual(third, later)
        self.good("agent", "sign-for", third, *socket)
        doctor = json.loads(ctl("agent", "doctor", "--socket", self.two.path, "--only", "backup",
                                "--json").out)
        self.assertEqual(doctor["checks"][0]["light"], "ok", doctor)


if __name__ == "__main__":
    unittest.main(verbosity=2)
