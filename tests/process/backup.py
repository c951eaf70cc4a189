#!/usr/bin/python3
"""The drill: a city under load, backups meanwhile, kill -9, the disk lost, restored on "another
host" from the file, the attachments' folder and the recovery secret alone; every message that was
acknowledged before the backup has the same receipt, byte for byte, and the verifier passes the log.
Besides: what the commands refuse, and what a backup that cannot be made leaves. Real programs; the
senders of kills.py."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import kills  # noqa: E402
import run_client  # noqa: E402
from cli_support import FAILED, OK, REFUSED, USAGE, WARNING, Case, ctl  # noqa: E402
from status_schema import Schema  # noqa: E402

SCHEMA = Schema()
BIN = os.environ["REFERRAL_BIN"]


class City(run_client.City):
    """The broker on a disk of its own: what is lost is lost whole."""

    def make_configuration(self):
        self.disk = self.path("disk")
        self.backups = self.path("backups")
        os.mkdir(self.disk)
        result = ctl("keys", "recovery", "--suite", run_client.client.SUITE.name, "--out",
                     self.path("safe"))
        assert result.status == OK, result.err
        shutil.copy(self.path("safe/recovery.pub"), self.path("recovery.pub"))
        super().make_configuration()
        with open(self.path("broker.yaml"), encoding="utf-8") as file:
            text = file.read()
        text = text.replace("store: store\n", "store: disk/store\n")
        self.write("broker.yaml", text + "backup-folder: backups\nrecovery-key: recovery.pub\n"
                                         "backup-keep: 3\n")

    def backup(self, *words, status=OK):
        result = ctl("--socket", self.path("status.sock"), "backup", *words, "--json")
        assert result.status == status, (result.status, result.out, result.err)
        return result.json["backup"] if status == OK else result.json

    def ask(self, cmd, **members):
        """The broker's answer, as the schema has it."""
        raw = subprocess.run(["socat", "-t20", "-", "UNIX-CONNECT:" + self.path("status.sock")],
                             input=json.dumps({"cmd": cmd, **members}).encode() + b"\n",
                             capture_output=True, check=True).stdout
        return SCHEMA.answer(cmd, json.loads(raw))

    def restore_words(self, file, out):
        return ("restore", file, "--recovery-key", self.path("safe/recovery.key"), "--out", out,
                "--key", self.path("public-keys.yaml"))


def newest(folder):
    listed = ctl("backup", "ls", folder, "--json")
    assert listed.status == OK, listed.err
    return os.path.join(folder, listed.json["backups"][0]["name"])


class Drill(Case):
    def setUp(self):
        self.city = City()
        prefix = kills.prefixes()
        self.senders = [kills.Sender(self.city, name, prefix[name]) for name in kills.SENDERS[:4]]
        for sender in self.senders:
            sender.connect()

    def tearDown(self):
        for sender in self.senders:
            sender.agency.link.close()
        self.city.close()

    def load(self, rounds):
        for _ in range(rounds):
            for sender in self.senders:
                sender.submit([sender.payload() for _ in range(16)])

    def lose(self):
        """kill -9, and the disk with it."""
        self.city.kill()
        for sender in self.senders:
            sender.agency.link.close()
        shutil.rmtree(self.city.disk)

    def restore(self, file):
        """On the host that takes its place; what it says, and how long it took."""
        started = time.monotonic()
        result = self.good(*self.city.restore_words(file, self.city.path("restored")), "--json")
        seconds = time.monotonic() - started
        os.rename(self.city.path("restored/store.key"), self.city.path("store.key"))
        os.mkdir(self.city.disk)
        for name in ("store", "store-attachments"):
            if os.path.exists(self.city.path("restored/" + name)):
                os.rename(self.city.path("restored/" + name), os.path.join(self.city.disk, name))
        return result.json, seconds

    def restore_and_start(self, file):
        result = self.restore(file)
        self.city.start()
        return result

    def check_receipts(self, limit):
        """Each receipt of a leaf below `limit` is given again; how many."""
        count = 0
        for sender in self.senders:
            kept = {payload: bytes_ for payload, bytes_ in sender.acknowledged.items()
                    if kills.r.Receipt.FromString(bytes_).leaf_index < limit}
            sender.acknowledged = kept
            sender.recheck(list(kept))
            count += len(kept)
        return count

    def verify(self):
        program = os.path.join(BIN, "referral-verify")
        result = subprocess.run([program, "--store", os.path.join(self.city.disk, "store"), "--key",
                                 self.city.path("public-keys.yaml"), "--json"],
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_nothing_acknowledged_before_the_backup_is_missing(self):
        self.load(2)
        stop, made, slowest = threading.Event(), [], [0.0]

        def backups():
            while not stop.is_set() or len(made) < 4:
                made.append(self.city.backup())

        thread = threading.Thread(target=backups)
        thread.start()
        for _ in range(12):
            started = time.monotonic()
            self.load(1)
            slowest[0] = max(slowest[0], time.monotonic() - started)
        stop.set()
        thread.join()
        self.assertGreaterEqual(len(made), 4)
        self.load(1)  # after the last backup: for the agents to hand back
        self.city.process.send_signal(19)  # no last write is let through
        file = newest(self.city.backups)
        self.lose()
        answer, seconds = self.restore_and_start(file)
        count = self.check_receipts(answer["log_size"])
        self.assertGreaterEqual(count, 2 * 4 * 16)  # at least what was there before the first
        self.assertEqual(len(os.listdir(self.city.backups)), 3 + 1)  # backup-keep, attachments
        self.assertEqual(sorted(os.listdir(self.city.path("restored/config"))),
                         ["agencies.yaml", "broker.yaml", "calendars", "policy.yaml",
                          "public-keys.yaml"])
        self.city.process.terminate()
        self.assertEqual(self.city.process.wait(timeout=20), 0)
        self.verify()
        self.city.start()
        print("%d backups under load (64 messages took at most %.2f s), %d receipts the same after "
              "a restore of %.2f s" % (len(made), slowest[0], count, seconds), file=sys.stderr)

    def test_at_rest_nothing_at_all_is_missing(self):
        self.load(3)
        made = self.city.backup("--reason", "before the disk dies")
        self.lose()
        answer, _ = self.restore_and_start(made["last"]["file"])
        self.assertEqual(answer["log_size"], made["last"]["log_size"])
        self.assertEqual(self.check_receipts(answer["log_size"]), 3 * 4 * 16)

    def test_a_new_log_on_what_was_restored_is_backed_up_and_verified(self):
        """Its checkpoints have another origin than the public keys."""
        self.load(2)
        file = self.city.backup()["last"]["file"]
        self.load(1)  # agencies hold more than the backup
        self.lose()
        self.restore(file)
        opened = subprocess.run(
            [os.path.join(BIN, "referral-broker"), "--config", self.city.path("broker.yaml"),
             "--open-new-log", "--reason", "the disk died", "--yes"],
            capture_output=True, text=True, check=False)
        self.assertEqual(opened.returncode, 0, opened.stderr)
        self.city.start()
        made = self.city.backup()
        self.good("backup", "verify", made["last"]["file"], "--key",
                  self.city.path("public-keys.yaml"), "--recovery-key",
                  self.city.path("safe/recovery.key"))

    def test_what_is_said_and_refused(self):
        self.load(1)
        size = self.city.ask("status")["log"]["size"]
        trial = self.city.backup("--dry-run")
        self.assertEqual((trial["state"], self.city.ask("status")["log"]["size"]), ("never", size))
        made = self.city.backup()
        self.assertEqual(self.city.ask("backup-show")["backup"], made)
        self.assertEqual(self.city.ask("status")["backup"], made)
        self.assertEqual(made["last"]["log_size"], size + 1)  # the act is a leaf before it begins
        file = made["last"]["file"]
        shown = self.good("--socket", self.city.path("status.sock"), "backup", "show").out
        self.assertIn(file, shown)
        self.good("backup", "verify", file)
        whole = self.good("backup", "verify", file, "--recovery-key",
                          self.city.path("safe/recovery.key"), "--key",
                          self.city.path("public-keys.yaml"), "--json").json
        self.assertTrue(whole["content_verified"] and whole["owner_verified"])
        self.good(*self.city.restore_words(file, self.city.path("trial")), "--dry-run")
        self.assertFalse(os.path.exists(self.city.path("trial")))
        # a newer broker or agent is known
        older = ctl(*self.city.restore_words(file, self.city.path("older")), "--known-size",
                    str(size + 10))
        self.assertEqual(older.status, WARNING)
        self.assertIn("older than what is known", older.err)
        # another city's key, another kind of key, an occupied folder
        other = self.city.path("other.yaml")
        with open(self.city.path("public-keys.yaml"), encoding="utf-8") as source, \
                open(other, "w", encoding="utf-8") as target:
            target.write(source.read().replace(run_client.ORIGIN, "elsewhere.example/broker"))
        self.bad(REFUSED, "no key of it there signed", "backup", "verify", file, "--key", other)
        self.bad(REFUSED, "key", "restore", file, "--recovery-key", self.city.path("store.key"),
                 "--out", self.city.path("trial"))
        self.bad(REFUSED, "no empty folder",
                 *self.city.restore_words(file, self.city.path("older")))
        self.bad(REFUSED, "no empty folder",
                 *self.city.restore_words(file, self.city.path("older")), "--dry-run")
        nobody = ctl("restore", file, "--recovery-key", self.city.path("safe/recovery.key"),
                     "--out", self.city.path("nobodys"))
        self.assertEqual(nobody.status, WARNING)
        self.assertIn("who signed", nobody.err)
        self.bad(USAGE, "--out", "restore", file, "--recovery-key", other)
        self.bad(REFUSED, "cannot read the folder", "backup", "ls", self.city.path("nowhere"))

    def test_every_region_of_a_file_counts(self):
        self.load(1)
        file = self.city.backup()["last"]["file"]
        with open(file, "rb") as source:
            good = source.read()
        broken = self.city.path("broken.backup")
        before = sorted(os.listdir(self.city.folder.name))
        for at in range(0, len(good), max(1, len(good) // 24)):
            changed = bytearray(good)
            changed[at] ^= 1
            for bytes_ in (bytes(changed), good[:at]):
                with open(broken, "wb") as target:
                    target.write(bytes_)
                result = ctl(*self.city.restore_words(broken, self.city.path("trial")))
                self.assertEqual(result.status, REFUSED, (at, result.err))
                self.assertEqual(result.err.count("\n"), 1, result.err)
        os.unlink(broken)
        self.assertEqual(sorted(os.listdir(self.city.folder.name)), before)

    def test_a_backup_that_cannot_be_made(self):
        with tempfile.TemporaryDirectory() as folder:
            blocked = os.path.join(folder, "file")
            with open(blocked, "w", encoding="utf-8"):
                pass
            answer = self.city.backup("--out", blocked, status=FAILED)
            self.assertIn("folder", answer["message"])
            # one elsewhere says nothing of those in the usual folder
            state = self.city.ask("status")["backup"]
            self.assertEqual((state["failures"], state["failure"], state["last"]), (0, None, None))
            self.assertTrue(self.city.backup("--out", folder)["made"]["file"].startswith(folder))
            self.assertIsNone(self.city.ask("status")["backup"]["last"])
        shutil.rmtree(self.city.backups, ignore_errors=True)
        with open(self.city.backups, "w", encoding="utf-8"):
            pass
        self.city.backup(status=FAILED)
        self.assertEqual(self.city.ask("status")["backup"]["failures"], 1)
        shown = ctl("--socket", self.city.path("status.sock"), "backup", "show")
        self.assertEqual(shown.status, WARNING)
        self.assertIn("backups", shown.err)
        os.unlink(self.city.backups)
        self.city.backup()  # a good one ends the warning
        self.assertEqual(self.city.ask("status")["backup"]["failures"], 0)
        self.city.backup("--out", "relative", status=REFUSED)


class Restarted(unittest.TestCase):
    def test_a_backup_of_before_is_not_the_one_asked_for(self):
        """The broker restarted between two questions, and the old backup was taken for the new."""
        made = {"file": "/b/broker-1.backup", "made_ms": 1, "log_size": 1, "rows": 1,
                "content_bytes": 1, "file_bytes": 1, "attachments": 0, "attachment_bytes": 0}
        frame = {"schema": 1, "ok": True, "daemon": "broker"}
        none = {"folder": "/b", "rows": 0, "bytes": 0, "attachments": 0, "made": None,
                "error": None, "last": made, "failures": 0, "failure": None}
        for later in ({"state": "never", "started_ms": 0}, {"state": "running", "started_ms": 9},
                      {"state": "done", "started_ms": 9, "made": made}):
            answers = [{**frame, "dry_run": False, "leaf": 7, "backup":
                        {**none, "state": "running", "started_ms": 5}},
                       {**frame, "backup": {**none, **later}}]
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "broker.sock")
                server = socket.socket(socket.AF_UNIX)
                server.bind(path)
                server.listen()

                def answer_all():
                    for answer in answers:
                        client, _ = server.accept()
                        with client:
                            client.makefile().readline()
                            client.sendall(json.dumps(answer).encode() + b"\n")
                thread = threading.Thread(target=answer_all)
                thread.start()
                result = ctl("--socket", path, "backup", "--json")
                thread.join()
                server.close()
            self.assertEqual((result.status, result.json["code"]), (FAILED, "backup.unknown"))


class Unconfigured(unittest.TestCase):
    def test_without_a_key_there_is_none(self):
        city = run_client.City()
        try:
            result = ctl("--socket", city.path("status.sock"), "backup", "--json")
            self.assertEqual(result.status, REFUSED)
            self.assertEqual(result.json["code"], "backup.no-folder")
            result = ctl("--socket", city.path("status.sock"), "backup", "--out", city.path("b"),
                         "--json")
            self.assertEqual(result.json["code"], "backup.no-key")
            # named, and no key: said before anything starts
            with open(city.path("broker.yaml"), encoding="utf-8") as file:
                text = file.read()
            city.write("bad.yaml", text + "recovery-key: store.key\n")
            check = subprocess.run([os.path.join(BIN, "referral-broker"), "--config",
                                    city.path("bad.yaml"), "--check"], capture_output=True,
                                   text=True, check=False)
            self.assertEqual(check.returncode, 78)
            self.assertIn("recovery.pub", check.stderr)
        finally:
            city.close()


if __name__ == "__main__":
    unittest.main()
