#!/usr/bin/python3
"""Evidence of a real case, exported by both of its sides and judged with nothing but the office's
root: what is right passes, and each way to take something out, to mix, to change or to count
otherwise is named. The file's form is written here a second time, from docs/evidence-format.md."""

import datetime
import hashlib
import json
import os
import re
import signal
import subprocess
import tempfile
import unittest

import agent_city
import registry
from agent_city import BIN, outbound, wait_for

PASS, USAGE, FAIL, INCOMPLETE = 0, 2, 4, 5
AHEAD_MS = 70 * 86400000  # behind the last day of 20 working days and 3 more, whatever the season
SENDER, RECEIVER = "procuratorate", "education"


def digest(data):
    return hashlib.new("sm3" if agent_city.SUITE == "sm" else "sha256", data)


def parse(data):
    """[(kind, name, bytes)]"""
    head, rest = data.split(b"\n\n", 1)
    parts = []
    for line in head.decode().split("\n"):
        words = line.split(" ")
        if words[0] == "part":
            parts.append((words[1], words[2], int(words[3])))
    taken = []
    for kind, name, size in parts:
        taken.append((kind, name, rest[:size]))
        rest = rest[size:]
    return taken


def build(parts, about="case"):
    lines = "referral-evidence-1\nsuite %s\nabout %s\n" % (agent_city.SUITE, about)
    for kind, name, data in parts:
        lines += "part %s %s %d %s\n" % (kind, name, len(data), digest(data).hexdigest())
    head = lines + "head %s\n\n" % digest(lines.encode()).hexdigest()
    return head.encode() + b"".join(data for _, _, data in parts)


def calendar_of(rows):
    """The canonical text of other days, under the version that they have."""
    hasher = digest(b"referral calendar 1\0")
    lines = []
    for row in rows:
        words = row.split("\t")
        lines.append(row)
        if words[0] == "year":
            hasher.update(b"y" + int(words[1]).to_bytes(4, "big"))
        else:
            name = words[3].encode()
            hasher.update(b"d" + int(words[1]).to_bytes(4, "big") +
                          bytes([words[2] == "off", len(name)]) + name)
            for mark, text in ((b"s", words[4].encode()), (b"n", words[5].encode())):
                hasher.update(mark + bytes([len(text)]) + text if text else b"")
    return ("version\tother#%s\n" % hasher.hexdigest()[:8] + "".join(
        line + "\n" for line in lines)).encode()


class Evidence(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.city = registry.SignedCity()
        cls.addClassCleanup(cls.city.close)
        cls.city.start_broker()
        cls.sender, cls.receiver = (cls.city.agent(name) for name in (SENDER, RECEIVER))
        for agent in (cls.sender, cls.receiver):
            agent.reached()
        cls.number = cls.refer()
        cls.other = cls.refer()
        answer = cls.city.status.ask(cmd="clock-confirm", reason="the clock was compared")
        assert answer["ok"], answer
        answer = cls.city.status.ask(cmd="lab-clock", both_ms=AHEAD_MS)
        assert answer["ok"], answer
        for agent in (cls.sender, cls.receiver):
            agent.must("lab-clock", wall_ms=AHEAD_MS)
        for agent, rungs in ((cls.sender, {"due-1", "due-2"}),
                             (cls.receiver, {"remind-5", "remind-2", "due-1", "due-2"})):
            wait_for("the rungs", lambda a=agent, want=rungs: want <= {
                row.get("rung") for row in a.rows("inbox") if row["referral"] == cls.number})
        made = cls.receiver.must("send", kind="feedback", referral=cls.number, message={
            "facts": {"outcome": "granted", "measures": [
                {"measure": "student-aid", "shape": "money", "amount_fen": 1, "unit": "term"}]},
            "body": {"officer": "联络员己"}})
        cls.receiver.wait_row("outbox", "its receipt", lambda row: row["id"] ==
                              made["messages"][0]["id"] and row["state"] == "accepted")
        cls.sender.wait_row("inbox", "the answer", lambda row: row["kind"] == "outbound-feedback")
        size = cls.city.status.ask(cmd="status")["log"]["size"]
        for agent in (cls.sender, cls.receiver):
            wait_for("its countersignature", lambda a=agent: a.status()["witnessed"] >= size)
        cls.files = {name: cls.export(name, cls.number) for name in (SENDER, RECEIVER)}

    @classmethod
    def refer(cls):
        made = cls.sender.must("send", message=outbound(RECEIVER))
        number = made["messages"][0]["referral"]
        cls.receiver.wait_row("inbox", number, lambda row: row.get("referral") == number)
        cls.sender.wait_row("inbox", number, lambda row: row.get("referral") == number and
                            row["kind"] == "delivery-notice")
        wait_for("the receipt", lambda: all(
            row["state"] == "accepted" for row in cls.sender.rows("outbox")))
        return number

    @classmethod
    def export(cls, name, number, *more):
        path = cls.city.path("%s-%s.evidence" % (name, number))
        status, told = registry.ctl("evidence", "export", number, "--out", path, "--force",
                                    "--socket", cls.city.agents[name].path, *more)
        assert status == 0, told
        assert os.stat(path).st_mode & 0o777 == 0o600
        with open(path, "rb") as file:
            return file.read()

    def judge(self, data, root=None, program=("referralctl", "evidence", "verify"), more=()):
        path = self.city.path("judged.evidence")
        with open(path, "wb") as file:
            file.write(data)
        done = subprocess.run(
            [os.path.join(BIN, program[0]), *program[1:], path, "--root", root or self.city.root,
             *(more or ("--json",))], capture_output=True, text=True, check=False, cwd="/",
            env={"PATH": "/nonexistent"})
        if more:
            return done.returncode, done.stdout
        return done.returncode, json.loads(done.stdout)

    def judged(self, status, code, data, **options):
        got, report = self.judge(data, **options)
        codes = [finding["code"] for finding in report["findings"]]
        self.assertEqual(got, status, report["findings"])
        self.assertIn(code, codes, report["findings"])
        self.assertIs(report["ok"], False)
        return report

    def test_1_what_is_right_passes(self):
        for name in (SENDER, RECEIVER):
            status, report = self.judge(self.files[name])
            self.assertEqual((status, report["findings"], report["verdict"]), (PASS, [], "PASS"))
            self.assertEqual((report["exporter"], report["root"]), (name, self.city.root))
            window, = report["windows"]
            self.assertEqual((window["holder"], window["working_days"], window["late"]),
                             (RECEIVER, 20, True))
            want = (["due-1", "due-2"] if name == SENDER else
                    ["remind-5", "remind-2", "due-1", "due-2"])
            self.assertLessEqual(set(want), {rung["rung"] for rung in report["rungs"]})
            self.assertEqual(build(parse(self.files[name])), self.files[name])
            self.assertEqual(report["linked"], len(report["messages"]), "all of one log")
            other, = report["witnesses"]
            self.assertEqual((other["agency"], other["linked"]),
                             (RECEIVER if name == SENDER else SENDER, True))
            self.assertGreater(other["size"], 4)
        first, second = (self.judge(self.files[name])[1] for name in (SENDER, RECEIVER))
        self.assertEqual(first["windows"], second["windows"])
        letters = [message.get("letter") for message in first["messages"]]
        self.assertEqual(sum(letter is not None for letter in letters), 2)

    def test_2_people_can_read_it(self):
        status, text = self.judge(self.files[SENDER], more=("--lang", "zh"))
        self.assertEqual(status, PASS)
        for word in ("结论：通过", "教育体育局", "第 20 个工作日", "逾期", "due-2", "函件核验码"):
            self.assertIn(word, text)
        status, text = self.judge(self.files[SENDER], more=("--lang", "en"))
        for word in ("Verdict: PASS", "Education", "20 working days", "late by", "letter code"):
            self.assertIn(word, text)
        for secret in ("小甲", "抚养人", "检察官甲", "联络员己"):
            self.assertNotIn(secret.encode(), self.files[SENDER] + self.files[RECEIVER])
        status, report = self.judge(self.export(SENDER, self.number.rsplit("-", 1)[0]))
        self.assertEqual((status, report["subject"]), (PASS, "case"))

    def test_9_what_was_erased_by_order(self):
        """Without bodies all holds as before; who asks for them is told."""
        socket = ("--socket", self.receiver.path)
        status, told = registry.ctl("agent", "erase", self.other, "--order", "1", "--reason", "r",
                                    "--yes", *socket)
        self.assertEqual(status, 0, told)
        status, report = self.judge(self.export(RECEIVER, self.other))
        self.assertEqual((status, report["findings"]), (PASS, []))
        self.judged(INCOMPLETE, "erased.body", self.export(RECEIVER, self.other, "--with-bodies"))
        status, report = self.judge(self.export(SENDER, self.other))
        self.assertEqual((status, report["findings"]), (PASS, []))

    def test_3_another_root_a_cut_and_a_changed_file(self):
        data = self.files[SENDER]
        self.judged(FAIL, "registry.root", data, root="00" * 32)
        self.judged(INCOMPLETE, "evidence.cut", data[:-1])
        self.judged(INCOMPLETE, "evidence.cut", data[:len(data) // 2])
        self.judged(FAIL, "evidence.behind", data + b"x")
        self.judged(FAIL, "evidence.form", b"")
        self.judged(INCOMPLETE, "missing.registry", build(parse(data), "lie"))
        for at in range(0, len(data), len(data) // 12):
            changed = bytearray(data)
            changed[at] ^= 1
            status, report = self.judge(bytes(changed))
            self.assertIn(status, (FAIL, INCOMPLETE), report)
        path = self.city.path("judged.evidence")
        done = subprocess.run([os.path.join(BIN, "referralctl"), "evidence", "verify", path,
                               "--root", "xyz"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, USAGE, done.stderr)

    def without(self, kind, name=SENDER, nth=0):
        parts = parse(self.files[name])
        at = [i for i, part in enumerate(parts) if part[0] == kind][nth]
        return parts[:at] + parts[at + 1:]

    def test_4_what_is_missing_is_named(self):
        for kind, code in (("registry", "missing.registry"), ("calendar", "missing.calendar"),
                           ("policy", "missing.policy"), ("receipt", "missing.receipt"),
                           ("checkpoint", "missing.checkpoint")):
            self.judged(INCOMPLETE, code, build(self.without(kind)))
        self.judged(FAIL, "evidence.about", build(self.without("about")))
        self.judged(FAIL, "evidence.alone", build(self.without("message")))

    def without_rung(self, rung, name=SENDER):
        shown = [row for row in self.city.agents[name].rows("inbox")
                 if row["referral"] == self.number and row.get("rung") == rung][0]["id"]
        return [part for part in parse(self.files[name]) if not part[1].startswith(shown)]

    def test_5_a_rung_and_a_delivery_left_out(self):
        report = self.judged(INCOMPLETE, "missing.rung", build(self.without_rung("due-1")))
        self.assertIn("due-1", [finding for finding in report["findings"]][0]["detail"])
        self.judged(INCOMPLETE, "missing.rung", build(self.without_rung("due-2")))
        notice = [row for row in self.sender.rows("inbox") if row["referral"] == self.number and
                  row["kind"] == "delivery-notice"][0]["id"]
        self.judged(INCOMPLETE, "missing.delivery", build(
            [part for part in parse(self.files[SENDER]) if not part[1].startswith(notice)]))

    def test_5b_rungs_of_clocks_without_a_date(self):
        """It was delivered and not signed for; the next one is not even delivered."""
        for rung in ("unsigned-1", "unsigned-2", "remind-5", "due-2"):
            report = self.judged(INCOMPLETE, "missing.rung",
                                 build(self.without_rung(rung, RECEIVER)))
            finding, = report["findings"]
            self.assertTrue(finding["detail"].startswith(rung + ","), finding)

    def test_9b_what_nobody_fetched(self):
        made = self.sender.must("send", message=outbound("justice"))["messages"][0]
        wait_for("the receipt", lambda: all(
            row["state"] == "accepted" for row in self.sender.rows("outbox")))
        later = AHEAD_MS + 14 * 86400000
        answer = self.city.status.ask(cmd="lab-clock", both_ms=later)
        self.assertTrue(answer["ok"], answer)
        for agent in (self.sender, self.receiver):
            agent.must("lab-clock", wall_ms=later)
        for rung in ("undelivered-1", "undelivered-2"):
            self.sender.wait_row("inbox", rung, lambda row, rung=rung: row.get("rung") == rung and
                                 row["referral"] == made["referral"])
        size = self.city.status.ask(cmd="status")["log"]["size"]
        wait_for("all of the log", lambda: self.sender.status()["checkpoint"]["size"] >= size)
        data = self.export(SENDER, made["referral"])
        _, report = self.judge(data)
        self.assertEqual({finding["code"] for finding in report["findings"]},
                         {"missing.delivery"}, report["findings"])
        for rung in ("undelivered-1", "undelivered-2"):
            shown = [row["id"] for row in self.sender.rows("inbox")
                     if row["referral"] == made["referral"] and row.get("rung") == rung][0]
            report = self.judged(INCOMPLETE, "missing.rung", build(
                [part for part in parse(data) if not part[1].startswith(shown)]))
            self.assertIn(rung, " ".join(finding["detail"] for finding in report["findings"]))

    def test_6_mixed(self):
        parts = parse(self.files[SENDER])
        others = [part for part in parse(self.export(SENDER, self.other))
                  if part[0] in ("message", "receipt")]
        self.judged(FAIL, "evidence.subject", build(parts + others))
        theirs = [part for part in parse(self.files[RECEIVER])
                  if part[0] in ("message", "receipt") and part not in parts and
                  part[1] not in [other[1] for other in parts]]
        self.judged(FAIL, "evidence.party", build(parts + theirs))
        receipts = [i for i, part in enumerate(parts) if part[0] == "receipt"]
        swapped = list(parts)
        one, two = receipts[:2]
        swapped[one] = (*parts[one][:2], parts[two][2])
        swapped[two] = (*parts[two][:2], parts[one][2])
        self.judged(FAIL, "receipt.other", build(swapped))
        messages = [i for i, part in enumerate(parts) if part[0] == "message"]
        swapped = list(parts)
        one, two = messages[:2]
        swapped[one] = (*parts[one][:2], parts[two][2])
        swapped[two] = (*parts[two][:2], parts[one][2])
        self.judged(FAIL, "message.name", build(swapped))
        self.judged(FAIL, "evidence.part", build(parts + [("verdict", "x", b"PASS")]))

    def test_6b_checkpoints_that_are_not_connected(self):
        parts = parse(self.files[SENDER])
        links = [i for i, part in enumerate(parts) if part[0] == "consistency"]
        self.assertGreater(len(links), 2)
        status, report = self.judge(build(parts[:links[0]] + parts[links[0] + 1:]))
        self.assertEqual(status, PASS)
        self.assertLess(report["linked"], len(report["messages"]))
        (at, (_, agency, note)), = [row for row in enumerate(parts) if row[1][0] == "cosignature"]
        other = b"B" if note[-9:-8] == b"A" else b"A"
        self.judged(FAIL, "witness.signature", build(
            parts[:at] + [("cosignature", agency, note[:-9] + other + note[-8:])] +
            parts[at + 1:]))
        self.judged(FAIL, "witness.form", build(
            parts[:at] + [("cosignature", "health", note)] + parts[at + 1:]))
        one, two = links[:2]
        swapped = list(parts)
        swapped[one] = (*parts[one][:2], parts[two][2])
        self.judged(FAIL, "log.consistency", build(swapped))
        for name in ("1-", "1-2-3", "x-9", "-1"):
            self.judged(FAIL, "log.consistency", build(
                parts[:one] + [("consistency", name, parts[one][2])] + parts[one + 1:]))
        for at in links:
            for place in range(0, len(parts[at][2]), 32):
                changed = bytearray(parts[at][2])
                changed[place] ^= 4
                self.judged(FAIL, "log.consistency", build(
                    parts[:at] + [(*parts[at][:2], bytes(changed))] + parts[at + 1:]))

    def replaced(self, kind, change, name=SENDER):
        return build([(part[0], part[1], change(part[2])) if part[0] == kind else part
                      for part in parse(self.files[name])])

    def test_7_another_calendar_and_policy(self):
        self.judged(FAIL, "calendar.form", self.replaced(
            "calendar", lambda data: data.replace(b"\toff\t", b"\ton\t", 1)))
        self.judged(FAIL, "policy.form", self.replaced("policy", lambda data: b"rungs: 7\n"))
        self.judged(FAIL, "rung.date", self.replaced(
            "policy", lambda data: data.replace(b"due-2: {offset: 3,", b"due-2: {offset: 4,")))

        start = self.judge(self.files[SENDER])[1]["windows"][0]["start"][:10]
        first = datetime.date.fromisoformat(start)
        days = [(first + datetime.timedelta(days=n)).strftime("%Y%m%d") for n in range(1, 8)]

        def more_holidays(data):
            rows = [row for row in data.decode().rstrip("\n").split("\n")[1:]
                    if row.split("\t")[1] not in days]
            return calendar_of(sorted(rows + ["day\t%s\toff\tx\t\t" % day for day in days],
                                      key=lambda row: (row[0] != "y", row.split("\t")[1])))
        self.judged(INCOMPLETE, "calendar.other", self.replaced("calendar", more_holidays))
        same = self.replaced("calendar", lambda data: calendar_of(
            data.decode().rstrip("\n").split("\n")[1:]))
        self.assertEqual(self.judge(same)[0], PASS, "the same days under another name")

    def test_8_every_part_is_bound(self):
        """Digests made anew: whatever is signed is found changed all the same."""
        parts = parse(self.files[RECEIVER])
        step = 1 if os.environ.get("REFERRAL_LONG") == "1" else 9
        tried = 0
        for at, (kind, name, data) in enumerate(parts):
            if kind in ("policy", "about"):
                continue  # the exporter's own word, shown in the report
            changed = bytearray(data)
            place = (7919 * (at + 1)) % len(data)
            if at % step == 0 or kind in ("registry", "checkpoint"):
                changed[place] ^= 1 << at % 8
                status, report = self.judge(
                    build(parts[:at] + [(kind, name, bytes(changed))] + parts[at + 1:]))
                self.assertIn(status, (FAIL, INCOMPLETE), (kind, name, place, report))
                tried += 1
        self.assertGreater(tried, 2)

    def test_8b_bodies_on_demand(self):
        data = self.export(SENDER, self.number, "--with-bodies")
        status, report = self.judge(data)
        self.assertEqual((status, report["findings"]), (PASS, []))
        opened = [message["body"] for message in report["messages"] if "body" in message]
        self.assertEqual(len(opened), 2)
        self.assertEqual(opened[0]["persons"][0]["name"], "小甲")
        status, text = self.judge(data, more=("--lang", "zh"))
        self.assertIn("人员：小甲", text)
        parts = parse(data)
        keys = [i for i, part in enumerate(parts) if part[0] == "key"]
        one, two = keys
        swapped = list(parts)
        swapped[one] = (*parts[one][:2], parts[two][2])
        self.judged(FAIL, "key.body", build(swapped))
        self.judged(INCOMPLETE, "missing.body", build(parts[:one] + parts[one + 1:]))
        self.judged(FAIL, "key.body", build([(kind, name, part.replace(b"bodies yes", b"bodies no"))
                                             if kind == "about" else (kind, name, part)
                                             for kind, name, part in parts]))

    def test_8c_withdrawn_before_anybody_had_it(self):
        made = self.sender.must("send", message=outbound("health"))["messages"][0]
        self.sender.must("send", kind="withdrawal", referral=made["referral"], message={
            "facts": {"reason": "duplicate"}, "body": {"officer": "检察官甲"}})
        wait_for("the receipts", lambda: all(
            row["state"] == "accepted" for row in self.sender.rows("outbox")))
        status, report = self.judge(self.export(SENDER, made["referral"]))
        self.assertEqual((status, report["findings"], report["windows"]), (PASS, [], []))

    def test_9c_every_version_of_the_registry(self):
        """One was in force when the messages were recorded, another is now: both are here, and each
        has its place in the log."""
        self.city.sign("registry-2.signed", "registry-1.signed")
        self.assertEqual(self.city.publish("registry-2.signed")[0], PASS)
        wait_for("the new version", lambda: all(
            agent.status()["registry_version"] == 2 for agent in (self.sender, self.receiver)))
        data = self.export(SENDER, self.number)
        parts = parse(data)
        self.assertEqual(sorted(name for kind, name, _ in parts if kind == "registry"),
                         ["v1", "v2"])
        with open(self.city.path("registry-1.signed"), "rb") as file:
            self.assertIn(("registry", "v1", file.read()), parts)
        status, report = self.judge(data)
        self.assertEqual((status, report["findings"]), (PASS, []))
        one, two = report["registry_versions"]
        self.assertEqual((one["version"], two["version"], report["registry_version"]), (1, 2, 2))
        self.assertLess(one["leaf"], two["leaf"])
        self.assertLess(max(row["leaf"] for row in report["messages"]), two["leaf"])
        for lang, word in (("zh", "第 2 版：自日志第 %d 条起有效"),
                           ("en", "version 2: in force from record %d")):
            self.assertIn(word % two["leaf"], self.judge(data, more=("--lang", lang))[1])
        leaf = {name: part for kind, name, part in parts if kind == "registry-leaf"}
        without = [part for part in parts if part[:2] != ("registry-leaf", "v2")]
        self.judged(INCOMPLETE, "missing.registry-leaf", build(without))
        self.judged(FAIL, "registry.leaf", build(without + [("registry-leaf", "v2", leaf["v1"])]))
        self.judged(FAIL, "evidence.alone", build(
            [part for part in parts if part[:2] != ("registry", "v2")]))
        for name in ("v1", "v2"):
            changed = bytearray(leaf[name])
            changed[len(changed) // 3] ^= 1
            self.judged(FAIL, "registry.leaf", build(
                [part for part in parts if part[:2] != ("registry-leaf", name)] +
                [("registry-leaf", name, bytes(changed))]))

    def test_9_export_is_careful(self):
        path = self.city.path("%s-%s.evidence" % (SENDER, self.number))
        words = ("evidence", "export", self.number, "--out", path, "--socket", self.sender.path)
        status, told = registry.ctl(*words)
        self.assertEqual((status, told["ok"]), (FAIL, False))
        self.assertIn("--force", told["hint"])
        status, told = registry.ctl("evidence", "export", "JZ-1999-0001", "--out",
                                    self.city.path("none"), "--socket", self.sender.path)
        self.assertEqual((status, told["code"]), (FAIL, "agent.unknown"))
        self.assertFalse(os.path.exists(self.city.path("none")))


@unittest.skipUnless(os.environ.get("REFERRAL_LONG") == "1", "long")
class WholeCity(unittest.TestCase):
    """All that the demo city's agencies have of each referral, matter and case passes."""

    def test_every_evidence_of_the_demo_passes(self):
        with tempfile.TemporaryDirectory(prefix="referral-evidence-") as folder:
            city = os.path.join(folder, "city")
            demo = subprocess.Popen(
                [os.path.join(BIN, "referralctl"), "demo", "--keep", city, "--day", "0"],
                stdout=subprocess.PIPE, text=True)
            try:
                while "Ctrl-C" not in demo.stdout.readline():
                    self.assertIsNone(demo.poll())
                self.judge_all(city)
            finally:
                demo.send_signal(signal.SIGINT)
                demo.stdout.close()
                demo.wait(timeout=60)

    def judge_all(self, city):
        with open(os.path.join(city, "broker", "broker.yaml"), encoding="utf-8") as file:
            root = re.search(r"registry-root: (\w+)", file.read()).group(1)
        judged = 0
        for name in os.listdir(os.path.join(city, "agents")):
            socket = os.path.join(city, "agents", name, "agent.sock")
            numbers = {row[key] for box in ("inbox", "outbox")
                       for row in registry.ctl("agent", box, "--socket", socket)[1]["rows"]
                       for key in ("referral", "case_number") if row[key]}
            for number in numbers:
                path = os.path.join(city, "evidence")
                status, told = registry.ctl("evidence", "export", number, "--socket", socket,
                                            "--out", path, "--force")
                self.assertEqual(status, PASS, told)
                status, report = registry.ctl("evidence", "verify", path, "--root", root)
                self.assertEqual((status, report["findings"]), (PASS, []), (name, number))
                self.assertEqual(report["linked"], len(report["messages"]), (name, number))
                judged += 1
        self.assertGreater(judged, 50)


if __name__ == "__main__":
    unittest.main()
