#!/usr/bin/python3
"""What makes referralctl comfortable in a shell: saved contexts, completion (sourced in a real
bash), --quiet. A scripted socket plays the daemon; nothing sleeps."""

import json
import os
import pty
import re
import shutil
import socket
import stat
import subprocess
import tempfile
import threading
import unittest

from cli_support import (BIN, FAILED, OK, REFUSED, ROOT, UNREACHABLE, USAGE, WARNING, Case,
                         Result, ctl)

from cli import commands


class Home(Case):
    """A user with a home of their own."""

    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="referral-home-")
        self.addCleanup(shutil.rmtree, self.home)
        self.file = os.path.join(self.home, ".config", "referralctl", "contexts.yaml")

    def run_at_home(self, *words, text=None, **variables):
        variables.setdefault("HOME", self.home)
        return Result(subprocess.run(
            [os.path.join(BIN, "referralctl"), *words], input=text, capture_output=True,
            encoding="utf-8", cwd=ROOT, timeout=60, check=False,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", **variables}))

    def good_at_home(self, *words, status=OK, **variables):
        result = self.run_at_home(*words, **variables)
        self.assertEqual(result.status, status, (words, result.out, result.err))
        return result

    def bad_at_home(self, status, pattern, *words, **variables):
        result = self.run_at_home(*words, **variables)
        self.assertEqual(result.status, status, (words, result.out, result.err))
        self.assertEqual(result.out, "")
        self.assertRegex(result.err, pattern)
        answer = self.run_at_home("--json", *words, **variables).json
        self.assertIs(answer["ok"], False)
        return answer

    def serve(self, answer):
        """A daemon that gives one answer to each client."""
        path = os.path.join(self.home, "daemon.sock")
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen()
        asked = []

        def answer_all():
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    asked.append(json.loads(client.makefile().readline()))
                    client.sendall(json.dumps(answer).encode() + b"\n")
        thread = threading.Thread(target=answer_all, daemon=True)
        thread.start()
        self.addCleanup(server.close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown, socket.SHUT_RDWR)
        return path, asked


class Contexts(Home):
    def test_saved_used_and_forgotten(self):
        path, asked = self.serve({"ok": True, "daemon": "broker", "agencies": []})
        self.assertIn("no context", self.good_at_home("context", "ls").out)
        self.good_at_home("context", "add", "city", "--socket", path, "--dry-run")
        self.assertFalse(os.path.exists(self.file))
        self.good_at_home("context", "add", "city", "--socket", path)
        self.good_at_home("context", "add", "other", "--agent-socket", "run/agent.sock")
        self.assertEqual(stat.S_IMODE(os.stat(self.file).st_mode), 0o600)
        self.bad_at_home(UNREACHABLE, "/run/referral-broker/status.sock", "agency", "ls")
        self.good_at_home("agency", "ls", "--context", "city")
        self.good_at_home("context", "use", "city", "--dry-run")
        self.bad_at_home(UNREACHABLE, "/run/referral-broker/status.sock", "agency", "ls")
        self.good_at_home("context", "use", "city")
        self.good_at_home("agency", "ls")
        self.assertEqual(asked, 2 * [{"cmd": "agencies"}])
        listed = self.good_at_home("context", "ls", "--json").json
        self.assertEqual((listed["use"], listed["file"]), ("city", self.file))
        self.assertEqual(listed["contexts"], [
            {"name": "city", "socket": path},
            {"name": "other", "agent-socket": os.path.join(ROOT, "run/agent.sock")}])
        self.assertRegex(self.good_at_home("context", "ls").out, r"(?m)^\* +city +/")
        self.bad_at_home(UNREACHABLE, "run/agent.sock: no answer", "agent", "status", "--context",
                         "other")
        self.bad_at_home(UNREACHABLE, "never.sock", "agency", "ls", "--socket", "never.sock")
        self.good_at_home("context", "rm", "city")
        self.bad_at_home(UNREACHABLE, "/run/referral-broker/status.sock", "agency", "ls")
        self.good_at_home("context", "rm", "other")
        self.assertEqual(self.good_at_home("context", "ls", "--json").json["contexts"], [])

    def test_refusals(self):
        self.good_at_home("context", "add", "city", "--socket", "/a b/\"c\\.sock")
        for status, pattern, words in (
                (USAGE, "no such context; there are: city", ("status", "--context", "town")),
                (USAGE, "no such context", ("context", "use", "town")),
                (USAGE, "no such context", ("context", "rm", "town")),
                (USAGE, 'no agent-socket', ("agent", "status", "--context", "city")),
                (USAGE, "either --socket or --context", ("status", "--context", "city", "--socket",
                                                         "x")),
                (USAGE, "has no such option", ("calendar", "show", "2026", "--context", "city")),
                (REFUSED, "there is a context of this name", ("context", "add", "city", "--socket",
                                                              "x")),
                (USAGE, "1 to 31 letters", ("context", "add", "City", "--socket", "x")),
                (USAGE, "expected --socket PATH", ("context", "add", "town")),
                (USAGE, "at most 511 bytes", ("context", "add", "town", "--socket", "x" * 600))):
            self.bad_at_home(status, pattern, *words)
        self.bad_at_home(UNREACHABLE, r'/a b/"c\\.sock: no answer', "status", "--context", "city")
        self.bad_at_home(FAILED, "neither XDG_CONFIG_HOME nor HOME", "context", "add", "town",
                         "--socket", "x", HOME="")

    def test_a_file_that_is_wrong(self):
        os.makedirs(os.path.dirname(self.file))
        for text, place, pattern in (
                ("contexts:\n  city:\n    sokcet: /x\n", ":3:5", 'did you mean "socket"'),
                ("use: town\ncontexts: {}\n", ":1:6", "no context of this name"),
                ("contexts:\n  City:\n    socket: /x\n", ":2:3", "1 to 31 letters"),
                ("contexts:\n  city: {}\n", ":2:9", "expected socket"),
                ("contexts: [a]\n", ":1:11", "expected names"),
                ("use: x\n", ":1:1", "contexts"),
                ("contexts:\n  a: {socket: /x}\n  a: {socket: /y}\n", ":3:3", "twice|duplicate"),
                ("{", ":", "expected|well-formed|end|YAML")):
            with open(self.file, "w", encoding="utf-8") as file:
                file.write(text)
            for words in (("status",), ("context", "ls"), ("context", "add", "b", "--socket", "x")):
                answer = self.bad_at_home(REFUSED, pattern, *words)
                self.assertIn("contexts.yaml" + place, answer["place"])
            with open(self.file, encoding="utf-8") as file:
                self.assertEqual(file.read(), text)
        self.bad_at_home(UNREACHABLE, "never.sock", "status", "--socket", "never.sock")

    def test_where_the_file_is(self):
        base = os.path.join(self.home, "elsewhere")
        self.good_at_home("context", "add", "a", "--socket", "/x", XDG_CONFIG_HOME=base)
        self.assertTrue(os.path.exists(base + "/referralctl/contexts.yaml"))
        self.assertEqual(self.good_at_home("context", "ls", "--json").json["contexts"], [])


class Quiet(Home):
    def test_quiet(self):
        result = self.good_at_home("calendar", "show", "2026", "--quiet")
        self.assertEqual((result.out, result.err), ("", ""))
        self.assertEqual(self.good_at_home("calendar", "show", "2026", "--quiet", "--json")
                         .json["year"], 2026)
        self.bad_at_home(UNREACHABLE, "no answer", "status", "--quiet", "--socket", "/never")


class Changes(Home):
    """What is asked for on a terminal, which is a pseudo-terminal here."""

    ANSWER = {"ok": True, "daemon": "broker", "dry_run": False, "leaf": 7, "was_ahead": True}

    def answer_at(self, lines, *words):
        """Runs the command in a terminal where these lines are typed: (status, what it said)."""
        master, slave = pty.openpty()
        process = subprocess.Popen([os.path.join(BIN, "referralctl"), *words], stdin=slave,
                                   stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        said = b""
        try:
            for wanted, line in lines:
                while wanted.encode() not in said:
                    said += os.read(master, 4096)
                os.write(master, line.encode() + b"\n")
            while True:
                said += os.read(master, 4096)
        except OSError:
            pass  # the other end is closed: it ended
        finally:
            os.close(master)
        return process.wait(timeout=20), said.decode()

    def test_asked_on_the_terminal(self):
        path, asked = self.serve(self.ANSWER)
        status, said = self.answer_at((("[y/N]", "y"), ("Reason", "set to 2027 by mistake")),
                                      "clock", "reset", "--socket", path)
        self.assertEqual(status, OK, said)
        self.assertIn("would do: broker time is set back", said)
        self.assertIn("leaf 7 of the log", said)
        self.assertEqual(asked, [{"cmd": "clock-reset", "dry_run": True},
                                 {"cmd": "clock-reset", "reason": "set to 2027 by mistake"}])

    def test_declined(self):
        path, asked = self.serve(self.ANSWER)
        for line in ("n", "", "Y e s"):
            status, said = self.answer_at((("[y/N]", line),), "clock", "reset", "--socket", path)
            self.assertEqual(status, REFUSED, said)
            self.assertIn("nothing was changed", said)
        self.assertEqual(asked, 3 * [{"cmd": "clock-reset", "dry_run": True}])

    def test_given_as_words(self):
        path, asked = self.serve(self.ANSWER)
        self.good("clock", "reset", "--socket", path, "--yes", "--reason", "为什么")
        self.good("clock", "confirm", "--socket", path, "--dry-run")
        self.good("dead", "drop", "4711", "--socket", path, "--yes", "--reason", "x")
        self.good("agency", "suspend", "health", "--socket", path, "--reason-file", "-", "--yes",
                  text="a\nb\n")
        self.assertEqual(asked, [
            {"cmd": "clock-reset", "reason": "为什么"}, {"cmd": "clock-confirm", "dry_run": True},
            {"cmd": "dead-drop", "id": 4711, "reason": "x"},
            {"cmd": "agency-suspend", "agency": "health", "reason": "a\nb"}])


class Drawn(Home):
    """What operators and auditors see, of answers in the form of docs/status.schema.json."""

    def ask(self, answer, *words, status=OK):
        path, asked = self.serve({"schema": 1, "ok": True, "daemon": "broker", **answer})
        result = self.good_at_home(*words, "--socket", path, status=status)
        os.unlink(path)
        return result, asked[0]

    LETTER = {"id": 4711, "cause": "unreadable", "settled": None, "settled_leaf": None,
              "since_ms": 1792376712000, "from": "procuratorate", "to": "education",
              "kind": "outbound-referral", "number": "JZ-2026-0031-02",
              "message": "0198c1f2-7c00-7a10-8000-0123456789ab"}

    def test_dead_letters(self):
        dropped = {**self.LETTER, "id": 5, "settled": "dropped", "settled_leaf": 9}
        result, asked = self.ask({"dead": [self.LETTER, dropped], "truncated": True}, "dead", "ls",
                                 "--all", status=WARNING)
        self.assertEqual(asked, {"cmd": "dead-list", "all": True})
        rows = self.columns(result.out)
        self.assertEqual(rows[1][0], "4711")
        self.assertEqual(rows[1][2:], ["procuratorate", "education", "outbound-referral",
                                       "JZ-2026-0031-02", "-", "the receiver could not open it"])
        self.assertEqual(rows[2][6], "dropped")
        self.assertIn("there are more", result.err)
        result, asked = self.ask({"dead": [], "truncated": False}, "dead", "ls")
        self.assertEqual((asked, result.out), ({"cmd": "dead-list"},
                                               "no message is a dead letter\n"))
        result, asked = self.ask({"letter": self.LETTER, "detail": "reader.seal", "next": "retry"},
                                 "dead", "show", "4711")
        self.assertEqual(asked, {"cmd": "dead-show", "id": 4711})
        self.assertRegex(result.out, r"(?m)^detail +reader\.seal$")
        self.assertRegex(result.out, r"(?m)^next +retry$")

    def test_changes(self):
        for answer, words, told in (
                ({"letter": self.LETTER, "queued_to": "education", "leaf": 9, "dry_run": False},
                 ("dead", "retry", "4711"), "outbound-referral JZ-2026-0031-02 waits for education "
                 "again; leaf 9 of the log records it, with the reason"),
                ({"letter": self.LETTER, "told": "procuratorate", "leaf": 9, "dry_run": False},
                 ("dead", "drop", "4711", "--yes"), "to education is moved aside; procuratorate is "
                 "told; leaf 9"),
                ({"letter": self.LETTER, "told": None, "leaf": 9, "dry_run": False},
                 ("dead", "drop", "4711", "--yes"), "procuratorate had its refusal; leaf 9"),
                ({"agency": "health", "state": "registered", "state_after": "suspended",
                  "waiting": 3, "leaf": 9, "dry_run": False}, ("agency", "suspend", "health",
                                                               "--yes"),
                 "health: suspended, before registered; 3 messages wait for it; leaf 9"),
                ({"agency": "health", "state": "registered", "state_after": "registered",
                  "waiting": 0, "leaf": None, "dry_run": False}, ("agency", "resume", "health"),
                 "before registered; 0 messages wait for it; nothing was recorded")):
            result, _ = self.ask(answer, *words, "--reason", "x")
            self.assertIn(told, result.out)

    def test_ping_and_tail(self):
        result, asked = self.ask({"agency": "health", "round_trip_ms": 12, "waited_ms": 340},
                                 "ping", "health", "--timeout", "3")
        self.assertEqual(asked, {"cmd": "ping", "agency": "health", "timeout_ms": 3000})
        self.assertIn("12 ms there and back, after 340 ms", result.out)
        leaves = [{"event": "command", "position": 8, "at_ms": 1792376712000, "uid": 0,
                   "command": "clock-confirm", "role": "operator", "about": "", "hash": "0" * 64,
                   "reason": "compared"},
                  {"event": "start", "position": 7, "at_ms": 1792376711000, "hash": "1" * 64}]
        result, asked = self.ask({"size": 9, "next": 6, "leaves": leaves}, "audit", "tail",
                                 "--count", "2")
        self.assertEqual(asked, {"cmd": "audit-tail", "count": 2})
        self.assertEqual([re.split(r" {2,}", line.strip()) for line in result.out.splitlines()],
                         [["7", "10-19 10:25:11 start"],
                          ["8", "10-19 10:25:12 command", "clock-confirm", "operator",
                           "compared"]])


class Completion(Home):
    @classmethod
    def setUpClass(cls):
        cls.script = ctl("completion", "bash").out

    def complete(self, *lines, folder="/"):
        """For each line (a blank at its end: a new word) what bash offers."""
        asks = "".join('ask %s\n' % " ".join("'%s'" % word for word in line.split(" "))
                       for line in lines)
        result = subprocess.run(
            ["bash", "--norc", "--noprofile", "-s"], cwd=folder, encoding="utf-8", check=True,
            capture_output=True, input=self.script + """
ask() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    "$(complete -p referralctl | sed 's/.*-F \\([^ ]*\\).*/\\1/')"
    echo "${COMPREPLY[*]}"
}
""" + asks)
        self.assertEqual(result.stderr, "")
        return [line.split() for line in result.stdout.splitlines()]

    def test_every_word_of_the_table(self):
        """Word by word each command is offered, and then all its options."""
        paths = [path.split() for path in commands()]
        lines, expected = [], []
        for path in paths:
            for at in range(len(path)):
                lines.append(" ".join(["referralctl", *path[:at], path[at][:2]]))
                expected.append({other[at] for other in paths
                                 if len(other) > at and other[:at] == path[:at] and
                                 other[at].startswith(path[at][:2])})
            lines.append(" ".join(["referralctl", *path, "--"]))
            shown = ctl(*path, "--help").out.split("Options:\n")[1].split("\n\n")[0]
            expected.append({line.split()[0] for line in shown.splitlines()})
        for line, offered, all_of_them in zip(lines, self.complete(*lines), expected):
            self.assertEqual(sorted(offered), sorted(all_of_them), line)

    def test_options_between_and_files(self):
        open(os.path.join(self.home, "2027.json"), "w", encoding="utf-8").close()
        offered = self.complete(
            "referralctl --socket /x/y agency l", "referralctl --json calendar imp",
            "referralctl calendar import 20", "referralctl status --socket 20",
            "referralctl due --within 2", "referralctl status nothing --js", "referralctl nothing ",
            folder=self.home)
        self.assertEqual(offered, [["ls"], ["import"], ["2027.json"], ["2027.json"], [],
                                   ["--json"], []])

    def test_other_shells(self):
        self.bad(USAGE, "expected bash", "completion", "fish")
        self.assertEqual(self.good("completion", "bash", "--json").json["script"], self.script)


if __name__ == "__main__":
    unittest.main(verbosity=2)
