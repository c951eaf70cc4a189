#!/usr/bin/python3
"""referralctl from a shell, without a daemon: words, calendars, keys; and what it does when a
daemon answers nonsense, which a scripted socket plays. cli_city.py has it with real daemons. Each
command with its exit status, its JSON and its refusals; nothing sleeps, nothing is left behind."""

import base64
import datetime
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import tempfile
import threading
import unittest

from cli_support import (BIN, CALENDARS, FAILED, OK, ORIGIN, REFUSED, REGISTRY, ROOT, UNREACHABLE,
                         USAGE, WARNING, Case, ctl)

import referral_client as client


def commands():
    """The paths of all commands, as help lists them."""
    listed = ctl("--help").out.split("Commands:\n")[1].split("\n\n")[0]
    return [re.split(r" {2,}", line.strip())[0] for line in listed.splitlines()]


class Words(Case):
    """Help, versions and misuse, which need nothing else."""

    def test_help(self):
        for path in commands():
            text = self.good(*path.split(), "--help").out
            self.assertIn("Usage: referralctl " + path, text)
            self.assertIn("Examples:\n  referralctl ", text)
            self.assertLess(max(map(len, text.splitlines())), 101, path)
        for group in ("keys", "calendar", "audit", "clock", "agent"):
            text = self.good(group, "--help").out
            self.assertNotIn("queue ", text.split("Every command")[0])
            self.assertIn("  %s " % group, text)
        self.assertEqual(self.good("calendar", "--help").out,
                         self.good("calendar", "anything", "--help").out)
        self.assertIn("calendar due --from DATE --days N [OPTION...]",
                      self.good("calendar", "due", "-h").out)
        self.assertRegex(self.good("--version").out, r"^referralctl \d")

    def test_misuse(self):
        for words, pattern in (
                ((), "expected a command"),
                (("stattus",), 'did you mean "status"'),
                (("calender", "--help"), "no such command"),
                (("calender", "due"), 'did you mean "calendar due"'),
                (("calendar",), "expected one of: calendar due, calendar show, calendar check"),
                (("status", "--sokcet", "x"), r'--sokcet: .*did you mean "--socket"'),
                (("agent", "snd"), 'expected one of: .*did you mean "agent send"'),
                (("agent", "send"), "`agent send` takes FILE.json: FILE.json is missing"),
                (("calendar", "due", "--from", "2026-02-30", "--days", "3"), "is no such day"),
                (("status", "--days", "3"), "--days: `status` has no such option"),
                (("calendar", "due", "--from", "2026-01-01"), "--days: .* needs --days N"),
                (("calendar", "due", "--from"), "expected a value: --from DATE"),
                (("calendar", "due", "--from="), "expected a value: --from DATE"),
                (("status", "--socket", "a", "--socket", "b"), "given twice"),
                (("status", "--help=yes"), "takes no value"),
                (("case",), "`case` takes ID"),
                (("case", "a", "b"), "b: `case` takes ID"),
                (("status", "x"), "`status` takes no arguments"),
                (("status", "a", "b", "c", "d", "e", "f"), "too many words"),
                (("why", "a", "--", "--json"), "`why` takes ID"),
                (("due", "--within", "401"), "--within: expected a whole number, 0 to 400"),
                (("due", "--within", "-1"), "--within: expected a whole number"),
                (("agent", "inbox", "--after", "1e3"), "--after: expected a whole number"),
                (("agent", "withdraw", "X", "--code", "because"),
                 "--code: expected one of: wrong-agency, .*other"),
                (("agent", "withdraw", "X", "--code", "other", "--reason-file", "-",
                  "--officer-file", "-"), "standard input cannot be both"),
                (("audit", "verify"), "either --store DIR or --export FILE"),
                (("audit", "verify", "--store", "a", "--export", "b"), "either --store"),
                (("audit", "export", "--store", "a"), "needs --out"),
                (("clock", "confirm"), "a change needs a reason: --reason TEXT"),
                (("clock", "reset"), "to set broker time back needs --yes"),
                (("dead", "drop", "x", "--reason", "y", "--yes"), "expected the number of a dead"),
                (("clock", "confirm", "--reason", "a", "--reason-file", "b"), "either --reason or"),
                (("clock", "confirm", "--reason", " "), "expected 1 to 500 bytes"),
                (("clock", "confirm", "--reason", "x" * 501), "expected 1 to 500 bytes"),
                (("keys", "generate", "--agency", "Edu", "--out", "/tmp/never"),
                 "--agency: expected an agency's id"),
                (("keys", "init", "--registry", REGISTRY, "--out", "/tmp/never", "--origin",
                  "two words"), "--origin: expected 1 to 127 printable")):
            self.bad(USAGE, pattern, *words)
        self.assertFalse(os.path.exists("/tmp/never"))

    def test_words_that_are_no_text(self):
        self.bad(USAGE, "no such command", b"\xff\xfe")
        self.bad(USAGE, "no text in UTF-8", "case", b"JZ-\xff")
        self.assertNotIn("\x1b", self.bad(USAGE, "no such command", "\x1b[2Jx")["message"])

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            process = subprocess.run([os.path.join(BIN, "referralctl"), "calendar", "show", "2026"],
                                     stdout=full, stderr=subprocess.PIPE, encoding="utf-8",
                                     cwd=ROOT, check=False)
        self.assertEqual(process.returncode, FAILED)
        self.assertIn("cannot write", process.stderr)


class Calendar(Case):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="referral-cli-")
        self.addCleanup(shutil.rmtree, self.folder)

    def calendars(self, **files):
        path = os.path.join(self.folder, "calendars")
        shutil.rmtree(path, ignore_errors=True)
        os.mkdir(path)
        for name, text in files.items():
            with open(os.path.join(path, name + ".json"), "w", encoding="utf-8") as file:
                file.write(text)
        return path

    def test_due(self):
        answer = self.good("calendar", "due", "--from", "2026-09-24", "--days", "20", "--json").json
        self.assertEqual((answer["due"], answer["due_before"], answer["provisional"]),
                         ("2026-10-29", "2026-10-30T00:00:00+08:00", False))
        made_up, = [day for day in answer["days"] if day["date"] == "2026-10-10"]
        self.assertEqual((made_up["what"], made_up["name"], made_up["layer"]),
                         ("make-up", "国庆节", "notice"))
        self.assertIn("www.gov.cn", made_up["source"])
        text = self.good("--days=20", "calendar", "--from=2026-09-24", "due", "--calendars",
                         CALENDARS).out
        self.assertEqual(re.findall(r"\d{4}-\d\d-\d\d", text)[-1], "2026-10-29")
        self.assertIn("中秋节", text)
        self.assertIn("调休上班", text)
        self.assertIn(answer["calendar"], text)
        answer = self.good("calendar", "due", "--from", "2027-01-20", "--days", "20",
                           "--json").json
        self.assertIs(answer["provisional"], True)
        self.assertIn("暂定", self.good("calendar", "due", "--from", "2027-01-20", "--days",
                                        "20").out)

    def test_due_counts_as_written(self):
        """Every skipped or made-up day is listed, and the rest are weekdays: the count is N."""
        answer = self.good("calendar", "due", "--from", "2023-12-29", "--days", "400",
                           "--json").json
        day = datetime.date.fromisoformat(answer["from"])
        special = {row["date"]: row["what"] for row in answer["days"]}
        count = 0
        while day.isoformat() != answer["due"]:
            day += datetime.timedelta(1)
            what = special.get(day.isoformat(), "working")
            count += what in ("working", "make-up")
            if what in ("working", "weekend"):
                self.assertEqual(what == "weekend", day.weekday() >= 5, day)
        self.assertEqual(count, 400)

    def test_columns_align(self):
        """The name stands at one place of the terminal, whatever the width of the words before."""
        text = self.good("calendar", "show", "2026").out
        rows = [line for line in text.splitlines() if line.startswith("  2026")]

        def places(part):
            return sum(2 if ord(letter) > 0x2e80 else 1 for letter in part)

        starts = {places(re.match(r"(.* {2})\S+$", line).group(1)) for line in rows}
        self.assertEqual(len(starts), 1, text)
        self.assertEqual(len(rows), 39)

    def test_show(self):
        answer = self.good("calendar", "show", "2026", "--json").json
        self.assertEqual((answer["year"], answer["notice"], answer["working_days"]),
                         (2026, True, 248))
        self.assertIn("gov.cn", answer["source"])
        self.assertIs(self.good("calendar", "show", "2027", "--json").json["notice"], False)
        self.assertIn("暂定", self.good("calendar", "show", "2027").out)
        self.bad(REFUSED, "no file for the year 2031; there are 2023 to 2027", "calendar", "show",
                 "2031")
        for year in ("26", "20260", "year", "1969", "-202"):
            self.bad(USAGE, "expected a year", "calendar", "show", "--", year)

    def test_ics(self):
        """Each line within 75 octets, and the days of its events are those of `calendar show`."""
        out = os.path.join(self.folder, "2026.ics")
        self.good("calendar", "ics", "--year", "2026", "--out", out)
        with open(out, "rb") as file:
            lines = file.read().split(b"\r\n")
        self.assertEqual(lines.pop(), b"")
        self.assertLessEqual(max(map(len, lines)), 75)
        self.assertFalse([line for line in lines if b"\n" in line])
        text = b"\r\n".join(lines).replace(b"\r\n ", b"").decode()
        self.assertEqual(text.count("BEGIN:VEVENT"), text.count("END:VEVENT"))
        days = {}
        for event in text.split("BEGIN:VEVENT")[1:]:
            first, behind = (datetime.datetime.strptime(day, "%Y%m%d").date() for day in re.findall(
                r"DT(?:START|END);VALUE=DATE:(\d{8})", event))
            while first < behind:
                days[first.isoformat()] = "holiday" if " 休" in event else "make-up"
                first += datetime.timedelta(1)
        shown = self.good("calendar", "show", "2026", "--json").json["days"]
        self.assertEqual(days, {day["date"]: day["what"] for day in shown
                                if day["what"] != "weekend"})
        self.assertIn("UID:20261001-off@", text)
        self.bad(USAGE, "expected a year", "calendar", "ics", "--year", "26", "--out", out)
        self.bad(REFUSED, "no file for the year 2031", "calendar", "ics", "--year", "2031", "--out",
                 out)
        self.bad(FAILED, "2026.ics/x", "calendar", "ics", "--year", "2026", "--out", out + "/x")

    def test_check(self):
        year = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=8)).year
        notice = ('{"year": %d, "papers": ["p"], "days": '
                  '[{"name": "元旦", "date": "%d-01-01", "isOffDay": true}]}')
        both = self.calendars(a=notice % (year, year), b=notice % (year + 1, year + 1))
        answer = self.good("calendar", "check", "--calendars", both, "--json").json
        names = [self.good("calendar", "check", "--calendars", both, "--suite", suite,
                           "--json").json["calendar"] for suite in ("intl", "sm")]
        self.assertEqual(names[0], answer["calendar"])
        self.assertEqual(names[0].split("#")[0], names[1].split("#")[0])
        self.assertNotEqual(*names)  # a hash of the city's suite
        self.assertEqual([row["state"] for row in answer["years"]], ["notice", "notice"])
        self.assertEqual(answer["folder"], both)
        gap = self.calendars(a=notice % (year, year), b=notice % (year + 1, year + 1),
                             c=notice % (year + 3, year + 3))
        result = self.good("calendar", "check", "--calendars", gap, status=WARNING)
        self.assertIn("have no file", result.err)
        self.assertRegex(result.out, r"%d +missing" % (year + 2))
        old = self.calendars(a=notice % (2020, 2020))
        result = self.good("calendar", "check", "--calendars", old, "--json", status=WARNING)
        self.assertIs(result.json["today_provisional"], True)
        self.assertIn("today depends on a notice", result.err)

    def test_wrong_files(self):
        one = ('{"year": 2026, "papers": ["p"], "days": '
               '[{"name": "x", "date": "%s", "isOffDay": %s}]}')
        for text, pattern in (
                ("{", r"bad\.json:1:\d+: not well-formed JSON"),
                (one % ("2026-02-30", "true"), r"bad\.json:days\[0\]\.date"),
                ('{"year": 2026, "papers": ["p"], "dayz": []}', "dayz"),
                (one % ("2026-03-02", "false"), r"bad\.json:days\[0\]")):
            for words in (("check",), ("show", "2026"), ("due", "--from", "2026-01-01", "--days",
                                                        "1")):
                self.bad(REFUSED, pattern, "calendar", *words, "--calendars",
                         self.calendars(bad=text))
        self.bad(REFUSED, "calendars", "calendar", "check", "--calendars", self.calendars())
        self.bad(REFUSED, "never", "calendar", "check", "--calendars", self.folder + "/never")
        for date, pattern in (("2026-02-30", "no such day"), ("2026-2-3", "expected a date"),
                              ("today", "expected a date"), ("10000-01-01", "expected a date"),
                              ("1969-12-31", "no such day in 1970")):
            self.bad(USAGE, "--from: .*" + pattern, "calendar", "due", "--from", date, "--days",
                     "1")
        for days in ("0", "4001", "+1", "1.5", "01", ""):
            self.bad(USAGE, "--days.*: expected a", "calendar", "due", "--from", "2026-01-01",
                     "--days=" + days)

    def test_where_the_folder_is_found(self):
        """Beside a built tree, else in the folder one stands in (no city is installed here)."""
        tree = os.path.join(self.folder, "tree")
        os.makedirs(os.path.join(tree, "build", "release", "bin"))
        shutil.copytree(CALENDARS, os.path.join(tree, "config", "calendars"))
        program = shutil.copy(os.path.join(BIN, "referralctl"),
                              os.path.join(tree, "build", "release", "bin"))
        answer = self.good("calendar", "check", "--json", program=program, folder="/").json
        self.assertEqual(os.path.realpath(answer["folder"]),
                         os.path.join(tree, "config", "calendars"))
        if not os.path.exists("/etc/referral/calendars"):
            shutil.rmtree(os.path.join(tree, "config"))
            self.bad(REFUSED, "--calendars: no folder", "calendar", "check", program=program,
                     folder="/")
            answer = self.good("calendar", "check", "--json", program=program, folder=ROOT).json
            self.assertEqual(answer["folder"], "config/calendars")


class Keys(Case):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="referral-cli-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.out = os.path.join(self.folder, "keys")

    def files(self, folder):
        found = {}
        for base, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(base, name)
                with open(path, "rb") as file:
                    found[os.path.relpath(path, folder)] = (
                        stat.S_IMODE(os.stat(path).st_mode), file.read())
        return found

    def init(self, *words, **options):
        return self.good("keys", "init", "--registry", REGISTRY, "--out", self.out, *words,
                         **options)

    def test_init(self):
        self.assertEqual(self.init("--origin", ORIGIN, "--json").json,
                         {"ok": True, "out": self.out, "origin": ORIGIN, "agencies": 11})
        with open(REGISTRY, encoding="utf-8") as file:
            agencies = re.findall(r"(?m)^  - id: (\S+)$", file.read())
        self.assertEqual(len(agencies), 11)
        names = {"ca.crt", "ca.key", "public-keys.yaml", "broker.pub"}
        names |= {"broker/" + name for name in ("sign.key", "store.key", "tls.crt", "tls.key")}
        names |= {"%s/%s" % (agency, name) for agency in agencies
                  for name in ("sign.key", "seal.key", "store.key", "tls.crt", "tls.key")}
        files = self.files(self.out)
        self.assertEqual(set(files), names)
        for name, (mode, _) in files.items():
            self.assertEqual(mode, 0o600 if name.endswith(".key") else 0o644, name)
        for folder in (".", "broker", "education"):
            self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.out, folder)).st_mode), 0o700)
        secret = [data for name, (_, data) in files.items() if name.endswith(".key")]
        self.assertEqual(len(set(secret)), len(secret))
        self.check_public(files, agencies)

    def check_public(self, files, agencies):
        """Public keys belong to the secrets, and broker.pub to the broker's."""
        keys = client.Keys(files["public-keys.yaml"][1].decode())
        self.assertEqual(keys.origin, ORIGIN)
        for owner in ["broker", *agencies]:
            seed = client.read_secret(os.path.join(self.out, owner, "sign.key"),
                                      "referral-sign-key-1")
            public = client.SUITE.sign_public(seed)
            self.assertEqual(keys.all(owner, "sign"), [public])
            if owner == "broker":
                self.assertEqual(keys.all(owner, "seal"), [])
                pin = client.base64.b64encode(public).decode()
                self.assertEqual(files["broker.pub"][1].decode(),
                                 " ".join(("referral-broker-key-1", ORIGIN, pin,
                                           *client.SUITE.key_words)) + "\n")
                continue
            secret = client.read_secret(os.path.join(self.out, owner, "seal.key"),
                                        "referral-seal-key-1")
            self.assertEqual(keys.all(owner, "seal"),
                             [client.SUITE.seal_public(secret)])

    def test_certificates(self):
        self.init()
        for name in ("broker", "education"):
            path = os.path.join(self.out, name, "tls.crt")
            subprocess.run(["openssl", "verify", "-CAfile", self.out + "/ca.crt", path], check=True,
                           capture_output=True)
            text = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-subject", "-ext",
                                   "subjectAltName"], check=True, capture_output=True,
                                  encoding="utf-8").stdout
            self.assertIn("CN = " + name, text)
            self.assertIn("DNS:" + name, text)

    def test_nothing_is_overwritten(self):
        self.init()
        before = self.files(self.out)
        answer = self.bad(REFUSED, "is there already", "keys", "init", "--registry", REGISTRY,
                          "--out", self.out)
        self.assertEqual(answer["code"], "keys.exist")
        for name in os.listdir(self.out):
            if name != "youth-league":
                path = os.path.join(self.out, name)
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        self.bad(REFUSED, "youth-league/sign.key: is there already", "keys", "init", "--registry",
                 REGISTRY, "--out", self.out)
        self.assertEqual(self.files(self.out),
                         {name: value for name, value in before.items()
                          if name.startswith("youth-league/")})

    def test_wrong_registry(self):
        path = os.path.join(self.folder, "agencies.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("agencies:\n  - id: a\n    nubmer: 1\n")
        self.bad(REFUSED, r'agencies.yaml:3:5: "nubmer"', "keys", "init", "--registry", path,
                 "--out", self.out)
        self.bad(REFUSED, "cannot open the file", "keys", "init", "--registry", path + "x",
                 "--out", self.out)
        self.assertFalse(os.path.exists(self.out))
        answer = self.bad(REFUSED, "is not a folder", "keys", "init", "--registry", REGISTRY,
                          "--out", path + "/below-a-file")
        self.assertEqual(answer["hint"], "")

    def test_generate(self):
        self.init("--origin", ORIGIN)
        own = os.path.join(self.folder, "own")
        answer = self.good("keys", "generate", "--agency", "education", "--out", own,
                           "--authority", self.out, "--json").json
        self.assertIs(answer["certificate"], True)
        files = self.files(own)
        self.assertEqual({name: mode for name, (mode, _) in files.items()},
                         {"sign.key": 0o600, "seal.key": 0o600, "store.key": 0o600,
                          "tls.key": 0o600, "tls.crt": 0o644, "ca.crt": 0o644,
                          "public-keys-rows.yaml": 0o644})
        self.assertEqual(files["public-keys-rows.yaml"][1].decode(), answer["public_rows"])
        public = self.out + "/public-keys.yaml"
        with open(public, "a", encoding="utf-8") as file:
            file.write(answer["public_rows"])
        with open(public, encoding="utf-8") as file:
            keys = client.Keys(file.read())
        seed = client.read_secret(own + "/sign.key", "referral-sign-key-1")
        self.assertIn(client.SUITE.sign_public(seed), keys.all("education", "sign"))
        self.bad(REFUSED, "is there already", "keys", "generate", "--agency", "education", "--out",
                 own)
        text = self.good("keys", "generate", "--agency", "health", "--out", own + "2").out
        self.assertIn("tls.crt", text)
        self.assertEqual(set(self.files(own + "2")),
                         {"sign.key", "seal.key", "store.key", "public-keys-rows.yaml"})
        rows = self.good("keys", "generate", "--agency", "broker", "--out", own + "4",
                         "--authority", self.out, "--json").json["public_rows"]
        self.assertEqual(set(self.files(own + "4")), {"sign.key", "store.key", "tls.key", "tls.crt",
                                                      "ca.crt", "public-keys-rows.yaml"})
        self.assertEqual((rows.count("owner: broker"), rows.count("use: seal")), (1, 0))
        self.bad(REFUSED, "ca.crt", "keys", "generate", "--agency", "health", "--out", own + "3",
                 "--authority", own + "2")
        self.assertFalse(os.path.exists(own + "3"))


class Nonsense(Case):
    """A socket that answers what no daemon answers."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="referral-cli-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.path = os.path.join(self.folder, "s")

    def served(self, answer, *words, **options):
        """Runs a command against a server that reads one line and sends `answer`."""
        asked = []
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.path)
            listener.listen(1)
            listener.settimeout(20)

            def serve():
                peer, _ = listener.accept()
                with peer:
                    asked.append(peer.makefile("rb").readline())
                    peer.sendall(answer)

            thread = threading.Thread(target=serve)
            thread.start()
            result = ctl("--socket", self.path, *words, **options)
            thread.join()
        os.unlink(self.path)
        return result, asked[0]

    def test_no_answer(self):
        for answer, status, pattern in (
                (b"", UNREACHABLE, "no answer"),
                (b'{"ok":true', UNREACHABLE, "no answer"),
                (b"garbage\n", REFUSED, r"s:1:\d+: not well-formed JSON"),
                (b"[]\n", REFUSED, 'no "ok"'),
                (b"{}\n", REFUSED, 'no "ok"'),
                (b'{"ok":false}\n', REFUSED, "no reason"),
                (b'{"ok":true,"ok":true}\n', REFUSED, "not well-formed"),
                (b"\xff\xfe\n", REFUSED, "not well-formed"),
                (b"[" * 100000 + b"\n", REFUSED, "not well-formed"),
                (b'{"ok":true,"x":"' + b"x" * (1 << 20) + b'"}\n', REFUSED, "larger than"),
                (b'{"ok":false,"code":"a.b","place":"body.officer","message":"is missing",'
                 b'"hint":"give it"}\n', REFUSED, "body.officer: is missing; give it")):
            for words in (("status",), ("why", "JZ-2026-0001-01"), ("agent", "inbox")):
                result, _ = self.served(answer, *words)
                self.assertEqual(result.status, status, (answer[:40], result.err))
                self.assertRegex(result.err, pattern)
                self.assertEqual(result.out, "")

    def test_strange_members(self):
        """Absent and mistyped members are drawn as nothing; control characters do not pass."""
        for answer in (b'{"ok":true}\n', b'{"ok":true,"agencies":7,"queues":{},"due":"x"}\n',
                       b'{"ok":true,"agencies":[1,null,{"id":[]}],"due":[[]],"referrals":[{}],'
                       b'"clocks":[{}],"rows":[{}],"messages":[1]}\n'):
            for words in (("agency", "ls"), ("queue",), ("due",), ("case", "x"),
                          ("agent", "show", "x"), ("agent", "sign-for", "x"), ("agent", "outbox")):
                result, _ = self.served(answer, *words)
                self.assertIn(result.status, (OK, WARNING), (words, answer, result.err))
        result, _ = self.served('{"ok":true,"agencies":[{"id":"\\u001b[2J\\u009bx"}]}\n'.encode(),
                                "agency", "ls")
        self.assertNotRegex(result.out, "[\x1b\x9b]")
        answer = '{"ok":true,"calendar":"\\u001b[2J\\u202e\\u009b"}\n'.encode()
        result, _ = self.served(answer, "agent", "reload")  # prints without a table
        self.assertEqual(result.out, "calendar  [2J   is in use\n")
        answer = b'{"ok":true,"message":{"body":{"text":"a\\u001b[2J\\nb"}}}\n'
        result, _ = self.served(answer, "agent", "show", "x")
        self.assertNotIn("\x1b", result.out)
        self.assertRegex(result.out, r"(?m)^  text: a \[2J\n +b$")

    def test_a_large_attachment_was_fetched_as_an_empty_file(self):
        """Whatever is not the next piece is refused, and no file is written."""
        folder = tempfile.mkdtemp(prefix="referral-cli-")
        self.addCleanup(shutil.rmtree, folder)
        out = os.path.join(folder, "fetched")
        for members, status in (({"data": "", "plain_bytes": 5}, REFUSED),
                                ({"plain_bytes": 5}, REFUSED),
                                ({"data": "*", "plain_bytes": 5}, REFUSED),
                                ({"data": "YWJjZGVm", "plain_bytes": 5}, REFUSED),
                                ({"data": base64.b64encode(b"x" * 300000).decode(),
                                  "plain_bytes": 300000}, OK)):
            answer = json.dumps({"ok": True, "daemon": "agent", **members}).encode() + b"\n"
            result, _ = self.served(answer, "agent", "fetch", "0" * 64, "--out", out)
            self.assertEqual(result.status, status, (members, result.err))
            self.assertEqual(os.path.exists(out), status == OK)
        self.assertEqual(os.path.getsize(out), 300000)

    def test_warnings(self):
        for members, pattern in (
                ({"clock": {"held": "jump"}, "accepts": True},
                 "clock is held, because the wall clock jumped"),
                ({"clock": {"held": "none"}, "accepts": True, "store_percent": 82}, "nearly full"),
                ({"clock": {"held": "none"}, "accepts": False, "store_percent": 86}, "is full")):
            for form in ((), ("--json",)):
                result, _ = self.served(json.dumps({"ok": True, "store_percent": 1, **members})
                                        .encode() + b"\n", "status", *form)
                self.assertEqual(result.status, WARNING)
                self.assertRegex(result.err, pattern)
        for answer, words, pattern in (
                (b'{"ok":true,"due":[],"truncated":true}\n', ("due",), "more is due"),
                (b'{"ok":true,"referrals":[{"trail_truncated":true}]}\n', ("case", "x"), "older"),
                (b'{"ok":true,"clocks":[{"omitted":3,"window":1}]}\n', ("why", "x"), "3 more days"),
                (b'{"ok":true,"queues":[{"waiting":5,"1h":2}]}\n', ("queue",), "ages of 3")):
            for form in ((), ("--json",)):
                result, _ = self.served(answer, *words, *form)
                self.assertEqual(result.status, WARNING)
                self.assertRegex(result.err, pattern)

    def test_unreachable(self):
        for words in (("status",), ("agent", "status"), ("agent", "sign-for", "x")):
            self.bad(UNREACHABLE, r"s: no answer: there is no such file.*--socket PATH", "--socket",
                     self.path, *words)
        self.bad(UNREACHABLE, "no answer: this is not a socket", "--socket", REGISTRY, "status")
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(self.path)
        self.bad(UNREACHABLE, "no answer: a daemon was here", "--socket", self.path, "status")
        os.unlink(self.path)
        self.bad(USAGE, "--socket: expected a path", "--socket", "/" + "x" * 200, "status")

    def test_nothing_personal_in_words(self):
        """What `sign-for` and `withdraw` send, with and without files."""
        good = b'{"ok":true,"messages":[]}\n'
        _, asked = self.served(good, "agent", "sign-for", "JZ-2026-0001-01")
        self.assertEqual(json.loads(asked), {
            "cmd": "send", "kind": "sign-for", "referral": "JZ-2026-0001-01",
            "message": {"body": {"officer": "经办人"}}})
        _, asked = self.served(good, "agent", "sign-for", "x", "--officer-file", "-",
                               text="检察官甲\n")
        self.assertEqual(json.loads(asked)["message"], {"body": {"officer": "检察官甲"}})
        reason = os.path.join(self.folder, "reason")
        with open(reason, "w", encoding="utf-8") as file:
            file.write("与在办\n案件重复\n")
        _, asked = self.served(good, "agent", "withdraw", "x", "--code", "duplicate",
                               "--reason-file", reason, "--officer-file", "-", text="甲")
        self.assertEqual(json.loads(asked), {
            "cmd": "send", "kind": "withdrawal", "referral": "x",
            "message": {"facts": {"reason": "duplicate"},
                        "body": {"officer": "甲", "text": "与在办\n案件重复"}}})
        for text, pattern in (("", "is empty"), ("a\nb", "several lines"), ("\0", "no text"),
                              ("x" * 400, "larger than")):
            self.bad(REFUSED, "standard input: .*" + pattern, "--socket", self.path, "agent",
                     "sign-for", "x", "--officer-file", "-", text=text)

    def test_message_files(self):
        path = os.path.join(self.folder, "m.json")
        for text, pattern in (('{"kind":\n  oops}', r"m\.json:2:\d+: not well-formed JSON"),
                              ("[1]", "expected an object"), ("", "not well-formed"),
                              ('{"a":1,"a":2}', "not well-formed"),
                              ('{"body":"' + "x" * (1 << 20) + '"}', "larger than")):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            for words in (("send", path), ("feedback", "x", path)):
                answer = self.bad(REFUSED, pattern, "--socket", self.path, "agent", *words)
                self.assertNotIn("oops", json.dumps(answer))
        self.bad(REFUSED, "cannot open", "--socket", self.path, "agent", "send", path + "x")
        _, asked = self.served(b'{"ok":true}\n', "agent", "feedback", "x", "-",
                               text='{"facts":\r\n {"outcome": "granted"}\n}\n')
        self.assertEqual(json.loads(asked), {"cmd": "send", "kind": "feedback", "referral": "x",
                                             "message": {"facts": {"outcome": "granted"}}})
        result, _ = self.served(b'{"ok":true,"messages":[],"warnings":["a need outside"]}\n',
                                "agent", "send", "-", text="{}")
        self.assertEqual(result.status, OK)
        self.assertIn("warning: a need outside", result.err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
