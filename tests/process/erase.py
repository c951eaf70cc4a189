#!/usr/bin/python3
"""A case is erased at an agency by a lawful order, by the command of the book: what its messages
and attachments say opens with none of the keys that are left, not in the store, not in an older
copy of it, not in a backup from before; the case beside it does, the log verifies as before, and
what comes to the case later is kept. Killed at every step, it is erased at the end or was not
touched."""

import json
import os
import shutil
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import agent_city
from agent_city import City, person, wait_for  # noqa: E402
from attachments import attach, opened, pdf, referral  # noqa: E402
from cli_support import OK, REFUSED, USAGE, Case, ctl  # noqa: E402

ORDER = ("--order", "(2026)内0102法删1号", "--reason", "删除令", "--yes")


class Erase(Case):
    @classmethod
    def setUpClass(cls):
        cls.city = City()
        cls.addClassCleanup(cls.city.close)
        cls.recovery = cls.city.path("recovery")
        made = ctl("keys", "recovery", "--suite", agent_city.SUITE, "--out", cls.recovery)
        assert made.status == OK, made.err
        cls.city.start_broker()
        cls.one = cls.city.agent("procuratorate")
        cls.two = cls.city.agent("education", extra="backup-folder: %s\nrecovery-key: %s" % (
            cls.city.path("backups"), os.path.join(cls.recovery, "recovery.pub")))
        cls.socket = ("--socket", cls.two.path)

    def refer(self, name, plain):
        """A case of its own; answers what the receiver calls it, its message and attachment."""
        digest = attach(self.one, "卷宗.pdf", plain)["digest"]
        message = referral(digest, "education")
        message["body"]["persons"] = [person(name)]
        sent, = self.one.must("send", message=message)["messages"]
        row = self.two.wait_row("inbox", "the referral", lambda got: got["id"] == sent["id"])
        wait_for("its attachment", lambda: self.two.ask("attachment", digest=digest).get("state")
                 == "here")
        return {"number": row["referral"], "id": row["id"], "digest": digest, "name": name,
                "plain": plain, "case": row["case_number"]}

    def name_of(self, what):
        body = self.two.must("show", id=what["id"])["message"].get("body")
        return body and body["persons"][0]["name"]

    def opens(self, what):
        self.assertEqual(self.name_of(what), what["name"])
        self.assertEqual(opened(self.two, what["digest"]), what["plain"])

    def is_erased(self, what):
        self.assertIsNone(self.name_of(what))
        self.assertEqual(self.two.ask("attachment", digest=what["digest"], offset=0,
                                      count=9)["code"], "attachment.erased")
        path = os.path.join(self.two.store + "-attachments", what["digest"][:2],
                            what["digest"][2:])
        self.assertFalse(os.path.exists(path))

    def test_by_order(self):
        gone, kept = self.refer("画眉鸟甲", pdf(90000)), self.refer("云雀鸟乙", pdf(80000))
        self.opens(gone)
        self.opens(kept)
        self.good("agent", "backup", *self.socket)
        backup = self.two.status()["backup"]["last"]["file"]

        shown = self.good("agent", "erase", gone["number"], "--dry-run", *self.socket)
        self.assertIn("nothing was changed", shown.out)
        self.opens(gone)
        self.assertEqual(ctl("agent", "erase", gone["number"], *self.socket).status, USAGE)
        self.assertEqual(ctl("agent", "erase", gone["number"], "--order", "1", "--reason", "r",
                             *self.socket).status, USAGE)  # nobody to ask
        self.bad(REFUSED, "has nothing under that", "agent", "erase", "JZ-2026-9999", *ORDER,
                 *self.socket)
        self.opens(gone)

        before = self.city.path("before")  # a copy of all of it but the keys, made by somebody
        shutil.copytree(self.two.store, before)
        done = json.loads(self.good("agent", "erase", gone["number"], *ORDER, *self.socket,
                                    "--json").out)
        self.assertEqual((done["messages"], done["attachments"], done["backup_keys"],
                          done["kept_by_older_release"]), (1, 1, "replaced", 0), done)
        self.is_erased(gone)
        self.opens(kept)
        for words in (gone["number"], gone["id"], gone["case"]):
            self.assertIn("erased 20", self.good("agent", "show", words, *self.socket).out)
        self.assertNotIn("erased", self.good("agent", "show", kept["number"], *self.socket).out)
        self.bad(REFUSED, "nothing of this case can be read", "agent", "erase", gone["number"],
                 *ORDER, *self.socket)

        # its evidence is whole but for what is gone
        evidence = self.city.path("it.evidence")
        self.good("evidence", "export", gone["number"], "--out", evidence, *self.socket)

        # what comes to the case later is kept, and is no part of what was erased
        again, = self.one.must("send", message=self.second(gone))["messages"]
        self.two.wait_row("inbox", "the second", lambda got: got["id"] == again["id"])
        self.assertEqual(self.two.must("show", id=again["id"])["message"]["body"]["persons"][0]
                         ["name"], "杜鹃鸟丙")

        self.two.stop()
        self.two.start()
        self.is_erased(gone)
        self.opens(kept)

        # the older copy opens with the keys that are left, and gives nothing of it
        self.two.kill()
        shutil.rmtree(self.two.store)
        shutil.copytree(before, self.two.store)
        with open(self.two.config, "a", encoding="utf-8") as file:
            file.write("accept-gaps: true\n")
        self.two.start()
        self.assertIsNone(self.name_of(gone))
        self.assertEqual(self.name_of(kept), kept["name"])

        # and so does the backup
        self.two.kill()
        shutil.rmtree(self.two.store)
        shutil.rmtree(self.two.store + "-attachments")
        os.unlink(self.two.store + "-case-keys")
        restored = self.city.path("restored")
        secret = os.path.join(self.recovery, "recovery.key")
        keys = ("--key", self.city.path("keys", "public-keys.yaml"), "--recovery-key", secret)
        self.good("backup", "verify", backup, *keys)
        self.good("restore", backup, *keys, "--out", restored)
        for name in ("store", "store-attachments", "store-case-keys"):
            shutil.move(os.path.join(restored, name), os.path.join(self.two.folder, name))
        self.two.start()
        self.assertIsNone(self.name_of(gone))
        self.opens(kept)
        self.log_is_whole()

    def second(self, what):
        message = referral(attach(self.one, "a.pdf", pdf(1000))["digest"], "education")
        message["case_number"] = what["case"]
        message["body"]["persons"] = [person("杜鹃鸟丙")]
        return message

    def log_is_whole(self):
        path = self.city.path
        done = ctl("audit", "verify", "--store", path("broker", "store"), "--key",
                   path("keys", "public-keys.yaml"))
        self.assertEqual(done.status, OK, done.out + done.err)

    def keys(self):
        """The live file of case keys, and its copy beside the backups."""
        folder = self.city.path("backups")
        copy, = [name for name in os.listdir(folder) if name.startswith("case-keys-")]
        for path in (self.two.store + "-case-keys", os.path.join(folder, copy)):
            with open(path, "rb") as file:
                yield file.read()

    def test_killed_at_every_step(self):
        kept = self.refer("云雀鸟丁", pdf(5000))
        self.good("agent", "backup", *self.socket)
        for point, erased in (("store.before-keys:1", False), ("store.after-keys:1", False),
                              ("store.before-keys:2", True), ("store.after-keys:2", True)):
            with self.subTest(point):
                gone = self.refer("画眉鸟戊", pdf(6000))
                self.two.stop()
                self.two.start(REFERRAL_FAULT=point)
                self.assertNotEqual(ctl("agent", "erase", gone["number"], *ORDER,
                                        *self.socket).status, OK)
                self.two.process.wait(30)
                self.two.close_sockets()
                self.two.start()
                if not erased:
                    self.opens(gone)
                    self.good("agent", "erase", gone["number"], *ORDER, *self.socket)
                self.assertIsNone(self.name_of(gone))
                self.assertEqual(*self.keys())  # an older copy would open it still
                for ending in (".old", ".new"):
                    self.assertFalse(os.path.exists(self.two.store + "-case-keys" + ending))
                self.opens(kept)


if __name__ == "__main__":
    unittest.main(verbosity=2)
