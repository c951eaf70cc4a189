#!/usr/bin/python3
"""referralctl with real daemons: what an administrator asks a broker that runs on keys which the
program made, and two officers' days at their agents by the command line alone. cli.py has what
needs no daemon. Nothing sleeps and nothing is left behind."""

import json
import os
import shutil
import socket
import unittest
import uuid

from cli_support import (BIN, CALENDARS, FAILED, OK, ORIGIN, REFUSED, REGISTRY, SUITE, UNREACHABLE,
                         USAGE, WARNING, Case, ctl)

import agent_city
import run_client
from run_client import client


class City(run_client.City):
    """A broker on keys that `keys init` made."""

    def make_certificates(self):
        result = ctl("keys", "init", "--registry", REGISTRY, "--out", self.path("keys"), "--origin",
                     ORIGIN)
        if result.status != OK:
            raise AssertionError(result.err)

    def make_keys(self):
        with open(self.path("keys/public-keys.yaml"), encoding="utf-8") as file:
            self.keys_text = file.read()
        for name in self.seeds:
            self.seeds[name] = client.read_secret(self.path("keys/%s/sign.key" % name),
                                                  "referral-sign-key-1")
        for name in self.seal:
            self.seal[name] = client.read_secret(self.path("keys/%s/seal.key" % name),
                                                 "referral-seal-key-1")

    def make_configuration(self):
        super().make_configuration()
        with open(self.path("broker.yaml"), encoding="utf-8") as file:
            text = file.read()
        for old, new in (("server.pem", "keys/broker/tls.crt"), ("server.key",
                                                                 "keys/broker/tls.key"),
                         ("ca.pem", "keys/ca.crt"), (" sign.key", " keys/broker/sign.key"),
                         (" store.key", " keys/broker/store.key"),
                         (" public-keys.yaml", " keys/public-keys.yaml")):
            text = text.replace(old, new)
        self.write("broker.yaml", text)

    def lab_clock(self, **offsets):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(20)
            raw.connect(self.path("status.sock"))
            raw.sendall(json.dumps({"cmd": "lab-clock", **offsets}).encode() + b"\n")
            return json.loads(raw.makefile().readline())


class Broker(Case):
    """What an administrator asks, of a broker with one referral delivered and one waiting."""

    @classmethod
    def setUpClass(cls):
        cls.city = City()
        cls.addClassCleanup(cls.city.close)
        cls.socket = cls.city.path("status.sock")
        sender, receiver = cls.city.agency("procuratorate"), cls.city.agency("education")
        for agency in (sender, receiver):
            agency.hello()
            cls.addClassCleanup(agency.link.close)
        cls.first = run_client.referral(sender, 1, "秘密甲")
        cls.case_number = "JZ-%d-0001" % run_client.year_of(sender)
        sender.submit([cls.first])
        found = receiver.fetch()
        receiver.acknowledge(found)
        sender.submit([run_client.referral(sender, 2, "秘密乙")])

    def ask(self, *words, **options):
        """The drawn form and the JSON form of one question; neither may show a body."""
        drawn = self.good("--socket", self.socket, *words, **options)
        parsed = self.good("--socket", self.socket, *words, "--json", **options).json
        self.assertIs(parsed["ok"], True)
        for text in (drawn.out, json.dumps(parsed, ensure_ascii=False)):
            self.assertNotIn("秘密", text)
            self.assertNotIn("张三", text)
        return drawn, parsed

    def test_1_the_clock(self):
        drawn, parsed = self.ask("status", status=WARNING)
        self.assertIn(parsed["clock"]["held"], ("start", "wait"))
        self.assertIn("clock is held", drawn.err)
        self.assertRegex(drawn.out, r"broker time +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00")
        self.ask("clock", "show", status=WARNING)
        undone = self.good("--socket", self.socket, "clock", "reset", "--yes", "--reason-file", "-",
                           text="trial")
        self.assertIn("nothing was recorded", undone.out)
        reason = self.city.path("reason.txt")
        self.city.write("reason.txt", "compared with the time service\n")
        self.bad(REFUSED, "cannot open", "--socket", self.socket, "clock", "confirm",
                 "--reason-file", reason + "x")
        self.bad(REFUSED, "standard input: is empty", "--socket", self.socket, "clock", "confirm",
                 "--reason-file", "-", text=" \n")
        self.assertRegex(self.good("--socket", self.socket, "clock", "confirm",
                                   "--reason-file", reason).out, r"leaf \d+ of the log")
        self.good("--socket", self.socket, "clock", "confirm", "--reason-file", "-", "--json",
                  text="compared with the time service")
        waits = self.good("--socket", self.socket, "clock", "show", status=WARNING)
        self.assertRegex(waits.err, r"held until \d{4}-\d\d-\d\dT[0-9:]+\+08:00.*by themselves")
        self.assertNotIn("clock confirm", waits.err)
        self.city.lab_clock(both_ms=11 * 60 * 1000)
        self.good("--socket", self.socket, "clock", "confirm", "--reason-file", reason)
        drawn, parsed = self.ask("clock", "show")
        self.assertEqual(parsed["clock"]["held"], "none")
        # From 1 November until it is in config/calendars, next year's notice is warned of.
        missing = ctl("--socket", self.socket, "status", "--json").json["calendar_missing"]
        self.ask("status", status=WARNING if missing else OK)

    def test_1_the_socket_of_the_other_daemon(self):
        """Both know `status`: whose socket it is is said, and nothing of it is judged."""
        self.bad(REFUSED, "this is the socket of a broker", "agent", "status", "--socket",
                 self.socket)
        self.bad(REFUSED, "this is the socket of a broker", "agent", "inbox", "--socket",
                 self.socket)

    def test_2_agencies_and_queue(self):
        drawn, parsed = self.ask("agency", "ls")
        by_id = {row["id"]: row for row in parsed["agencies"]}
        self.assertEqual(len(by_id), 11)
        self.assertGreater(by_id["education"]["heard_ms"], 0)
        self.assertEqual(by_id["education"]["waiting"], 1)
        self.assertIn("民政局", drawn.out)
        self.assertIn("not since the start", drawn.out)
        drawn, parsed = self.ask("queue")
        rows = {row[0]: row for row in self.columns(drawn.out)}
        heads = rows["AGENCY"]
        self.assertEqual(heads[1:8], ["<10m", "<1h", "<1d", "<3d", "<7d", "7d+", "TOTAL"])
        self.assertEqual(rows["education"][7], "1")
        self.assertEqual(len({len(row) for row in list(rows.values())[1:-1]}), 1, drawn.out)
        by_id = {row["id"]: row for row in parsed["queues"]}
        self.assertEqual(sum(by_id["education"][age] for age in
                             ("10m", "1h", "1d", "3d", "7d", "older")), 1)

    def test_3_due(self):
        drawn, parsed = self.ask("due", "--within", "400")
        rows = {row["referral"]: row for row in parsed["due"]}
        self.assertIn(self.case_number + "-01", rows)
        self.assertIn(self.case_number + "-01", drawn.out)
        self.assertEqual(rows[self.case_number + "-01"]["clock"]["working_days"], 20)
        drawn, parsed = self.ask("due", "--within", "0")
        self.assertEqual(parsed["due"], [])
        self.assertIn("nothing is due", drawn.out)

    def test_4_case(self):
        drawn, parsed = self.ask("case", self.case_number)
        referral, = parsed["referrals"]
        self.assertEqual((referral["from"], referral["to"], referral["state"]),
                         ("procuratorate", "education", "delivered"))
        self.assertIs(referral["trail_truncated"], False)
        self.assertRegex(drawn.out, r"feedback-outbound +1 +20 +education")
        self.assertRegex(drawn.out, r"outbound-referral to education")
        self.ask("case", self.case_number + "-01")
        answer = self.bad(REFUSED, "no case, referral or matter has this number", "--socket",
                          self.socket, "case", "JZ-2026-9999")
        self.assertEqual((answer["code"], answer["place"]), ("status.unknown-number", "id"))

    def test_5_why(self):
        number = self.case_number + "-01"
        drawn, parsed = self.ask("why", number)
        clock = next(row for row in parsed["clocks"] if row["clock"] == "feedback-outbound")
        due = self.good("calendar", "due", "--from", clock["day_0"], "--days", "20", "--json",
                        "--calendars", CALENDARS, "--suite", SUITE).json
        self.assertEqual((clock["due"], clock["calendar"]), (due["due"], due["calendar"]))
        self.assertEqual(clock["days"], due["days"])
        self.assertIn(clock["calendar"], drawn.out)
        for day in [clock["day_0"], clock["due"], *(row["date"] for row in clock["days"])]:
            self.assertIn("  %s  " % day, drawn.out)
        for row in clock["days"]:
            self.assertIn(row["name"], drawn.out)
        self.bad(REFUSED, "number of a case", "--socket", self.socket, "why", self.case_number)

    def test_5_late_documents_voids(self):
        drawn, parsed = self.ask("late")
        self.assertEqual(parsed["late"], [])
        self.assertIn("no clock is late", drawn.out)
        self.city.lab_clock(both_ms=5 * 24 * 3600 * 1000)
        self.good("--socket", self.socket, "clock", "confirm", "--reason-file", "-",
                  text="moved by the laboratory")
        drawn, parsed = self.ask("late")
        rows = {row["clock"]: row for row in parsed["late"]}
        self.assertEqual((rows["undelivered"]["holder"], rows["undelivered"]["waiting"]),
                         ("education", "procuratorate"))
        self.assertIn(rows["undelivered"]["rung"], ("undelivered-1", "undelivered-2"))
        self.assertIn(rows["undelivered"]["document"], drawn.out)
        late, = (row for row in self.ask("late", rows["undelivered"]["case"])[1]["late"]
                 if row["clock"] == "undelivered")
        self.assertEqual(late, rows["undelivered"])
        self.bad(REFUSED, "no case, referral or matter", "--socket", self.socket, "late", "JZ-1")
        self.bad(USAGE, "`late` takes", "late", "a", "b")
        drawn, parsed = self.ask("documents")
        self.assertIn(rows["undelivered"]["document"],
                      {row["document"] for row in parsed["documents"]})
        self.assertEqual({row["replied"] for row in parsed["documents"]}, {False})
        drawn, parsed = self.ask("voids")
        self.assertEqual(parsed["voids"], [])
        self.assertIn("no number is void", drawn.out)

    def test_5_policy(self):
        drawn, parsed = self.ask("policy", "list")
        version, = parsed["versions"]
        with open(os.path.join(os.path.dirname(REGISTRY), "policy.yaml"), "rb") as file:
            text = file.read()
        self.assertEqual(version["digest"], client.digest_of(text).hex())
        same = ("--registry", REGISTRY)
        drawn, parsed = self.ask("policy", "diff", *same)
        self.assertEqual(parsed["changes"], [])
        self.assertIn("nothing changes", drawn.out)
        changed = text.replace(b"tell-applicant: 5", b"tell-applicant: 7")
        self.assertNotEqual(changed, text)
        self.city.write("other.yaml", changed.decode())
        drawn, parsed = self.ask("policy", "diff", "--file", self.city.path("other.yaml"), *same)
        change, = parsed["changes"]
        self.assertEqual((change["path"], change["before"], change["after"]),
                         ("clocks.tell-applicant", "5", "7"))
        self.assertIn("clocks.tell-applicant", drawn.out)
        self.bad(REFUSED, "fewer policies", "--socket", self.socket, "policy", "diff", "--old", "9",
                 *same)
        self.city.write("other.yaml", "may-send: nonsense\n")
        self.bad(REFUSED, "other.yaml:1", "--socket", self.socket, "policy", "diff", "--file",
                 self.city.path("other.yaml"), *same)

    def test_5_why_refused(self):
        sender = self.city.agency("procuratorate")
        self.addCleanup(sender.link.close)
        sender.hello()
        (record, receipt), = sender.submit([run_client.referral(sender, 1, "秘密丙")])
        self.assertNotEqual(record.refusal, 0)
        message = str(uuid.UUID(bytes=receipt.message_id))
        drawn, parsed = self.ask("why", message)
        refused = parsed["refused"]
        self.assertEqual((refused["code"], refused["rule"], refused["article"], refused["to"]),
                         ("message.number", "d.numbers", "(d)", "education"))
        self.assertEqual(refused["number"], self.case_number + "-01")
        self.assertIn("rule d.numbers", drawn.out)
        self.assertEqual(self.ask("why", str(refused["leaf"]))[1]["refused"], refused)
        self.bad(REFUSED, "refuses nothing", "--socket", self.socket, "why", "0")
        self.bad(REFUSED, "no such leaf", "--socket", self.socket, "why", "999999")

    def test_6_audit(self):
        pin, store = self.city.path("keys/broker.pub"), self.city.path("store")
        export = self.city.path("log.audit")
        answer = self.good("audit", "verify", "--store", store, "--key", pin, "--json").json
        self.assertEqual((answer["verdict"], answer["pinned"]), ("PASS", True))
        self.bad(USAGE, "go together", "audit", "verify", "--store", store, "--calendars", "x")
        written = self.good("audit", "export", "--store", store, "--out", export).out
        self.assertIn("PASS", written)
        self.assertIn("%s, %d bytes" % (export, os.path.getsize(export)), written)
        nowhere = self.good("audit", "export", "--store", store, "--out", export + "/below",
                            status=REFUSED).out
        self.assertIn("below: Not a directory", nowhere)
        other = self.city.path("other.pub")
        with open(pin, encoding="ascii") as file:
            words = file.read().split()
        words[2] = "A" * 43 + "="
        self.city.write("other.pub", " ".join(words) + "\n")
        foreign = ctl("audit", "verify", "--export", export, "--key", other)
        self.assertEqual(foreign.status, FAILED, foreign.out)
        self.assertIn("NOT the one that --key names", foreign.out)
        answer = self.good("audit", "verify", "--export", export, "--key",
                           self.city.path("keys/public-keys.yaml"), "--json").json
        self.assertGreater(answer["records"], 4)
        with open(export, "r+b") as file:
            file.seek(400)
            byte = file.read(1)
            file.seek(400)
            file.write(bytes([byte[0] ^ 1]))
        flipped = self.good("audit", "verify", "--export", export, "--key", pin, status=FAILED)
        self.assertIn("FAIL", flipped.out)
        with open(export, "r+b") as file:
            file.truncate(os.path.getsize(export) // 2)
        result = ctl("audit", "verify", "--export", export)
        self.assertIn(result.status, (FAILED, WARNING))
        self.good("audit", "verify", "--export", export + "x", status=REFUSED)
        lonely = shutil.copy(os.path.join(BIN, "referralctl"), self.city.path("referralctl"))
        self.bad(UNREACHABLE, "referral-verify: cannot be started", "audit", "verify", "--store",
                 store, program=lonely)

    def test_7_a_clock_that_is_ahead(self):
        self.city.lab_clock(wall_ms=400 * 86400 * 1000)
        self.good("--socket", self.socket, "clock", "confirm", "--reason-file", "-", text="trial")
        self.city.lab_clock(wall_ms=0)
        result = self.good("--socket", self.socket, "clock", "show", status=WARNING)
        self.assertRegex(result.err, "clock is held.*`clock reset`")
        undone = self.good("--socket", self.socket, "clock", "reset", "--yes", "--reason-file", "-",
                           text="trial")
        self.assertIn("set back", undone.out)


class Agents(Case):
    """Two officers' days by the command line alone: refer, sign for, answer, withdraw."""

    @classmethod
    def setUpClass(cls):
        cls.city = agent_city.City()
        cls.addClassCleanup(cls.city.close)
        cls.city.start_broker()
        cls.sender = cls.city.agent("procuratorate")
        cls.receiver = cls.city.agent("education")
        for agent in (cls.sender, cls.receiver):
            agent.reached()

    def on(self, agent, *words):
        return ("agent", "--socket", agent.path, *words)

    def refer(self, *recipients):
        """Sends a referral and answers the rows made for it."""
        message = json.dumps(agent_city.outbound(*recipients), ensure_ascii=False, indent=2)
        result = ctl(*self.on(self.sender, "send", "-", "--json"), text=message)
        self.assertEqual(result.status, OK, result.err)
        return result

    def came(self, agent, kind, number):
        return agent.wait_row("inbox", "%s of %s" % (kind, number),
                              lambda row: (row["kind"], row.get("referral")) == (kind, number))

    def test_1_a_referral_is_answered(self):
        made = self.refer("education").json["messages"]
        number = made[0]["referral"]
        self.came(self.receiver, "outbound-referral", number)
        drawn = self.good(*self.on(self.receiver, "inbox"))
        self.assertIn(number, drawn.out)
        self.assertNotIn("小甲", drawn.out)
        drawn = self.good(*self.on(self.receiver, "show", made[0]["id"]))
        self.assertRegex(drawn.out, r"(?m)^ +- name: 小甲$")
        self.assertRegex(drawn.out, r"(?m)^  officer: 检察官甲$")
        shown = self.good(*self.on(self.receiver, "show", made[0]["id"], "--json")).json
        self.assertEqual(shown["message"]["body"]["persons"][0]["name"], "小甲")
        signed = self.good(*self.on(self.receiver, "sign-for", number))
        self.assertRegex(signed.out, r"sign-for +education +procuratorate +" + number)
        row = self.came(self.sender, "sign-for", number)
        shown = self.good(*self.on(self.sender, "show", row["id"], "--json")).json
        self.assertEqual(shown["message"]["body"]["officer"], "经办人")
        feedback = self.city.path("feedback.json")
        self.city.write(feedback, json.dumps({
            "facts": {"outcome": "granted", "measures": [
                {"measure": "student-aid", "shape": "money", "amount_fen": 120000,
                 "unit": "term"}]},
            "body": {"officer": "资助科己"}}, ensure_ascii=False))
        self.good(*self.on(self.receiver, "feedback", number, feedback, "--json"))
        self.came(self.sender, "outbound-feedback", number)
        drawn = self.good(*self.on(self.sender, "show", number))
        self.assertRegex(drawn.out, "(?m)^state: answered$")
        self.assertRegex(drawn.out, "(?m)^outcome: granted$")
        shown = self.good(*self.on(self.sender, "show", number, "--json")).json
        self.assertEqual(shown["referral"]["outcome"], "granted")
        shown = self.good(*self.on(self.sender, "show", made[0]["case_number"], "--json")).json
        self.assertEqual(shown["case"], made[0]["case_number"])
        self.assertIn(number, self.good(*self.on(self.sender, "show",
                                                 made[0]["case_number"])).out)

    def test_2_withdraw(self):
        number = self.refer("education").json["messages"][0]["referral"]
        self.came(self.receiver, "outbound-referral", number)
        reason = self.city.path("reason.txt")
        self.city.write(reason, "与在办案件\n重复。\n")
        result = ctl(*self.on(self.sender, "withdraw", number, "--code", "duplicate",
                              "--reason-file", reason, "--officer-file", "-", "--json"),
                     text="检察官甲")
        self.assertEqual(result.status, OK, result.err)
        row = self.came(self.receiver, "withdrawal", number)
        shown = self.good(*self.on(self.receiver, "show", row["id"], "--json")).json["message"]
        self.assertEqual((shown["facts"]["reason"], shown["body"]["text"],
                          shown["body"]["officer"]),
                         ("duplicate", "与在办案件\n重复。", "检察官甲"))
        before = len(self.sender.rows("outbox"))
        self.bad(REFUSED, ": ", *self.on(self.sender, "withdraw", number, "--code", "other"))
        self.assertEqual(len(self.sender.rows("outbox")), before)

    def test_3_wrong_messages(self):
        """Path, reason and what is allowed; nothing is sent, nobody's data is repeated."""
        before = len(self.sender.rows("outbox"))
        right = agent_city.outbound("education")
        for change, place, pattern in (
                (lambda m: m["facts"].update(ground="art-4"), "facts.ground", "art-4-1"),
                (lambda m: m["facts"].update(needs=["money"]), "facts.needs[0]",
                 "judicial-assistance"),
                (lambda m: m["body"].pop("officer"), "body.officer", "officer"),
                (lambda m: m["body"].update(officr="x"), "body", "officr"),
                (lambda m: m.update(recipients=["court"]), "recipients[0]",
                 "no such agency in the registry: court"),
                (lambda m: m.update(kind="referral"), "kind", "outbound-referral"),
                (lambda m: m["body"]["persons"][0].update(identity_number="150602201403050011"),
                 "body.persons[0].identity_number", "identity_number")):
            message = json.loads(json.dumps(right))
            change(message)
            answer = self.bad(REFUSED, pattern, *self.on(self.sender, "send", "-"),
                              text=json.dumps(message))
            self.assertTrue(answer["place"].startswith(place), (place, answer))
            self.assertNotIn("150602", json.dumps(answer))
            self.assertNotIn("小甲", json.dumps(answer, ensure_ascii=False))
        for words in (("show", "JZ-2026-9999-01"), ("sign-for", "JZ-2026-9999-01"),
                      ("withdraw", "nothing", "--code", "other")):
            self.bad(REFUSED, ": ", *self.on(self.sender, *words))
        self.assertEqual(len(self.sender.rows("outbox")), before)

    def test_4_lists(self):
        """All rows without --count; pages with it; --json says when there are more."""
        for _ in range(3):
            self.refer("education")
        rows = self.sender.rows("outbox")
        drawn = self.columns(self.good(*self.on(self.sender, "outbox")).out)
        self.assertEqual([row[0] for row in drawn[1:]], [str(row["seq"]) for row in rows])
        page = self.good(*self.on(self.sender, "outbox", "--count", "2", "--json")).json
        self.assertEqual((len(page["rows"]), page["more"]), (2, True))
        rest = self.good(*self.on(self.sender, "outbox", "--json", "--after",
                                  str(page["rows"][1]["seq"]))).json
        self.assertEqual([row["id"] for row in page["rows"] + rest["rows"]],
                         [row["id"] for row in rows])
        drawn = self.columns(self.good(*self.on(self.sender, "outbox", "--count", "2")).out)
        self.assertEqual(len(drawn), 3)
        last = str(rows[-1]["seq"])
        self.assertEqual(self.good(*self.on(self.sender, "outbox", "--after", last)).out,
                         "no messages\n")

    def test_5_a_need_outside_the_duties(self):
        message = agent_city.outbound("education", needs=["legal-aid"])
        result = ctl(*self.on(self.sender, "send", "-"), text=json.dumps(message))
        self.assertEqual(result.status, OK, result.err)
        self.assertRegex(result.err, "warning: .*legal-aid; suggested: justice")
        self.assertIn("outbound-referral", result.out)

    def test_6_status_and_an_outage(self):
        self.sender.wait_row("outbox", "all accepted",
                             lambda row: row["seq"] == self.sender.rows("outbox")[-1]["seq"]
                             and row["state"] == "accepted")
        status = ctl(*self.on(self.sender, "status", "--json"))
        self.assertIs(status.json["connected"], True)
        self.assertIs(status.json["registry_matches"], True)
        self.assertEqual(status.status, WARNING if status.json["clock_held"] else OK, status.err)
        self.assertIn("broker: agents-test.example/broker",
                      ctl(*self.on(self.sender, "status")).out)
        self.bad(REFUSED, "this is the socket of an agent.*agent status", "--socket",
                 self.sender.path, "status")
        self.city.kill_broker()
        self.sender.wait("an outage", lambda event: event["event"] == "disconnected")
        status = ctl(*self.on(self.sender, "status"))
        self.assertEqual(status.status, WARNING)
        self.assertRegex(status.err, 'not connected to the broker at tls.tcp://127.*"broker" '
                         "since 20")
        number = self.refer("education").json["messages"][0]["referral"]
        self.assertRegex(self.good(*self.on(self.sender, "outbox")).out, number + " +waiting")
        self.city.start_broker()
        self.came(self.receiver, "outbound-referral", number)


if __name__ == "__main__":
    unittest.main(verbosity=2)
