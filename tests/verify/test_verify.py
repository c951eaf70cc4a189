#!/usr/bin/python3
"""referral-verify against hostile exports, each made by the second implementation beside this.

Judges exit status and JSON alone. Needs $REFERRAL_BIN. Run by CTest with the label `process`;
the exports lie in a temporary folder.
"""
import base64
import datetime
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import make_export  # noqa: E402
from make_export import honest, message, sha256  # noqa: E402

VERIFY = os.path.join(os.environ.get("REFERRAL_BIN", "build/release/bin"), "referral-verify")
PASS, FAIL, USAGE, UNREADABLE, INCOMPLETE = 0, 1, 2, 4, 5
NAMES = {PASS: "PASS", FAIL: "FAIL", UNREADABLE: "UNREADABLE", INCOMPLETE: "INCOMPLETE"}


def run(*arguments):
    return subprocess.run([VERIFY, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=60, check=False)


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as out:
            out.write(data)
        return path

    def judge(self, data, *arguments, name="a.audit"):
        path = self.write(name, data)
        result = run("--export", path, "--json", *arguments)
        os.unlink(path)
        report = json.loads(result.stdout) if result.stdout else None
        if report is not None:
            self.assertEqual(report["verdict"], NAMES.get(result.returncode), report)
            self.assertEqual(report["ok"], result.returncode == PASS)
        return result.returncode, report

    def expect(self, log, status, first_bad=None, *arguments):
        data = log if isinstance(log, bytes) else log.encode()
        got, report = self.judge(data, *arguments)
        self.assertEqual(got, status, report)
        self.assertEqual(report["first_bad"], first_bad, report)
        return report


class EveryChange(Case):
    """No changed byte, no other length may pass; whoever changes it cannot sign."""

    def none_passes(self, variants):
        def one(numbered):
            number, data = numbered
            status, report = self.judge(data, name="%d.audit" % number)
            self.assertIn(status, (FAIL, UNREADABLE, INCOMPLETE), (number, report))
            return status
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(one, enumerate(variants)))

    def small(self):
        log = honest(2)
        log.witness("education")
        data = log.encode()
        self.expect(data, PASS)
        return log, data

    def test_each_byte(self):
        _, data = self.small()
        chance = random.Random(7)
        self.none_passes(data[:i] + bytes([data[i] ^ 1 << chance.randrange(8)]) + data[i + 1:]
                         for i in range(len(data)))

    def test_each_bit_of_the_header(self):
        log, data = self.small()
        header = 8 + 8 + 8 + 32 + 2 + 1 + len(log.origin)
        self.none_passes(data[:i] + bytes([data[i] ^ 1 << bit]) + data[i + 1:]
                         for i in range(header) for bit in range(8))

    def test_each_length(self):
        _, data = self.small()
        statuses = self.none_passes(data[:length] for length in range(len(data)))
        self.assertEqual(statuses[0], UNREADABLE)
        self.assertEqual(statuses[-1], INCOMPLETE)
        self.assertNotIn(FAIL, statuses)

    def test_changed_byte_of_a_record_is_named(self):
        log = honest(3)
        for i, item in enumerate(log.items):
            data = log.encode()
            at = data.index(item.record) + len(item.record) // 2
            got, report = self.judge(data[:at] + bytes([data[at] ^ 4]) + data[at + 1:])
            self.assertEqual((got, report["first_bad"]), (FAIL, i), report)

    def test_appended(self):
        log, data = self.small()
        for tail in (b"\0", b"\n", b"\0" * 4096, data):
            self.expect(data + tail, FAIL)
        self.expect(log.encode(tail=b"\0"), FAIL)


class Forgeries(Case):
    """The attacker has all data, makes every digest of the file anew, and lacks the key."""

    def test_salt(self):
        log = honest()
        item = log.items[2]
        item.salt = bytes(16)
        self.expect(log, FAIL, 2)
        item.hash = sha256(b"\0", item.salt, item.record)
        self.expect(log, FAIL, 1)  # the commit from 1 on is not what was signed

    def test_swapped_records(self):
        log = honest()
        log.items[1], log.items[2] = log.items[2], log.items[1]
        self.expect(log, FAIL, 1)
        log.items[1].index, log.items[2].index = 1, 2
        self.assertEqual(self.judge(log.encode())[0], FAIL)

    def test_removed_record(self):
        log = honest()
        del log.items[3]
        self.expect(log, FAIL, 3)
        for i, item in enumerate(log.items):
            item.index = i
        self.assertEqual(self.judge(log.encode())[0], FAIL)

    def test_repeated_record(self):
        log = honest()
        log.items.insert(3, log.items[2])
        self.expect(log, FAIL, 3)

    def test_edited_record(self):
        log = honest()
        item = log.items[-1]
        item.record = item.record.replace(b"broker", b"nobody")
        item.hash = sha256(b"\0", item.salt, item.record)
        self.expect(log, FAIL, 5)

    def test_checkpoints(self):
        edits = {
            "size": lambda note: note.replace(b"\n5\n", b"\n6\n"),
            "time": lambda note: note.replace(b"time 17", b"time 18"),
            "origin": lambda note: note.replace(b"broker.example/1", b"broker.example/2"),
            "dash": lambda note: note.replace("\u2014".encode(), b"-"),
            "end": lambda note: note + b"\n",
            "second signature": lambda note: note + note[note.index("\u2014".encode()):],
            "zero": lambda note: note.replace(b"\n5\n", b"\n05\n"),
            "no time": lambda note: b"\n".join(line for line in note.split(b"\n")
                                               if not line.startswith(b"time")),
        }
        for name, edit in edits.items():
            log = honest()
            log.items[4].note = edit(log.items[4].note)
            with self.subTest(name):
                self.expect(log, FAIL, 4)

    def test_checkpoint_of_another_place(self):
        log = honest()
        log.items[4].note = log.items[0].note
        self.expect(log, FAIL, 4)
        log = honest()
        log.items[3].note, log.items[4].note = log.items[4].note, b""
        self.expect(log, FAIL, 3)

    def test_signed_by_another_key(self):
        log, other = honest(), honest()
        other.key = make_export.nacl.signing.SigningKey(b"\x02" * 32)
        log.items[4].note = other.note(size=5)
        self.expect(log, FAIL, 4)

    def test_signature_of_nothing(self):
        for blob in (bytes(64), b"\xff" * 64, bytes([1]) + bytes(63)):
            log = honest()
            lines = log.items[4].note.split(b"\n")
            mark = base64.b64decode(lines[5].split(b" ")[2])
            lines[5] = lines[5].rsplit(b" ", 1)[0] + b" " + base64.b64encode(mark[:4] + blob)
            log.items[4].note = b"\n".join(lines)
            self.expect(log, FAIL, 4)

    def test_shown_message(self):
        for part in range(3):
            log = honest()
            shown = list(log.items[1].shown)
            shown[part] = shown[part][:-1] + bytes([shown[part][-1] ^ 1])
            log.items[1].shown = tuple(shown)
            with self.subTest(part):
                self.expect(log, FAIL, 1)
        log = honest()
        log.items[0].shown = log.items[1].shown  # a leaf without a message
        self.expect(log, FAIL, 0)

    def test_not_shown_is_no_fault(self):
        log = honest()
        log.items[1].shown = None
        self.assertEqual(self.expect(log, PASS)["messages_shown"], 2)

    def test_numbers_of_the_header(self):
        log = honest()
        self.expect(log.encode(count=0), FAIL)
        self.expect(log.encode(count=7), FAIL)
        self.expect(log.encode(count=9), FAIL, 8)
        self.expect(log.encode(count=2 ** 64 - 1), FAIL, 8)
        self.expect(log.encode(stated=1), FAIL)
        self.expect(log.encode(stated=2 ** 64 - 1), FAIL)
        self.expect(log.encode(magic=b"RBAUDIT2"), UNREADABLE)

    def test_lengths_beyond(self):
        data = honest().encode()
        at = 8 + 8 + 8 + 32 + 2 + 1 + len("broker.example/1") + 8 + 16 + 32
        for length in (0, 1, 8193, 65535):
            got, _ = self.judge(data[:at] + struct.pack(">H", length) + data[at + 2:])
            self.assertEqual(got, FAIL)


class DishonestBroker(Case):
    """The broker itself signs a log that breaks its own rules."""

    def test_time_runs_backwards(self):
        log = honest()
        log.add(32, {3: log.time_ms - 1001})
        log.commit()
        self.expect(log, FAIL, 8)

    def test_stream(self):
        stray = bytes(32)
        for name, stream in {"gap": {1: 3, 2: 4, 3: stray}, "again": {1: 3, 2: 2, 3: stray},
                             "link": {1: 3, 2: 3, 3: stray}, "short": {1: 3, 2: 3, 3: b"1"},
                             "new at 2": {1: 1, 2: 2, 3: stray}}.items():
            log = honest()
            log.add_message(9, "education", fields={11: stream})
            log.commit()
            with self.subTest(name):
                self.expect(log, FAIL, 8)
        log = honest()
        log.add_message(9, "education")
        log.commit()
        self.expect(log, PASS)

    def test_twice(self):
        log = honest()
        log.time_ms += 200_000
        log.add(20, {8: sha256(b"referral", b"\x01")[:16], 16: {2: 1, 3: "due-1"}})
        log.commit()
        self.expect(log, FAIL, 8)
        log = honest()
        log.add_message(1, "education")
        log.commit()
        self.expect(log, FAIL, 8)

    def test_another_rung_or_window_is_not_twice(self):
        log = honest()
        for window, rung in ((1, "due-2"), (2, "due-1")):
            log.add(20, {8: sha256(b"referral", b"\x01")[:16], 16: {2: window, 3: rung}})
        log.commit()
        self.expect(log, PASS)

    def test_header_contradicts_record(self):
        for number in (5, 7, 8, 10, 20):
            log = honest()
            fields = {number: b"\x05" * 16 if number < 10 else "youth-league"}
            if number == 10:
                fields[11] = {1: 3, 2: 1, 3: bytes(32)}
            log.add_message(9, "education", lane=2, fields=fields)
            log.commit()
            with self.subTest(number):
                self.expect(log, FAIL, 8)

    def test_copies_go_to_several_and_once_to_each(self):
        copies = {33: b"\x00\x06"}
        log = honest()
        for recipient in ("education", "civil-affairs", "health"):
            log.add_message(9, recipient, to="education", facts=copies)
        log.commit()
        self.expect(log, PASS)
        log.add_message(9, "health", to="education", facts=copies)
        log.commit()
        self.expect(log, FAIL, 11)

    def test_copy_that_no_fact_names(self):
        for name, facts in {"none": {}, "empty": {33: {}}, "a number": {33: 6},
                            "another field": {34: b"\x06"}}.items():
            log = honest()
            log.add_message(9, "health", to="education", facts=facts)
            log.commit()
            with self.subTest(name):
                self.expect(log, FAIL, 8)

    def test_malformed_records(self):
        good = message({1: 1, 2: 32, 3: 1_900_000_000_000, 4: "broker"})
        for name, record in {
                "version": b"\x08\x02" + good[2:], "unknown": good + b"\xb8\x01\x01",
                "again": good + b"\x10\x20", "group": good + b"\x13", "cut": good[:-1],
                "wire type": good + b"\x2d\0\0\0\0", "long varint": good + b"\x60\x81\x00",
                "endless varint": good + b"\x60" + b"\xff" * 11, "empty": b"",
                "huge length": good + b"\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"}.items():
            log = honest()
            log.items.append(make_export.Item(8, bytes(16), record))
            log.commit()
            with self.subTest(name):
                self.expect(log, FAIL, 8)

    def test_root_of_another_log(self):
        log = honest()
        log.items[4].note = log.note(size=5, root=sha256(b"other"))
        self.expect(log, FAIL, 1)

    def test_checkpoint_older_than_its_records(self):
        log = honest()
        log.items[4].note = log.note(size=5, time_ms=1)
        self.expect(log, FAIL, 4)


class Incomplete(Case):
    def test_tail_without_checkpoint(self):
        log = honest()
        log.add(33, {})
        self.assertEqual(self.expect(log, INCOMPLETE, 8)["signed_size"], 8)
        log.items[7].note = b""
        self.expect(log, INCOMPLETE, 5)

    def test_cut_file(self):
        log = honest()
        whole = log.encode()
        cut = whole.index(log.items[6].record)
        report = self.expect(whole[:cut], INCOMPLETE, 6)
        self.assertEqual(report["signed_size"], 5)
        self.expect(whole[:-1], INCOMPLETE, 8)

    def test_rewritten_short_log_passes_unless_witnessed(self):
        log = honest()
        del log.items[5:]
        self.expect(log, PASS)
        log.witnesses = []
        longer = honest()
        longer.witness("education")
        log.witnesses = longer.witnesses
        self.expect(log, INCOMPLETE, 5)

    def test_empty(self):
        log = make_export.Log()
        self.expect(log, UNREADABLE)
        self.assertEqual(self.judge(b"")[0], UNREADABLE)
        self.assertEqual(self.judge(b"RBAUDIT1")[0], UNREADABLE)


class Keys(Case):
    def test_pin(self):
        log = honest()
        key = self.write("broker.pub", log.key_line())
        report = self.expect(log, PASS, None, "--key", key)
        self.assertTrue(report["pinned"])
        self.assertEqual(report["key_sha256"], sha256(log.public_key).hex())
        report = self.expect(log, PASS)
        self.assertFalse(report["pinned"])
        self.assertEqual(report["key_sha256"], sha256(log.public_key).hex())
        text = run("--export", self.write("a", log.encode())).stdout.decode()
        self.assertIn(sha256(log.public_key).hex(), text)
        self.assertIn("NOT pinned", text)

    def test_wrong_pin(self):
        log = honest()
        other = make_export.Log(seed=b"\x03" * 32)
        self.expect(log, FAIL, None, "--key", self.write("k", other.key_line()))
        other = make_export.Log(origin="broker.example/2")
        self.expect(log, FAIL, None, "--key", self.write("k", other.key_line()))

    def test_attackers_own_log_fails_against_the_pin(self):
        log = honest()
        pin = self.write("k", log.key_line())
        forged = make_export.Log(seed=b"\x04" * 32)
        forged.add(32, {})
        forged.commit()
        self.expect(forged, PASS)
        self.expect(forged, FAIL, None, "--key", pin)

    def test_public_keys_file(self):
        log = honest()
        witness = log.witness("education", size=5)
        log.witness("civil-affairs")
        text = PUBLIC_KEYS % (log.origin, log.public_key.hex(), witness.hex())
        keys = self.write("public-keys.yaml", text.encode())
        report = self.expect(log, PASS, None, "--key", keys)
        self.assertEqual((report["witnessed_size"], report["witnesses"]), (5, 1))
        self.assertEqual((report["claimed_size"], report["claims"]), (8, 1))
        log.witnesses[0] = log.witnesses[0].replace(b"\n5\n", b"\n6\n")
        self.expect(log, FAIL, None, "--key", keys)

    def test_unusable_key_files(self):
        path = self.write("a.audit", honest().encode())
        line = honest().key_line()
        for data in (b"", b"\0", line[:-8] + b"\n", line.replace(b" broker.example/1", b""),
                     line + line, b"referral-broker-key-1 \n", b"a: [", b"origin: x\n"):
            result = run("--export", path, "--key", self.write("k", data))
            self.assertEqual(result.returncode, UNREADABLE, data)
            self.assertTrue(result.stderr)
        self.assertEqual(run("--export", path, "--key", path + "x").returncode, UNREADABLE)


class Witnesses(Case):
    def test_claimed(self):
        log = honest()
        log.witness("education", size=5)
        log.witness("civil-affairs", size=6)
        report = self.expect(log, PASS)
        self.assertEqual((report["claimed_size"], report["claims"]), (6, 2))
        self.assertEqual((report["witnessed_size"], report["witnesses"]), (0, 0))

    def test_of_another_log(self):
        log = honest()
        log.witness("education", size=5, root=sha256(b"a fork"))
        self.expect(log, FAIL, 4)

    def test_malformed(self):
        for note in (b"", b"x", b"\n" * 6):
            log = honest()
            log.witnesses = [note]
            with self.subTest(note):
                self.expect(log, FAIL)


class CommandLine(Case):
    def test_usage(self):
        for arguments in ([], ["--export"], ["--store", "a", "--export", "b"], ["extra"],
                          ["--write-export", "x"], ["--write-export", "x", "--export", "y"],
                          ["--unknown"], ["--evidence", "x"], ["--root", "00" * 32],
                          ["--evidence", "x", "--root", "00"], ["--evidence", "x", "--store", "y"],
                          ["--evidence", "x", "--root", "00" * 32, "--lang", "mn"],
                          ["--evidence", "x", "--root", "00" * 32, "--key", "y"],
                          ["--export", "x", "--lang", "zh"]):
            self.assertEqual(run(*arguments).returncode, USAGE, arguments)
        result = run("--help")
        self.assertEqual(result.returncode, 0)
        self.assertIn(b"Examples:", result.stdout)

    def test_absent(self):
        for arguments in (["--export", self.folder + "/none"], ["--export", self.folder],
                          ["--store", self.folder + "/none"], ["--store", self.folder],
                          ["--export", "/dev/null"]):
            result = run(*arguments, "--json")
            self.assertEqual(result.returncode, UNREADABLE, arguments)
            self.assertEqual(json.loads(result.stdout)["verdict"], "UNREADABLE")

    def test_large(self):
        log = make_export.Log()
        leaves = 0
        for i in range(300):
            log.add(3, {19: i})
            if i % 7 == 6:
                log.commit()
                leaves = i + 1
        self.assertEqual(self.expect(log, INCOMPLETE, leaves)["checkpoints"], 300 // 7)


class Letters(Case):
    """A paper letter's code against the log."""

    def setUp(self):
        super().setUp()
        self.log = honest()
        self.log.witness("education")
        self.id, self.digest = sha256(b"paper")[:16], sha256(b"what it says")
        self.log.add(1, {4: "procuratorate", 5: self.id, 6: self.digest, 9: 1, 10: "justice",
                         20: "JZ-2026-0031-01"})
        self.refused = sha256(b"bad")[:16]
        self.log.commit()

    def ask(self, status, code):
        return self.expect(self.log, status, None, "--letter", code)["letter"]

    def test_matches(self):
        code = make_export.letter_code(self.id, self.digest)
        for text in (code, code.lower(), code.replace("-", ""), code.replace("0", "O")):
            letter = self.ask(PASS, text)
            self.assertEqual((letter["verdict"], letter["sender"], letter["receiver"],
                              letter["number"], letter["record"]),
                             ("matches", "procuratorate", "justice", "JZ-2026-0031-01",
                              len(self.log.items) - 1))

    def test_differs(self):
        code = make_export.letter_code(self.id, sha256(b"what it says now"))
        report = self.expect(self.log, FAIL, len(self.log.items) - 1, "--letter", code)
        self.assertEqual(report["letter"]["verdict"], "differs")

    def test_unknown_and_refused(self):
        for wanted, digest, verdict in ((sha256(b"another")[:16], self.digest, "unknown"),
                                        (self.refused, sha256(b"bad digest"), "refused")):
            letter = self.ask(FAIL, make_export.letter_code(wanted, digest))
            self.assertEqual(letter, {"verdict": verdict})

    def test_text(self):
        path = self.write("a.audit", self.log.encode())
        result = run("--export", path, "--letter", make_export.letter_code(self.id, self.digest))
        self.assertEqual(result.returncode, PASS)
        self.assertIn(b"letter     matches record", result.stdout)

    def test_mistyped(self):
        path = self.write("a.audit", self.log.encode())
        code = make_export.letter_code(self.id, self.digest)
        for wrong in ("", code[:-1], code + "0", code[:-1] + ("0" if code[-1] != "0" else "1"),
                      "U" + code[1:]):
            self.assertEqual(run("--export", path, "--letter", wrong).returncode, USAGE, wrong)


PUBLIC_KEYS = """\
origin: %s
keys:
  - owner: broker
    use: sign
    key: "%s"
  - owner: education
    use: sign
    key: "%s"
"""


class Recount(Case):
    """Windows and rungs counted again by --calendars and --policy: what only a broker can write,
    under its own signature, is a fault all the same."""

    ARRIVAL = 1_790_000_000_000  # 2026-09-21, a Monday
    DAY = 86_400_000
    POLICY = b"rungs:\n  due-1: {offset: 0, to: [liaison]}\n  due-3: {offset: 90, to: [leader]}\n"
    HOLIDAY = "2026-10-01"

    def setUp(self):
        super().setUp()
        os.mkdir(os.path.join(self.folder, "calendars"))
        name = "国庆节"
        self.write("calendars/2026.json", json.dumps(
            {"year": 2026, "papers": ["https://example.cn/x"],
             "days": [{"name": name, "date": self.HOLIDAY, "isOffDay": True}]}).encode())
        self.policy = self.write("policy.yaml", self.POLICY)
        self.digest = sha256(b"referral calendar 1\0", b"y", struct.pack(">I", 2026), b"d",
                             struct.pack(">I", 20261001), bytes([1, len(name.encode())]),
                             name.encode())
        self.version = "2026#" + self.digest.hex()[:8]
        self.options = ("--calendars", os.path.join(self.folder, "calendars"), "--policy",
                        self.policy)
        self.referral = sha256(b"referral", b"\x01")[:16]

    def end(self, days, start=None):
        """24:00 of the working day so many behind."""
        day = datetime.date(1970, 1, 1) + datetime.timedelta(
            days=((start or self.ARRIVAL) + 28_800_000) // self.DAY)
        while days:
            day += datetime.timedelta(days=1)
            days -= day.weekday() < 5 and day.isoformat() != self.HOLIDAY
        return (day.toordinal() - 719163 + 1) * self.DAY - 28_800_000

    def at(self, log, time_ms, kind, fields):
        log.time_ms = time_ms
        log.add(kind, {8: self.referral, **fields})

    def story(self, **lies):
        """A window of 20 working days, its rungs, a late answer; and the lies to tell in it."""
        log = make_export.Log()
        due, arrival = self.end(20), self.ARRIVAL
        window = {2: 1, 3: "education", 4: arrival, 5: 20, 6: due, 8: self.version}
        rungs = {"remind-5": self.end(15), "remind-2": self.end(18), "due-1": due,
                 "due-2": self.end(23)}
        rungs.update(lies.get("rungs", {}))
        log.time_ms = arrival
        log.add(32, {18: {3: lies.get("policy", sha256(self.POLICY)), 4: self.version,
                          5: self.digest}})
        self.at(log, arrival, 10, {15: {**window, **lies.get("opened", {})}})
        if "redated" in lies:
            window.update(lies["redated"])
            self.at(log, arrival + self.DAY, 12, {15: window})
        for rung, fell in sorted(rungs.items(), key=lambda row: row[1] or 0):
            if fell:
                self.at(log, fell + lies.get("after", {}).get(rung, 60_000), 20,
                        {16: {2: lies.get("number", 1), 3: rung, 4: fell, 6: "education"}})
        answered = self.end(24) + 7_200_000
        if "started" in lies:
            self.at(log, answered - lies["started"], 32, {})
        self.at(log, answered, 11, {15: {**window, 11: 1, 12: 5, **lies.get("stopped", {})},
                                    14: lies.get("claimed", 0)})
        log.time_ms += 1000
        log.commit()
        return log

    def test_right(self):
        report = self.expect(self.story(), PASS, None, *self.options)
        self.assertEqual((report["windows"], report["rungs"], report["windows_unjudged"]),
                         (1, 4, 0))
        self.assertEqual((report["integrity"], report["completeness"]), ("PASS", "PASS"))
        self.assertNotIn("windows", self.expect(self.story(), PASS))

    def test_what_a_broker_can_write(self):
        due = self.end(20)
        for lies, first_bad in (
                ({"opened": {6: due - self.DAY}}, 1), ({"opened": {6: due + self.DAY}}, 1),
                ({"opened": {5: 19}}, 1), ({"after": {"due-1": -1000}}, 4),
                ({"rungs": {"due-2": self.end(22)}}, 5), ({"rungs": {"due-7": self.end(23)}}, 6),
                ({"rungs": {"due-1": 0}}, 1), ({"rungs": {"due-2": 0}}, 1),
                ({"rungs": {"remind-5": 0}}, 1), ({"number": 2}, 2),
                ({"stopped": {11: 0, 12: 0}}, 6), ({"stopped": {12: 4}}, 6),
                ({"stopped": {2: 2}}, 6), ({"claimed": due - 1}, 6),
                ({"redated": {6: due + self.DAY, 9: due}}, 2),
                ({"redated": {6: due, 9: due - self.DAY}}, 2)):
            with self.subTest(lies):
                report = self.expect(self.story(**lies), FAIL, first_bad, *self.options)
                self.assertEqual((report["integrity"], report["completeness"]),
                                 ("FAIL", "UNKNOWN"))
                self.expect(self.story(**lies), PASS)  # nothing of it is seen without counting

    def test_what_is_right_all_the_same(self):
        due = self.end(20)
        self.expect(self.story(claimed=due - 1, stopped={11: 0, 12: 0}), PASS, None, *self.options)
        self.expect(self.story(redated={6: due, 9: due}), PASS, None, *self.options)
        # A broker that came back half an hour ago had not raised it yet.
        self.expect(self.story(rungs={"due-2": 0}, started=1_800_000), PASS, None, *self.options)
        self.expect(self.story(rungs={"due-2": 0}, started=5_400_000), FAIL, 1, *self.options)

    def test_another_calendar_or_policy_is_not_judged(self):
        for lies in ({"opened": {8: "2026#00000000", 6: self.end(20) + self.DAY}},
                     {"policy": sha256(b"another"), "opened": {6: self.end(20) + self.DAY},
                      "stopped": {6: self.end(20) + self.DAY}}):
            log = self.story(**lies)
            report = self.expect(log, PASS, None, *self.options)
            self.assertEqual(report["windows_unjudged"], 1)

    def test_wrong_words(self):
        path = self.write("a.audit", self.story().encode())
        self.assertEqual(run("--export", path, *self.options[:2]).returncode, USAGE)
        self.assertEqual(run("--export", path, *self.options[2:]).returncode, USAGE)
        for options in (("--calendars", self.folder, "--policy", self.policy),
                        ("--calendars", self.options[1], "--policy", path)):
            status, report = self.judge(self.story().encode(), *options)
            self.assertEqual(status, UNREADABLE, report)


if __name__ == "__main__":
    unittest.main()
