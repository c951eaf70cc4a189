#!/usr/bin/python3
"""The broker's status socket: each answer against the published schema, who may ask what, what a
change asks for and leaves behind. A real broker, and clients in processes with groups of their
own."""

import grp
import json
import os
import signal
import socket
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import support  # noqa: E402
from status_client import REASON, SCHEMA, City  # noqa: E402
from support import run_client  # noqa: E402

ROOT = os.geteuid() == 0
STREAMS = ("subscribe",)  # status_events.py has it


def child_asks(path, gids, lines, uid=0):
    """What a process with these groups is answered."""
    code = ("import os,socket,sys\n"
            "gids=[int(x) for x in sys.argv[2].split(',') if x]\n"
            "if os.geteuid()==0:\n"
            "    os.setgroups(gids[1:]); os.setgid(gids[0]); os.setuid(int(sys.argv[3]))\n"
            "raw=socket.socket(socket.AF_UNIX); raw.settimeout(20); raw.connect(sys.argv[1])\n"
            "raw.sendall(sys.stdin.buffer.read()); raw.shutdown(socket.SHUT_WR)\n"
            "data=b''\n"
            "while True:\n"
            "    piece=raw.recv(65536)\n"
            "    if not piece: break\n"
            "    data+=piece\n"
            "sys.stdout.buffer.write(data)\n")
    text = "".join(json.dumps(line) + "\n" for line in lines)
    result = subprocess.run([sys.executable, "-c", code, path, ",".join(map(str, gids)), str(uid)],
                            input=text.encode(), capture_output=True, check=True)
    return [json.loads(line) for line in result.stdout.splitlines()]


class Answers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.city = City()
        cls.agency = cls.city.agency("procuratorate")
        cls.agency.hello()
        (record, _), = cls.agency.submit([run_client.referral(cls.agency, 1)])
        assert record is not None and record.refusal == 0, record

    @classmethod
    def tearDownClass(cls):
        cls.agency.link.close()
        assert cls.city.close() == 0

    def number(self):
        return "JZ-%d-0001-01" % run_client.year_of(self.agency)

    def test_1_every_command_answers_as_the_schema_says(self):
        table = self.city.ask("commands")["commands"]
        members = {"case": {"id": self.number()}, "why": {"referral": self.number()},
                   "dead-show": {"id": 0}, "ping": {"agency": "education", "timeout_ms": 1}}
        for row in table:
            if not row["changes"] and row["name"] not in STREAMS:
                self.city.ask(row["name"], **members.get(row["name"], {}))
        listed = {"reply-" + row["name"] for row in table}
        self.assertEqual(listed - SCHEMA.whole["$defs"].keys(), set())
        self.city.ask("policy", version=1)
        self.city.ask("late", id=self.number())

    def test_2_a_change_needs_a_reason_and_is_a_leaf(self):
        size = self.city.ask("status")["log"]["size"]
        for reason in ({}, {"reason": ""}, {"reason": 7}, {"reason": "x" * 501},
                       {"reason": "   "}, {"reason": "a\nb"}, {"reason": "\u001b[2J"},
                       {"reason": "a \u202e b"}):
            answer = self.city.refused("status.reason", "clock-confirm", **reason)
            self.assertIn("without anybody's name", answer["hint"])
        trial = self.city.ask("clock-confirm", dry_run=True)
        self.assertEqual((trial["dry_run"], trial["leaf"]), (True, None))
        self.assertEqual(self.city.ask("status")["log"]["size"], size)
        done = self.city.ask("clock-confirm", reason=REASON)
        self.assertEqual((done["dry_run"], done["leaf"]), (False, size))
        self.assertEqual(self.city.ask("clock-reset", reason=REASON)["leaf"], None)

    def test_3_a_mistyped_member_is_refused(self):
        size = self.city.ask("status")["log"]["size"]
        answer = self.city.ask("clock-confirm", reason=REASON, **{"dry-run": True})
        self.assertFalse(answer["ok"])
        self.assertIn("dry_run", answer["message"] + answer["hint"])
        self.assertEqual(self.city.ask("status")["log"]["size"], size)
        self.assertFalse(self.city.ask("statsu")["ok"])

    def test_4_socat(self):
        result = subprocess.run(["socat", "-", "UNIX-CONNECT:" + self.city.path("status.sock")],
                                input=b'{"cmd":"status"}\n', capture_output=True, check=True)
        SCHEMA.answer("status", json.loads(result.stdout))


def spare_groups(count):
    """Groups of this machine that nobody is in, or the own one."""
    if not ROOT:
        return [grp.getgrgid(os.getgid())]
    return [group for group in grp.getgrall() if not group.gr_mem and group.gr_gid > 0][:count]


class Roles(unittest.TestCase):
    """Groups that are really there. Only root can be somebody else: without it, the own group,
    which observes, and the daemon's own user."""

    @classmethod
    def setUpClass(cls):
        cls.groups = spare_groups(3)
        names = ("status-observers", "status-operators", "status-auditors")[:len(cls.groups)]
        support.City.options = "".join("%s: %s\n" % (name, group.gr_name)
                                       for name, group in zip(names, cls.groups))
        try:
            cls.city = City()
        finally:
            support.City.options = ""
        os.chmod(cls.city.folder.name, 0o755)
        os.chmod(cls.city.path("status.sock"), 0o666)

    @classmethod
    def tearDownClass(cls):
        assert cls.city.close() == 0

    def as_member(self, gids, uid=65534):
        """Codes: of a question, of a change, of the audit log."""
        answers = child_asks(self.city.path("status.sock"), gids,
                             [{"cmd": "status"},
                              {"cmd": "clock-confirm", "dry_run": True}], uid)
        for answer, cmd in zip(answers, ("status", "clock-confirm")):
            SCHEMA.answer(cmd, answer)
        return [answer.get("code", "ok") for answer in answers]

    def test_roles_by_group(self):
        if not ROOT:
            self.assertEqual(self.as_member([os.getgid()]), ["ok", "ok"])  # the daemon's own user
            return
        observers, operators, auditors = (group.gr_gid for group in self.groups)
        self.assertEqual(self.as_member([65533]), ["status.role"])
        self.assertEqual(self.as_member([observers]), ["ok", "status.role"])
        self.assertEqual(self.as_member([65533, observers]), ["ok", "status.role"])
        self.assertEqual(self.as_member([65533, operators]), ["ok", "ok"])
        self.assertEqual(self.as_member([auditors]), ["ok", "status.role"])
        self.assertEqual(self.as_member([operators, auditors]), ["ok", "status.divided"])
        self.assertEqual(self.as_member([0], uid=0), ["ok", "ok"])

    def test_who_has_no_role_holds_no_place(self):
        if ROOT:
            answers = child_asks(self.city.path("status.sock"), [65533],
                                 [{"cmd": "status"}] * 3, 65534)
            self.assertEqual([answer["code"] for answer in answers], ["status.role"])

    def test_a_refusal_names_the_group(self):
        if ROOT:
            answer, = child_asks(self.city.path("status.sock"), [self.groups[0].gr_gid],
                                 [{"cmd": "clock-confirm", "reason": REASON}], 65534)
            self.assertIn(self.groups[1].gr_name, answer["hint"])


class Configurations(unittest.TestCase):
    def test_operator_and_auditor_are_refused(self):
        name = spare_groups(1)[0].gr_name
        city = City()
        try:
            for options, text in (
                    ("status-operators: %s\nstatus-auditors: %s\n" % (name, name),
                     "operator and auditor"),
                    ("status-observers: no-such-group-here\n", "no group \"no-such-group-here")):
                with open(city.path("broker.yaml"), encoding="utf-8") as file:
                    text_before = file.read()
                city.write("bad.yaml", text_before + options)
                result = subprocess.run(
                    [os.path.join(os.environ["REFERRAL_BIN"], "referral-broker"), "--config",
                     city.path("bad.yaml"), "--check"], capture_output=True, text=True, check=False)
                self.assertEqual(result.returncode, 78, result.stderr)
                self.assertRegex(result.stderr, r"bad\.yaml:\d+:\d+")
                self.assertIn(text, result.stderr)
        finally:
            city.close()


class Hostile(unittest.TestCase):
    """Clients that mean harm hold up nobody else."""

    def setUp(self):
        self.city = City()

    def tearDown(self):
        self.assertEqual(self.city.close(), 0)

    def test_one_user_has_sixteen_places(self):
        held = [self.city.status_socket() for _ in range(16)]
        beyond = self.city.status_socket()
        answer = json.loads(support.read_line(beyond))
        SCHEMA.check("refusal", answer)
        self.assertEqual(answer["code"], "status.busy")
        for raw in [*held, beyond]:
            raw.close()

    def test_lines_beyond_the_bound(self):
        with self.city.status_socket() as raw:
            raw.sendall(b"x" * 70000)
            answer = json.loads(support.read_line(raw))
        SCHEMA.check("refusal", answer)
        self.assertEqual(answer["code"], "status.too-long")

    def test_who_does_not_read_is_not_read_from(self):
        question = b'{"cmd":"policy","version":1}\n' * 2000
        with self.city.status_socket() as raw:
            raw.settimeout(3)
            sent = 0
            try:
                while sent < 200 * len(question):
                    sent += raw.send(question)
            except socket.timeout:
                pass
            self.assertLess(sent, 100 * len(question))  # else the broker took it all
            self.assertLess(self.city.memory()[0], 128 * 1024)
            self.city.ask("status")


class BrokenStore(unittest.TestCase):
    def test_the_daemon_stays_for_status_and_says_why(self):
        city = City()
        self.assertEqual(city.stop(), 0)
        with open(city.path("store/data.mdb"), "r+b") as file:
            data = bytearray(file.read())
            at = data.find(b"timekeeper")
            self.assertGreater(at, 0)
            while at > 0:  # in each page that has it: a bit of the row that the start reads
                data[at + 14] ^= 1
                at = data.find(b"timekeeper", at + 1)
            file.seek(0)
            file.write(data)
        with open(city.path("log"), "w+", encoding="utf-8") as log:
            city.stderr = log
            city.process = subprocess.Popen(
                [os.path.join(os.environ["REFERRAL_BIN"], "referral-broker"), "--config",
                 city.path("broker.yaml")], stderr=log)
            deadline = time.monotonic() + 20
            raw = socket.socket(socket.AF_UNIX)
            while raw.connect_ex(city.path("status.sock")) != 0:
                self.assertIsNone(city.process.poll())
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)
            raw.close()
            for cmd in ("status", "agencies", "clock-confirm"):
                answer = city.ask(cmd)
                self.assertFalse(answer["ok"])
                self.assertRegex(answer["code"], r"^store\.")
                self.assertTrue(answer["hint"])
            with self.assertRaises(OSError):
                socket.create_connection(("127.0.0.1", city.ports[0]), 1).close()
            city.process.send_signal(signal.SIGHUP)
            city.refused(answer["code"], "status")
            self.assertEqual(city.stop(), 1)
            log.seek(0)
            lines = [line for line in log.readlines() if answer["code"] in line
                     or answer["message"] in line]
        self.assertEqual(len(lines), 1, lines)
        city.folder.cleanup()


if __name__ == "__main__":
    unittest.main()
