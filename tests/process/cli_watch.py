#!/usr/bin/python3
"""`referralctl watch` in a pseudo-terminal: what is on the page, that an outage is on it at once,
that the terminal is as it was whatever ended the program; and the page and the events without a
terminal. A scripted broker speaks docs/status.schema.json, so that each state can be had; a real
one is killed and started again in cli_operate.py. Waits end with what they wait for."""

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unicodedata
import unittest

from cli_support import BIN, OK, REFUSED, UNREACHABLE, USAGE, Case

NOW = 1792376712000  # 2026-10-19T10:25:12+08:00
NAMES = (("procuratorate", "检察院"), ("civil-affairs", "民政局"), ("education", "教育局"),
         ("health", "卫生健康委员会"), ("housing", "住房和城乡建设局"), ("labour", "人社局"),
         ("medical-insurance", "医疗保障局"), ("disabled-federation", "残疾人联合会"),
         ("justice", "司法局"), ("women-federation", "妇女联合会"), ("youth-league", "共青团委"))
DEADLINE = 20


class FakeBroker:
    """Answers from tables that a test changes; events are pushed to those who subscribed."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "status.sock")
        self.rows = [{"id": name, "name_zh": zh, "name_en": name, "state": "registered", "up": True,
                      "heard_ms": NOW - 3000, "waiting": 0, "oldest_ms": 0,
                      "witnessed_size": 40, "witnessed_ms": NOW} for name, zh in NAMES]
        self.ages = {name: {} for name, _ in NAMES}
        self.due = []
        self.leaves = [{"event": "start", "at_ms": NOW - 60000}]
        self.refuse = None
        self.stuck = threading.Event()
        self.watchers, self.asked, self.clients = [], [], []
        self.lock = threading.Lock()
        self.start()

    def start(self):
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.path)
        self.server.listen()
        self.thread = threading.Thread(target=self.accept, args=(self.server,), daemon=True)
        self.thread.start()

    def stop(self):
        """As a process that ends: the file stays, connections close."""
        self.server.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.server.close()
        with self.lock:
            for client in self.clients:
                try:
                    client.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            self.clients, self.watchers = [], []

    def restart(self):
        os.unlink(self.path)
        self.start()

    def accept(self, server):
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with self.lock:
                self.clients.append(client)
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, client.makefile("rb") as lines:
            try:
                for line in lines:
                    while self.stuck.is_set():
                        time.sleep(0.01)
                    self.answer(client, json.loads(line))
            except OSError:
                pass

    def say(self, client, value):
        client.sendall(json.dumps({"schema": 1, **value}, ensure_ascii=False).encode() + b"\n")

    def answer(self, client, question):
        with self.lock:
            self.asked.append(question)
            if self.refuse == question["cmd"]:
                self.say(client, {"ok": False, "daemon": "broker", "code": "status.role",
                                  "place": "cmd", "message": "needs a role", "hint": "ask root"})
                return
            self.say(client, {"ok": True, "daemon": "broker", **self.members(question)})
            if question["cmd"] == "subscribe":
                self.watchers.append(client)
                for row in self.rows:
                    self.say(client, self.presence(row))
                after = question.get("after", len(self.leaves) - 1)
                for position in range(after + 1, len(self.leaves)):
                    self.say(client, {"position": position, **self.leaves[position]})

    def presence(self, row):
        return {"event": "agency", "agency": row["id"], "up": row["up"], "state": row["state"],
                "heard_ms": row["heard_ms"]}

    def members(self, question):
        cmd = question["cmd"]
        if cmd == "status":
            return {"software": "x", "origin": "watch.example/broker", "calendar": "2026-1",
                    "calendar_missing": 0, "redating": False, "agencies": len(self.rows),
                    "store_percent": 12, "accepts": True, "laboratory": False,
                    "clock": {"broker_ms": NOW, "wall_ms": NOW, "held": "none",
                              "confirmed_ms": NOW, "wait_until_ms": 0},
                    "counts": {"messages": 41, "refused": 2, "rungs": 3}, "dead": 0,
                    "link": {"connections": 12},
                    "log": {"size": len(self.leaves), "root": "0" * 64}}
        if cmd == "agencies":
            return {"agencies": self.rows}
        if cmd == "queue":
            return {"queues": [{"id": row["id"], "name_zh": row["name_zh"],
                                "waiting": sum(self.ages[row["id"]].values()),
                                **{age: self.ages[row["id"]].get(age, 0) for age in
                                   ("10m", "1h", "1d", "3d", "7d", "older")}}
                               for row in self.rows]}
        if cmd == "due":
            return {"due": self.due, "truncated": False}
        return {"after": question.get("after", len(self.leaves) - 1), "size": len(self.leaves),
                "origin": "watch.example/broker"}

    def happen(self, **leaf):
        with self.lock:
            self.leaves.append({"at_ms": NOW, **leaf})
            for client in self.watchers:
                self.say(client, {"position": len(self.leaves) - 1, **self.leaves[-1]})

    def change(self, name, **members):
        """An agency's row, and its event where its presence changes."""
        with self.lock:
            row = next(row for row in self.rows if row["id"] == name)
            row.update(members)
            for client in self.watchers:
                self.say(client, self.presence(row))


def width(text):
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


class Terminal:
    """`watch` in a terminal of this size; the page as it stands there."""

    def __init__(self, path, columns=80, rows=24, program=None, **variables):
        self.master, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.resize(columns, rows)
        self.process = subprocess.Popen(
            program or [os.path.join(BIN, "referralctl"), "watch", "--socket", path],
            stdin=slave, stdout=slave, stderr=subprocess.PIPE, start_new_session=True,
            env={"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LC_ALL": "C", **variables},
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.text = ""
        self.raw = b""

    def resize(self, columns, rows):
        self.columns, self.rows = columns, rows
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def key(self, key):
        os.write(self.master, key.encode())

    def read(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            piece = os.read(self.master, 65536)
        except OSError:
            return False
        self.raw += piece
        return bool(piece)

    @property
    def page(self):
        """The newest whole page as its lines, without styles."""
        frames = re.findall(r"\x1b\[H(.*?)\x1b\[J", self.raw.decode(errors="replace"), re.S)
        if not frames:
            return []
        plain = re.sub(r"\x1b\[[0-9;]*[mK]", "", frames[-1])
        return re.split("\r+\n", plain)

    def wait(self, what, condition):
        """The seconds until the page is so."""
        start = time.monotonic()
        while not (self.page and condition("\n".join(self.page))):
            if time.monotonic() > start + DEADLINE:
                raise AssertionError("no %s on:\n%s" % (what, "\n".join(self.page)))
            self.read(0.1)
        return time.monotonic() - start

    def end(self, signal_number=None):
        """Ends it by a key or a signal; the exit status, all output read."""
        if signal_number is None:
            self.key("q")
        else:
            self.process.send_signal(signal_number)
        start = time.monotonic()
        while self.process.poll() is None and time.monotonic() < start + DEADLINE:
            self.read(0.05)
        while self.read(0):
            pass
        return self.process.wait(timeout=1)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()
        os.close(self.master)
        os.close(self.slave)


class Watching(Case):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="referral-watch-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.broker = FakeBroker(self.folder)
        self.addCleanup(self.broker.stop)

    def watch(self, **options):
        terminal = Terminal(self.broker.path, **options)
        self.addCleanup(terminal.close)
        terminal.wait("first page", lambda page: "agencies up" in page or "to look at" in page)
        return terminal

    def row(self, terminal, name):
        return next(line for line in terminal.page[3:] if line.startswith(name + " "))


class OnATerminal(Watching):
    def test_the_page(self):
        self.broker.ages["civil-affairs"] = {"10m": 3, "7d": 12, "older": 1}
        self.broker.due = [
            {"referral": "JZ-2026-0032-01", "state": "delivered",
             "clock": {"clock": "feedback-outbound", "responsible": "education", "raised": [],
                       "due": "2026-10-21"}},
            {"referral": "JZ-2026-0031-02", "state": "delivered",
             "clock": {"clock": "sign-for", "responsible": "health", "raised": [],
                       "due": "2026-10-16"}}]
        for position in range(1, 30):
            self.broker.happen(event="accepted", kind="outbound-referral", to="education",
                               number="JZ-2026-%04d-01" % position, **{"from": "procuratorate"})
        terminal = self.watch()
        terminal.wait("events", lambda page: "JZ-2026-0029-01" in page)
        page = terminal.page
        self.assertEqual(len(page), 24)
        self.assertLessEqual(max(map(width, page)), 80)
        self.assertTrue(page[0].startswith("watch.example/broker  all agencies up"), page[0])
        self.assertRegex(page[0], r"  2026-10-19T10:25:\d\d\+08:00$")
        self.assertRegex(self.row(terminal, "civil-affairs"),
                         r"^civil-affairs +up +3 +\. +\. +\. +12 +1 +16  民政局$")
        self.assertRegex(self.row(terminal, "all"), r"^all +3 +\. +\. +\. +12 +1 +16$")
        rows = [self.row(terminal, name) for name, _ in NAMES] + [self.row(terminal, "AGENCY")]
        self.assertEqual(len({re.match(r".*  (?=\S+$)", line).end() for line in rows}), 1, page)
        windows = [line for line in page if re.match(r"2026-10-(16|21)", line)]
        self.assertRegex(windows[0], r"^2026-10-16 late +JZ-2026-0031-02 +sign-for +health$")
        self.assertRegex(windows[1], r"^2026-10-21 +JZ-2026-0032-01 +feedback-outbound +education$")
        newest = page[page.index("LAST EVENTS") + 1]
        self.assertRegex(newest, r"accepted +outbound-referral +JZ-2026-0029-01 +procuratorate")
        self.assertEqual(terminal.end(), OK)

    def test_sizes(self):
        terminal = self.watch()
        for columns, rows in ((120, 40), (40, 10), (80, 24), (200, 60), (20, 5), (1, 1)):
            terminal.resize(columns, rows)
            terminal.wait("page of %d lines" % rows, lambda page: page.count("\n") == rows - 1)
            self.assertLessEqual(max(map(width, terminal.page)), columns)
        self.assertEqual(terminal.end(), OK)

    def test_many_agencies(self):
        """What is not well comes first; the rest is counted, not hidden."""
        self.broker.rows += [{**self.broker.rows[0], "id": "banner-%03d" % i, "name_zh": "旗"}
                             for i in range(99)]
        self.broker.ages.update({"banner-%03d" % i: {} for i in range(99)})
        self.broker.change("banner-077", up=False, heard_ms=NOW - 3600000)
        terminal = Terminal(self.broker.path)
        self.addCleanup(terminal.close)
        terminal.wait("the one that is down", lambda page: "1 down" in page)
        self.assertRegex(self.row(terminal, "banner-077"), "^banner-077 +DOWN 60 min .*  旗$")
        self.assertEqual(terminal.page[4], self.row(terminal, "banner-077"))
        shown = 1 + sum(1 for line in terminal.page if re.search(r" up .*  \S+$", line))
        self.assertIn("and %d more" % (110 - shown), "\n".join(terminal.page))
        self.assertEqual(len(terminal.page), 24)

    def test_an_agency_goes_down(self):
        terminal = self.watch()
        self.broker.change("education", up=False, heard_ms=NOW - 240000)
        seconds = terminal.wait("education down", lambda page: "DOWN 4 min" in page)
        self.assertLess(seconds, 3)
        self.assertIn("  1 down  ", terminal.page[0])
        self.assertIn("education 教育局: DOWN", terminal.page[2])
        terminal.wait("event", lambda page: re.search("agency  education  DOWN", page))
        self.broker.change("education", up=True, heard_ms=NOW)
        terminal.wait("education up", lambda page: "all agencies up" in page)

    def test_lights(self):
        self.broker.change("health", waiting=2, oldest_ms=NOW - 7200000)
        self.broker.change("labour", state="suspended")
        terminal = self.watch()
        self.assertIn("  2 to look at  ", terminal.page[0])
        self.assertRegex(self.row(terminal, "health"), " waits 2 h ")
        self.assertRegex(self.row(terminal, "labour"), "suspended")

    def test_the_broker_ends_and_comes_again(self):
        """Seen within seconds; nothing that happened meanwhile is missed, nothing told twice."""
        terminal = self.watch()
        self.broker.happen(event="accepted", number="JZ-1", kind="a", to="b")
        terminal.wait("an event", lambda page: "JZ-1" in page)
        self.broker.stop()
        seconds = terminal.wait("the outage", lambda page: "NOT REACHED since" in page)
        self.assertLess(seconds, 3)
        self.assertIn("NOT REACHED", terminal.page[0])
        self.assertRegex(terminal.page[2],
                         r"since [-0-9]{5} [:0-9]{8}: (the daemon ended|a daemon was here)")
        self.assertIn("not known", self.row(terminal, "education"))
        self.assertIn("JZ-1", "\n".join(terminal.page))
        for number in ("JZ-2", "JZ-3"):
            self.broker.happen(event="accepted", number=number, kind="a", to="b")
        self.broker.restart()
        terminal.wait("the broker", lambda page: "all agencies up" in page and "JZ-3" in page)
        page = "\n".join(terminal.page)
        self.assertEqual([page.count(number) for number in ("JZ-1", "JZ-2", "JZ-3")], [1, 1, 1])
        self.assertEqual([question["after"] for question in self.broker.asked
                          if question["cmd"] == "subscribe"], [-1, 1])

    def test_a_broker_that_hangs(self):
        terminal = self.watch()
        self.broker.stuck.set()
        self.addCleanup(self.broker.stuck.clear)
        terminal.wait("the outage", lambda page: "does not answer" in page)
        terminal.key("?")
        self.assertLess(terminal.wait("help", lambda page: "Next steps" in page), 1)
        terminal.key("x")
        self.broker.stuck.clear()
        terminal.wait("the broker", lambda page: "all agencies up" in page)

    def test_a_broker_that_was_never_there(self):
        self.broker.stop()
        os.unlink(self.broker.path)
        terminal = Terminal(self.broker.path)
        self.addCleanup(terminal.close)
        terminal.wait("the outage", lambda page: re.search(
            "NOT REACHED since .*: there is no such file", page))
        self.broker.start()
        terminal.wait("the broker", lambda page: "all agencies up" in page)

    def test_events_that_are_refused(self):
        self.broker.refuse = "subscribe"
        terminal = self.watch()
        terminal.wait("the reason", lambda page: "none are given: needs a role" in page)
        self.broker.change("education", up=False)
        terminal.wait("education down by asking", lambda page: "1 down" in page)

    def test_questions_that_are_refused(self):
        self.broker.refuse = "status"
        terminal = Terminal(self.broker.path)
        self.addCleanup(terminal.close)
        terminal.wait("the reason", lambda page: "NOT REACHED" in page and "needs a role" in page)
        self.broker.refuse = None
        terminal.wait("the page", lambda page: "all agencies up" in page)

    def test_another_log(self):
        """A position that this log has not: its own events are shown, from its end."""
        terminal = self.watch()
        for number in ("JZ-1", "JZ-2"):
            self.broker.happen(event="accepted", number=number, kind="a", to="b")
        terminal.wait("events", lambda page: "JZ-2" in page)
        self.broker.stop()
        self.broker.leaves = [{"event": "start", "at_ms": NOW}]
        refused = []
        answer = self.broker.answer

        def refuse_position(client, question):
            if question["cmd"] == "subscribe" and question["after"] > 0:
                refused.append(question)
                self.broker.say(client, {"ok": False, "code": "status.position", "place": "after",
                                         "message": "the log is shorter", "hint": ""})
            else:
                answer(client, question)
        self.broker.answer = refuse_position
        self.broker.restart()
        terminal.wait("the broker", lambda page: "all agencies up" in page)
        self.broker.happen(event="accepted", number="JZ-9", kind="a", to="b")
        terminal.wait("an event of the other log", lambda page: "JZ-9" in page)
        self.assertEqual(len(refused), 1)

    def test_colours(self):
        self.broker.change("education", up=False)
        for variables, coloured in (({}, True), ({"NO_COLOR": "1"}, False),
                                    ({"NO_COLOR": ""}, True)):
            terminal = Terminal(self.broker.path, **variables)
            self.addCleanup(terminal.close)
            terminal.wait("page", lambda page: "1 down" in page)
            terminal.end()
            shown = terminal.raw.split(b"\x1b[H", 1)[1].replace(b"\x1b[0m\x1b[?25h", b"")
            self.assertEqual(bool(re.search(rb"\x1b\[[0-9;]*m", shown)), coloured, variables)

    def test_the_terminal_is_given_back(self):
        for end, status in ((None, OK), (signal.SIGTERM, -signal.SIGTERM),
                            (signal.SIGHUP, -signal.SIGHUP), (signal.SIGINT, -signal.SIGINT),
                            (signal.SIGSEGV, -signal.SIGSEGV), (signal.SIGABRT, -signal.SIGABRT)):
            terminal = self.watch()
            self.assertIn(b"\x1b[?1049h\x1b[?25l", terminal.raw)
            now = termios.tcgetattr(terminal.slave)
            self.assertFalse(now[3] & (termios.ICANON | termios.ECHO))
            self.assertEqual(terminal.end(end), status)
            self.assertEqual(termios.tcgetattr(terminal.slave), terminal.before, end)
            self.assertEqual(terminal.raw.count(b"\x1b[?25h\x1b[?1049l"), 1, end)
            self.assertTrue(terminal.raw.endswith(b"\x1b[?25h\x1b[?1049l"), terminal.raw[-80:])

    def test_ctrl_c_and_ctrl_z(self):
        terminal = self.watch()
        terminal.key("\x1a")
        start = time.monotonic()
        while not terminal.raw.endswith(b"\x1b[?1049l") and time.monotonic() < start + DEADLINE:
            terminal.read(0.1)
        # It stops after it has given everything back; what it wrote is read before that.
        os.waitid(os.P_PID, terminal.process.pid, os.WSTOPPED | os.WNOWAIT)
        self.assertEqual(termios.tcgetattr(terminal.slave), terminal.before)
        before = terminal.raw.count(b"\x1b[?1049h")
        terminal.process.send_signal(signal.SIGCONT)
        while terminal.raw.count(b"\x1b[?1049h") == before and time.monotonic() < start + DEADLINE:
            terminal.read(0.1)
        self.broker.change("education", up=False)
        terminal.wait("a new page", lambda page: "1 down" in page)
        terminal.key("\x03")
        start = time.monotonic()
        while terminal.process.poll() is None and time.monotonic() < start + DEADLINE:
            terminal.read(0.05)
        self.assertEqual(terminal.process.wait(1), -signal.SIGINT)
        self.assertEqual(termios.tcgetattr(terminal.slave), terminal.before)

    def test_what_would_move_the_terminal(self):
        self.broker.rows[0]["name_zh"] = "\x1b[2J\x9bx"
        self.broker.happen(event="accepted", number="\x1b[31m", kind="a\nb", to="\x07")
        terminal = self.watch()
        self.assertEqual(len(terminal.page), 24)
        self.assertNotRegex(terminal.raw.decode(), "\x1b\\[31m|\x9b|\x07")


class WithoutATerminal(Watching):
    def test_one_page(self):
        self.broker.happen(event="accepted", number="JZ-1", kind="a", to="b")
        result = self.good("watch", "--socket", self.broker.path)
        self.assertNotIn("\x1b", result.out)
        self.assertIn("watch.example/broker  all agencies up", result.out)
        self.assertIn("卫生健康委员会", result.out)
        self.assertIn("JZ-1", result.out)
        self.assertNotIn("q quit", result.out)
        self.assertEqual(self.good("watch", "--once", "--socket", self.broker.path).out, result.out)

    def test_once_on_a_terminal(self):
        terminal = Terminal(None, program=[os.path.join(BIN, "referralctl"), "watch", "--once",
                                           "--socket", self.broker.path])
        self.addCleanup(terminal.close)
        start = time.monotonic()
        while terminal.process.poll() is None and time.monotonic() < start + DEADLINE:
            terminal.read(0.05)
        self.assertEqual(terminal.process.wait(1), OK)
        while terminal.read(0):
            pass
        self.assertNotIn(b"1049h", terminal.raw)
        self.assertIn("LAST EVENTS", terminal.raw.decode())

    def test_json(self):
        self.broker.change("education", up=False)
        self.broker.happen(event="accepted", number="JZ-1", kind="a", to="b")
        answer = self.good("watch", "--json", "--socket", self.broker.path).json
        self.assertEqual({row["agency"]: row["light"] for row in answer["lights"]
                          if row["light"] != "ok"}, {"education": "bad"})
        self.assertEqual([event["event"] for event in answer["events"]], ["start", "accepted"])
        self.assertEqual(answer["status"]["origin"], "watch.example/broker")
        self.assertEqual(len(answer["agencies"]["agencies"]), 11)

    def follow(self, *words):
        process = subprocess.Popen(
            [os.path.join(BIN, "referralctl"), "watch", "--follow", *words, "--socket",
             self.broker.path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_follow(self):
        process = self.follow("--json", "--after", "0")

        def next_event(*names):
            while True:
                event = json.loads(process.stdout.readline())
                if event["event"] in names:
                    return event
        self.assertEqual(json.loads(process.stdout.readline())["event"], "reached")
        self.broker.happen(event="accepted", number="JZ-1", kind="a", to="b")
        self.assertEqual(next_event("accepted")["position"], 1)
        self.broker.stop()
        self.assertEqual(next_event("lost", "accepted")["event"], "lost")
        self.broker.happen(event="accepted", number="JZ-2", kind="a", to="b")
        self.broker.restart()
        self.assertEqual(next_event("reached", "accepted")["event"], "reached")
        self.assertEqual(next_event("accepted")["number"], "JZ-2")
        text = self.follow()
        self.assertIn("reached", text.stderr.readline())
        self.broker.happen(event="accepted", number="JZ-3", kind="a", to="b")
        while "JZ-3" not in text.stdout.readline():
            pass

    def test_refusals(self):
        path = self.broker.path
        for words in ((), ("--json",), ("--follow",), ("--follow", "--json")):
            self.broker.refuse = "subscribe" if "--follow" in words else "agencies"
            result = self.good("watch", "--socket", path, *words, status=REFUSED)
            self.assertIn("needs a role; ask root", result.err)
        self.bad(USAGE, "--after: goes with --follow", "watch", "--after", "3", "--socket", path)
        self.broker.stop()
        for words in ((), ("--follow",)):
            self.bad(UNREACHABLE, "no answer: a daemon was here", "watch", "--socket", path, *words)
        self.broker.restart()


if __name__ == "__main__":
    unittest.main(verbosity=2)
