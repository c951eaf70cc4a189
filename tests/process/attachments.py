#!/usr/bin/python3
"""Attachments through real programs: two agents and a broker that are killed while bytes travel.

A file of 20 MiB is attached, referred, killed on its way at each of the three, and opens at the
receiver; what was durable before a kill is not sent again. What must not be attached is refused, a
file that somebody changed in the broker's folder is seen by everybody, nothing in any folder is
plain, and what a message refers to outlasts the week of what none does (laboratory clock)."""

import base64
import hashlib
import os
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from agent_city import BIN, MATERIALS, SUITE, City, inbound, outbound, wait_for  # noqa: E402

MIB = 1 << 20
PIECE = 384 * 1024
DAY_MS = 86400000


def size_of_parts(folder):
    """Bytes of the largest part in a folder of attachments."""
    parts = os.path.join(folder, "parts")
    sizes = [0]
    for name in os.listdir(parts) if os.path.isdir(parts) else []:
        try:
            sizes.append(os.path.getsize(os.path.join(parts, name)))
        except FileNotFoundError:
            pass
    return max(sizes)


def files_of(folder):
    found = [os.path.join(path, name) for path, _, names in os.walk(folder) for name in names]
    return [path for path in found if os.path.isfile(path)]


def attach(agent, name, plain, at=0, upload=None):
    """In pieces, as a page would; answers the attachment."""
    if upload is None:
        upload = agent.must("attach", name=name, bytes=len(plain))["upload"]
    while True:
        answer = agent.must("attach-data", upload=upload, offset=at,
                            data=base64.b64encode(plain[at:at + PIECE]).decode())
        at = answer["have"]
        if answer["complete"]:
            return answer["attachment"]


def opened(agent, digest):
    plain = b""
    while True:
        answer = agent.must("attachment", digest=digest, offset=len(plain), count=PIECE)
        plain += base64.b64decode(answer["data"])
        if len(plain) >= answer["plain_bytes"] or not answer["data"]:
            return plain


def referral(digest, *recipients):
    materials = [{"kind": "transfer-letter", "digest": digest}] + MATERIALS[1:]
    return outbound(*recipients, materials=materials)


def pdf(size, mark=b"secret of a child"):
    return (b"%PDF-1.7\n" + mark + os.urandom(size))[:size]


class Attachments(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.city = City()
        cls.city.start_broker()
        cls.sender = cls.city.agent("procuratorate")
        cls.receiver = cls.city.agent("education")
        cls.broker_folder = cls.city.path("broker", "store-attachments")

    @classmethod
    def tearDownClass(cls):
        cls.city.close()

    def bytes_in(self):
        return self.city.status.ask(cmd="status")["counts"]["attachment_bytes_in"]

    def restart_broker(self):
        self.city.kill_broker()
        self.city.start_broker()

    def restart(self, agent):
        agent.kill()
        agent.start()

    def taken(self, sent):
        return self.sender.wait_row("outbox", "the referral to be taken", lambda row: (
            row["id"], row["state"]) == (sent["id"], "accepted"))

    def state_at(self, agent, digest):
        answer = agent.ask("attachment", digest=digest)
        return answer["state"] if answer["ok"] else answer["code"]

    def test_killed_on_its_way(self):
        """Adding, uploading and fetching go on where they stood, at whichever end it broke."""
        plain = pdf(20 * MIB)
        upload = self.sender.must("attach", name="卷宗.pdf", bytes=len(plain))["upload"]
        self.sender.must("attach-data", upload=upload, offset=0,
                         data=base64.b64encode(plain[:PIECE + 100]).decode())
        self.restart(self.sender)
        have = self.sender.must("attach-data", upload=upload)["have"]
        self.assertEqual(have, PIECE)  # whole chunks; what hung over is sent again
        attachment = attach(self.sender, None, plain, have, upload)
        digest, sealed = attachment["digest"], attachment["sealed_bytes"]
        self.assertEqual(attachment["state"], "attached")
        sent, = self.sender.must("send", message=referral(digest, "education"))["messages"]
        # the broker is killed while it gets them, then the sender
        wait_for("a first part at the broker", lambda: size_of_parts(self.broker_folder) > 2 * MIB)
        self.city.kill_broker()
        there = size_of_parts(self.broker_folder)
        self.assertLess(there, sealed)
        self.city.start_broker()
        wait_for("more of it", lambda: size_of_parts(self.broker_folder) > there + MIB)
        self.restart(self.sender)
        row = self.taken(sent)
        self.assertEqual(self.bytes_in(), sealed - there)  # nothing twice
        # the receiver has the message at once, and is killed while it fetches
        own = os.path.join(self.receiver.folder, "store-attachments")
        self.receiver.wait_row("inbox", "the referral", lambda got: got["id"] == row["id"])
        wait_for("a first part at the receiver", lambda: size_of_parts(own) > MIB
                 or self.state_at(self.receiver, digest) == "here")
        self.restart(self.receiver)
        wait_for("the attachment", lambda: self.state_at(self.receiver, digest) == "here")
        listed = self.receiver.must("attachments", id=row["referral"])["attachments"]
        self.assertEqual([(each["name"], each["type"], each["plain_bytes"], each["state"])
                          for each in listed], [("卷宗.pdf", "pdf", len(plain), "here")])
        self.assertEqual(opened(self.receiver, digest), plain)
        self.assertEqual(opened(self.sender, digest), plain)
        shown = self.receiver.must("show", id=row["id"])["message"]["body"]["attachments"]
        self.assertEqual(set(shown[0]), {"material", "name", "type", "plain_bytes"})  # no key
        for folder in (self.broker_folder, own, self.sender.folder):
            for path in files_of(folder):
                with open(path, "rb") as file:
                    self.assertNotIn(b"secret of a child", file.read())
        for folder in (self.broker_folder, own):
            blob = os.path.join(folder, digest[:2], digest[2:])
            with open(blob, "rb") as file:
                self.assertEqual(hashlib.new("sm3" if SUITE == "sm" else "sha256",
                                             file.read()).hexdigest(), digest)
            self.assertEqual(os.stat(blob).st_mode & 0o777, 0o600)

    def test_what_is_not_attached(self):
        for name, size, data, code in (
                ("a.exe", 10, None, "attachment.type"),
                ("a.pdf", 0, None, "attachment.empty"),
                ("a.pdf", 21 * MIB, None, "attachment.too-large"),
                ("../a.pdf", 10, None, "attachment.name"),
                ("a.pdf", 10, b"MZ\x90\0......", "attachment.type"),
                ("a.txt", 4, b"\0\1\2\3", "attachment.type"),
                ("a.docx", 8, b"PK\x03\x04....", "attachment.type"),
                ("a.pdf", 10, b"%PDF-1.7 and more", "attachment.offset")):
            answer = self.sender.ask("attach", name=name, bytes=size)
            if data is not None:
                answer = self.sender.ask("attach-data", upload=answer["upload"], offset=0,
                                         data=base64.b64encode(data).decode())
            self.assertEqual(answer["ok"] or answer["code"], code, name)
        answer = self.sender.ask("send", message=referral("7" * 64, "education"))
        self.assertEqual((answer["code"], answer["place"]),
                         ("attachment.unknown", "facts.materials[0].digest"))
        many = outbound("education", materials=MATERIALS + [MATERIALS[0]] * 96)
        self.assertFalse(self.sender.ask("send", message=many)["ok"])  # 101

    def test_command_line(self):
        path = self.city.path("说明.txt")
        plain = "说明：材料齐全。\n".encode()
        with open(path, "wb") as file:
            file.write(plain)
        ctl = [os.path.join(BIN, "referralctl"), "agent", "--socket", self.sender.path]
        made = subprocess.run(ctl + ["attach", path], capture_output=True, text=True, check=True)
        digest = made.stdout.split()[1]
        self.assertEqual(int(made.stdout.split()[3]), 32 + 4096 + 16)
        self.sender.must("send", message=referral(digest, "civil-affairs", "education"))
        wait_for("the attachment", lambda: self.state_at(self.receiver, digest) == "here")
        ctl[3] = self.receiver.path
        out = self.city.path("out.txt")
        subprocess.run(ctl + ["fetch", digest, "--out", out], check=True)
        with open(out, "rb") as file:
            self.assertEqual(file.read(), plain)
        self.assertEqual(subprocess.run(ctl + ["fetch", digest, "--out", out], check=False,
                                        capture_output=True).returncode, 4)  # it is there

    def test_changed_at_the_broker(self):
        """The receiver sees it, says so, and takes the right bytes when they are back."""
        digest = attach(self.sender, "b.pdf", pdf(300000))["digest"]
        self.receiver.stop()
        sent, = self.sender.must("send", message=referral(digest, "education"))["messages"]
        blob = os.path.join(self.broker_folder, digest[:2], digest[2:])
        wait_for("the blob", lambda: os.path.exists(blob))
        self.taken(sent)
        with open(blob, "r+b") as file:
            file.seek(1000)
            right = file.read(1)
            file.seek(1000)
            file.write(bytes([right[0] ^ 1]))
        self.receiver.start()
        wait_for("the alarm", lambda: digest in self.receiver.status().get("alarm", ""))
        self.assertEqual(self.state_at(self.receiver, digest), "on-the-way")
        answer = self.receiver.ask("attachment", digest=digest, count=10)
        self.assertEqual(answer["code"], "attachment.not-here")
        self.sender.must("send", message=outbound("education"))  # messages go on
        self.receiver.wait("it", lambda event: event["event"] == "received")
        with open(blob, "r+b") as file:
            file.seek(1000)
            file.write(right)
        self.restart(self.receiver)  # else in ten minutes
        wait_for("the right bytes", lambda: self.state_at(self.receiver, digest) == "here")

    def test_what_is_referred_to_stays(self):
        """Also when the clock goes over the week of what nobody refers to."""
        digest = attach(self.receiver, "c.pdf", pdf(100000))["digest"]
        sent = inbound()
        sent["facts"]["materials"] = [{"kind": "other", "digest": digest}]
        self.receiver.must("send", message=sent)
        self.receiver.wait_row("outbox", "the lead", lambda row: row["state"] == "accepted")
        self.assertTrue(self.city.status.ask(cmd="clock-confirm", reason="compared")["ok"])
        before = len(files_of(self.broker_folder))
        self.assertTrue(self.city.status.ask(cmd="lab-clock", both_ms=8 * DAY_MS)["ok"])
        self.assertEqual(len(files_of(self.broker_folder)), before)
        self.assertTrue(os.path.exists(os.path.join(self.broker_folder, digest[:2], digest[2:])))


if __name__ == "__main__":
    unittest.main(verbosity=2)
