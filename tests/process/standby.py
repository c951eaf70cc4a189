#!/usr/bin/python3
"""A broker and its standby as processes: the standby copies while messages come, follows, shows its
lag at both sides, takes over after a hand-over with every receipt as it was, and is never promoted
silently. kill -9 of either side in the middle: what was confirmed stays, and it goes on. The
senders of kills.py; nothing is judged by the standby's own word."""

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import kills  # noqa: E402
import run_client  # noqa: E402
from cli_support import OK, REFUSED, WARNING, Case, ctl  # noqa: E402
from status_schema import Schema  # noqa: E402

SCHEMA = Schema()
BIN = os.environ["REFERRAL_BIN"]
BROKER = os.path.join(BIN, "referral-broker")


def wait_for(what, seconds=60):
    """The first true answer."""
    deadline = time.monotonic() + seconds
    while True:
        answer = what()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError("did not come to be: %s" % what.__name__)
        time.sleep(0.02)


class City(run_client.City):
    options = "standby-journal-mib: 16\n"

    def make_configuration(self):
        super().make_configuration()
        with open(self.path("broker.yaml"), encoding="utf-8") as file:
            text = file.read()
        self.write("broker.yaml", text + self.options)
        port = run_client.free_port()
        self.other_port = port
        text = text.replace("store: store\n", "store: other\n")
        text = text.replace("status-socket: status.sock", "status-socket: other.sock")
        text = text.replace("tcp://127.0.0.1:%d" % self.ports[0], "tcp://127.0.0.1:%d" % port)
        text = text.replace("tls+tcp://127.0.0.1:%d" % self.ports[1],
                            "tls+tcp://127.0.0.1:%d" % run_client.free_port())
        self.write("other.yaml", text + "standby-of: status.sock\n" + self.options)
        self.standby = None

    def start_standby(self):
        self.standby = subprocess.Popen([BROKER, "--config", self.path("other.yaml"), "--standby"])

    def stop_standby(self):
        if self.standby is not None:
            self.standby.terminate()
            self.standby.wait(timeout=20)
            self.standby = None

    def ask(self, sock, cmd, **members):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(20)
            raw.connect(self.path(sock))
            raw.sendall(json.dumps({"cmd": cmd, **members}).encode() + b"\n")
            return json.loads(raw.makefile().readline())

    def other(self):
        """What the standby says of itself; {} when it says nothing."""
        try:
            answer = self.ask("other.sock", "standby-show")
        except (OSError, ValueError):
            return {}
        if answer["daemon"] == "standby":
            SCHEMA.check("reply-at-standby", answer)
        return answer["standby"]

    def level(self):
        """Both sides say that nothing is missing."""
        own = SCHEMA.answer("status", self.ask("status.sock", "status"))
        there = self.other()
        return (own["standby"]["state"] == "level" and there.get("whole") and
                there["log_size"] == own["log"]["size"] and there["state"] == "following")


class Standby(Case):
    def setUp(self):
        self.city = City()
        prefix = kills.prefixes()
        self.senders = [kills.Sender(self.city, name, prefix[name]) for name in kills.SENDERS[:3]]
        for sender in self.senders:
            sender.connect()

    def tearDown(self):
        for sender in self.senders:
            sender.agency.link.close()
        self.city.stop_standby()
        if self.city.process.poll() is None:
            self.city.process.terminate()
            self.city.process.wait(timeout=40)
        self.city.folder.cleanup()

    def load(self, rounds):
        for _ in range(rounds):
            for sender in self.senders:
                sender.submit([sender.payload() for _ in range(8)])

    def verify(self, store):
        result = subprocess.run([os.path.join(BIN, "referral-verify"), "--store",
                                 self.city.path(store), "--key",
                                 self.city.path("public-keys.yaml"), "--json"],
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stdout)
        return json.loads(result.stdout)

    def recheck_at_other(self):
        """Every receipt is given again by the one that took over."""
        for sender in self.senders:
            sender.agency.link.close()
        self.city.ports = (self.city.other_port, self.city.ports[1])
        count = 0
        for sender in self.senders:
            sender.recheck(list(sender.acknowledged))
            count += len(sender.acknowledged)
        return count

    def test_copied_under_load_followed_and_handed_over(self):
        self.load(4)
        sealed = os.urandom(700000)
        digest = self.senders[0].agency.upload(sealed)
        stop = threading.Event()

        def load_on():
            while not stop.is_set():
                self.load(1)

        thread = threading.Thread(target=load_on)
        thread.start()
        self.city.start_standby()
        wait_for(lambda: self.city.other().get("whole"))
        size = self.city.other()["log_size"]
        wait_for(lambda: self.city.other().get("log_size", 0) > size)  # it follows under load
        stop.set()
        thread.join()
        wait_for(self.city.level)
        late = self.senders[1].agency.upload(sealed + b"more")
        for name in (digest, late):  # the bytes of attachments come, too
            wait_for(lambda: os.path.exists(self.city.path(
                "other-attachments/%s/%s" % (name.hex()[:2], name.hex()[2:]))))
        wait_for(self.city.level)
        with open(self.city.path("other-attachments/%s/%s" % (digest.hex()[:2], digest.hex()[2:])),
                  "rb") as file:
            self.assertEqual(file.read(), sealed)
        wait_for(lambda: self.city.other()["attachments"] == 2)
        shown = ctl("--socket", self.city.path("status.sock"), "standby", "show")
        self.assertEqual(shown.status, OK, shown.err)
        self.assertIn("level", shown.out)
        # not silently: neither may a broker start with the copy, nor is it promoted by itself
        refused = subprocess.run([BROKER, "--config", self.city.path("other.yaml")],
                                 capture_output=True, text=True, check=False)
        self.assertEqual(refused.returncode, 1)
        promoted = ctl("--socket", self.city.path("other.sock"), "standby", "promote", "--reason",
                       "a test", "--json")
        self.assertEqual((promoted.status, promoted.json["code"]),
                         (REFUSED, "standby.not-handed-over"))
        # handed over: the old one ends, and never starts again with this store
        done = ctl("--socket", self.city.path("status.sock"), "standby", "hand-over", "--reason",
                   "a new machine", "--yes")
        self.assertEqual(done.status, OK, done.err)
        self.assertEqual(self.city.process.wait(timeout=40), 0)
        again = subprocess.run([BROKER, "--config", self.city.path("broker.yaml")],
                               capture_output=True, text=True, check=False)
        self.assertEqual(again.returncode, 78)
        self.assertIn("handed its log over", again.stderr)
        old = self.verify("store")
        promoted = ctl("--socket", self.city.path("other.sock"), "standby", "promote", "--reason",
                       "a new machine")
        self.assertEqual(promoted.status, OK, promoted.err)
        wait_for(self.took_over)
        count = self.recheck_at_other()
        self.load(1)  # and it goes on
        status = SCHEMA.answer("status", self.city.ask("other.sock", "status"))
        self.assertGreater(status["log"]["size"], old["records"])
        self.city.stop_standby()
        new = self.verify("other")
        self.assertGreater(new["records"], old["records"])
        started = subprocess.Popen([BROKER, "--config", self.city.path("other.yaml")])
        self.city.standby = started
        wait_for(lambda: self.ready("other.sock"))
        print("%d receipts the same at the standby, %d leaves" % (count, new["records"]),
              file=sys.stderr)

    def took_over(self):
        """Its socket is another process's for a moment."""
        try:
            return self.city.ask("other.sock", "status").get("daemon") == "broker"
        except (OSError, ValueError):
            return False

    def ready(self, sock):
        try:
            return self.city.ask(sock, "status")["ok"]
        except (OSError, ValueError):
            return False

    def follow_by_hand(self, marks):
        """Reads the journal until the broker ends: the last transaction, and which are marked."""
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(20)
            raw.connect(self.city.path("status.sock"))
            lines = raw.makefile()

            def ask(cmd, **members):
                raw.sendall(json.dumps({"cmd": cmd, **members}).encode() + b"\n")
                return json.loads(lines.readline())

            state = ask("standby-hello")
            after = state["last"]
            while True:
                try:
                    answer = ask("standby-read", epoch=state["epoch"], after=after, part=0,
                                 applied=after, log_size=0, whole_to=after,
                                 attachments_missing=0)
                except (OSError, ValueError):
                    return after  # it ended
                for piece in answer["pieces"]:
                    if b"handed-over" in base64.b64decode(piece["data"]):
                        marks.append(piece["transaction"])
                    after = max(after, piece["transaction"])

    def test_messages_were_taken_behind_the_mark_of_a_hand_over(self):
        """The mark says "all is there": requests that waited for the last turn came behind it."""
        marks, last = [], []
        follower = threading.Thread(target=lambda: last.append(self.follow_by_hand(marks)))
        follower.start()
        status = self.city.path("status.sock")

        def followed():
            shown = ctl("--socket", status, "standby", "show", "--json")
            return shown.json["standby"]["state"] == "level"
        wait_for(followed)

        def load_on(sender):
            try:
                while True:
                    sender.submit([sender.payload() for _ in range(8)])
            except Exception:  # the broker ends  # pylint: disable=broad-except
                pass
        threads = [threading.Thread(target=load_on, args=(sender,)) for sender in self.senders]
        for thread in threads:
            thread.start()
        done = ctl("--socket", status, "standby", "hand-over", "--reason", "a test", "--yes")
        self.assertEqual(done.status, OK, done.err)
        self.assertEqual(self.city.process.wait(timeout=40), 0)
        follower.join()
        for sender in self.senders:
            sender.agency.link.close()
        for thread in threads:
            thread.join(timeout=60)
        self.assertEqual(marks, last)

    def test_handed_over_without_the_attachments(self):
        """Whoever holds the receipt of a message finds its attachment after a hand-over."""
        digest = self.senders[0].agency.upload(os.urandom(70000)).hex()
        there = self.city.path("store-attachments/%s/%s" % (digest[:2], digest[2:]))
        os.rename(there, there + ".aside")
        self.city.start_standby()
        status = self.city.path("status.sock")

        def told():
            shown = ctl("--socket", status, "standby", "show", "--json").json["standby"]
            return shown["attachments_missing"] == 1 and shown["state"] == "behind"
        wait_for(told)
        hand_over = ("--socket", status, "standby", "hand-over", "--reason", "a test", "--yes")
        refused = ctl(*hand_over, "--json")
        self.assertEqual((refused.status, refused.json["code"]), (REFUSED, "standby.attachments"))
        os.rename(there + ".aside", there)
        wait_for(self.city.level)
        self.senders[0].agency.upload(os.urandom(80000))  # it need not be looked for first
        self.assertEqual(ctl(*hand_over).status, OK)
        self.assertEqual(self.city.process.wait(timeout=40), 0)
        wait_for(lambda: self.city.other()["attachments"] == 2)
        self.assertEqual(self.city.other()["attachments_missing"], 0)

    @unittest.skipUnless(os.environ.get("REFERRAL_LONG"), "long")
    def test_kills_of_either_side(self):
        self.load(2)
        self.city.start_standby()
        wait_for(self.city.level)
        for victim in ("standby", "primary", "standby", "primary"):
            self.load(1)
            if victim == "standby":
                self.city.standby.kill()
                self.city.standby.wait()
                self.load(1)
                self.city.start_standby()
            else:
                self.city.kill()
                self.city.start()
                for sender in self.senders:
                    sender.agency.link.close()
                    sender.connect()
                self.load(1)
            wait_for(self.city.level)
        size = self.city.ask("status.sock", "status")["log"]["size"]
        self.city.stop_standby()
        self.assertEqual(self.verify("other")["records"], size)

    def test_lost_without_a_hand_over(self):
        self.load(2)
        self.city.start_standby()
        wait_for(self.city.level)
        self.city.kill()
        shutil.rmtree(self.city.path("store"))
        wait_for(lambda: self.city.other().get("state") == "connecting")
        shown = ctl("--socket", self.city.path("other.sock"), "standby", "show")
        self.assertEqual(shown.status, WARNING)
        trial = ctl("--socket", self.city.path("other.sock"), "standby", "promote", "--lost",
                    "--dry-run", "--json")
        self.assertEqual((trial.status, trial.json["dry_run"]), (OK, True))
        promoted = ctl("--socket", self.city.path("other.sock"), "standby", "promote", "--lost",
                       "--reason", "its disk died", "--yes")
        self.assertEqual(promoted.status, OK, promoted.err)
        wait_for(self.took_over)
        self.assertEqual(self.recheck_at_other(), 3 * 2 * 8)  # it was level: nothing is missing

    def test_behind_the_journal_it_copies_anew(self):
        self.city.process.terminate()
        self.assertEqual(self.city.process.wait(timeout=20), 0)
        with open(self.city.path("broker.yaml"), encoding="utf-8") as file:
            text = file.read()
        self.city.write("broker.yaml", text.replace("standby-journal-mib: 16",
                                                    "standby-journal-mib: 0"))
        self.city.start()
        for sender in self.senders:
            sender.agency.link.close()
            sender.connect()
        self.city.start_standby()
        wait_for(lambda: self.city.other().get("code") == "standby.off")
        status = SCHEMA.answer("status", self.city.ask("status.sock", "status"))
        self.assertIsNone(status["standby"])
        self.city.process.terminate()
        self.assertEqual(self.city.process.wait(timeout=20), 0)
        self.city.write("broker.yaml", text)
        self.city.start()
        for sender in self.senders:
            sender.agency.link.close()
            sender.connect()
        self.load(1)
        wait_for(self.city.level)
        # another epoch: what was written without a journal is not missed
        self.city.standby.kill()
        self.city.standby.wait()
        self.city.kill()
        self.city.write("broker.yaml", text.replace("standby-journal-mib: 16",
                                                    "standby-journal-mib: 0"))
        self.city.start()
        self.city.process.terminate()
        self.assertEqual(self.city.process.wait(timeout=20), 0)
        self.city.write("broker.yaml", text)
        self.city.start()
        self.city.start_standby()
        wait_for(self.city.level)

    def test_another_city_and_another_key(self):
        self.load(1)
        with open(self.city.path("other.yaml"), encoding="utf-8") as file:
            text = file.read()
        self.city.write("key2", "")
        made = ctl("keys", "generate", "--suite", run_client.client.SUITE.name,
                   "--agency", "broker", "--out", self.city.path("foreign"))
        self.assertEqual(made.status, OK, made.err)
        self.city.write("other.yaml", text.replace("store-key: store.key",
                                                   "store-key: foreign/store.key"))
        self.city.start_standby()
        self.assertEqual(self.city.standby.wait(timeout=20), 1)
        self.city.write("other.yaml", text.replace("store: other\n", "store: store\n"))
        self.city.start_standby()
        self.assertEqual(self.city.standby.wait(timeout=20), 1)  # the broker has it open
        self.city.standby = None


if __name__ == "__main__":
    unittest.main()
