#!/usr/bin/python3
"""Every message of the agreement, said from a shell with `referralctl agent send` between real
agents and a real broker, and seen to arrive: each row of the domain's table of messages, by the
examples of docs/messages.md where the page has one. A file goes with each."""

import base64
import datetime
import json
import os
import re
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from agent_city import BIN, CONFIG, ROOT, City, outbound, inbound, wait_for  # noqa: E402

ASSOCIATE = """
  - id: hospital
    number: 900
    class: A
    prefix: YY
    name: {zh: 示例医院, en: Example Hospital}
    office: {zh: 医务科, en: Medical Office}
    duties: []
"""
FILE = "附件：由 %s 附上。\n"
FENCE = re.compile(r"```json\n(.*?)\n```", re.DOTALL)


def examples():
    """The page's examples by kind; the first of each."""
    with open(os.path.join(ROOT, "docs", "messages.md"), encoding="utf-8") as page:
        found = [json.loads(text) for text in FENCE.findall(page.read())]
    return {message["kind"]: message for message in reversed(found)}


def day(ahead):
    zone = datetime.timezone(datetime.timedelta(hours=8))
    return (datetime.datetime.now(zone) + datetime.timedelta(days=ahead)).strftime("%Y-%m-%d")


def at(ahead):
    return day(ahead) + "T09:30:00+08:00"


class Agreement(unittest.TestCase):
    NAMES = ("procuratorate", "education", "civil-affairs")
    said, played = set(), 0

    @classmethod
    def tearDownClass(cls):
        every = [name for name in dir(cls) if name.startswith("test_")]
        missing = set(examples()) - cls.said
        if cls.played == len(every) and missing:
            raise AssertionError("the page has messages that nobody said: %s" % missing)

    def setUp(self):
        type(self).played += 1
        with open(os.path.join(CONFIG, "agencies.yaml"), encoding="utf-8") as file:
            self.city = City(registry=file.read().rstrip("\n") + "\n" + ASSOCIATE)
        self.city.start_broker()
        for name in self.NAMES:
            self.city.agent(name)
        self.examples = examples()
        self.files = {}

    def tearDown(self):
        logs = {name: agent.log() for name, agent in self.city.agents.items()}
        statuses = self.city.close()
        if any(statuses.values()):
            print(logs, file=sys.stderr)
        self.assertEqual(set(statuses.values()), {0}, "every daemon ends with 0")

    def shell(self, who, *words, message=None):
        """`referralctl agent ...` to that agency's agent; answers its JSON."""
        done = subprocess.run(
            [os.path.join(BIN, "referralctl"), "agent", *words, "--socket",
             self.city.agents[who].path, "--json"],
            input=json.dumps(message, ensure_ascii=False) if message is not None else None,
            capture_output=True, text=True, check=False)
        self.assertIn(done.returncode, (0, 5), (words, message, done.stdout, done.stderr))
        return json.loads(done.stdout)

    def arrive(self, who, row, to):
        """The message is accepted, and everybody to whom it goes has it with its body."""
        self.city.agents[who].wait_row("outbox", "its receipt", lambda each:
                                       each["id"] == row["id"] and each["state"] == "accepted")
        for name in to:
            self.city.agents[name].wait_row("inbox", row["kind"],
                                            lambda each: each["id"] == row["id"])
            shown = self.shell(name, "show", row["id"])["message"]
            self.assertIn("body", shown, "%s opens the body of %s" % (name, row["kind"]))
        self.said.add(row["kind"])
        return row["referral"]

    def file_of(self, who):
        """The digest of a file that this agency attached."""
        if who not in self.files:
            path = self.city.path(who + ".txt")
            with open(path, "w", encoding="utf-8") as file:
                file.write(FILE % who)
            self.files[who] = self.shell(who, "attach", path)["attachment"]["digest"]
        return self.files[who]

    def has_file(self, who, row, to):
        """The file that went with the message opens at all who got it."""
        for name in to:
            agent = self.city.agents[name]
            wait_for("the file of %s" % row["kind"], lambda each=agent: [
                file["state"] for file in each.must("attachments", id=row["id"])["attachments"]
            ] == ["here"])
            data = agent.must("attachment", digest=self.files[who], count=1000)["data"]
            self.assertEqual(base64.b64decode(data).decode(), FILE % who)

    def say(self, who, kind, to, facts=None, **address):
        """The page's example of this kind, addressed anew and with a file; answers the number it is
        under."""
        example = self.examples[kind]
        message = {"kind": kind,
                   "facts": {**example.get("facts", {}), **(facts or {}),
                             "attachments": [{"digest": self.file_of(who)}]},
                   "body": address.pop("body", example["body"]), **address}
        rows = self.shell(who, "send", "-", message=message)["messages"]
        self.assertEqual(len(rows), 1, "one act is one message")
        number = self.arrive(who, rows[0], to)
        self.has_file(who, rows[0], to)
        return number

    def refer(self, to="education", **members):
        message = {**outbound(to), **members}
        row = self.shell("procuratorate", "send", "-", message=message)["messages"][0]
        self.arrive("procuratorate", row, [to])
        self.city.agents["procuratorate"].wait_row(
            "inbox", "the delivery notice", lambda each: each["kind"] == "delivery-notice"
            and each["referral"] == row["referral"])
        return row["referral"]

    def wait_clock(self, who, number, **wanted):
        """The clocks or duties of a number, once one is as wanted."""
        agent = self.city.agents[who]

        def fits(_row):
            shown = agent.must("show", id=number)
            clocks = (shown.get("referral") or {}).get("clocks", [])
            clocks += (shown.get("matter") or {}).get("duties", [])
            return any(all(clock.get(key) == value for key, value in wanted.items())
                       for clock in clocks)
        if not fits(None):
            agent.wait_row("inbox", "a clock %s of %s" % (wanted, number), fits)

    def test_a_referrals_own_messages(self):
        number = self.refer()
        officer = {"officer": "经办人"}
        self.say("education", "sign-for", ["procuratorate"], referral=number,
                 facts={"register_number": "JY-DJ-%s-0001" % number[3:7]})
        self.say("education", "outbound-feedback", ["procuratorate"], referral=number, body=officer,
                 facts={"register_number": None})
        for stage in ("approved", "paid", "delivered"):
            self.say("education", "assistance-report", ["procuratorate"], referral=number,
                     facts={"stage": stage, "date": day(0)})
        row = self.shell("procuratorate", "show", number)["rows"][0]
        self.say("procuratorate", "correction", ["education"], referral=number,
                 refers_to=row["id"])
        second = self.refer("civil-affairs")
        rows = self.shell("civil-affairs", "feedback", second, "-", message={
            "facts": {"outcome": "procedure-required", "tell_by": "procuratorate",
                      "documents": [{"kind": "application-form"}]}, "body": officer})["messages"]
        self.arrive("civil-affairs", rows[0], ["procuratorate"])
        self.say("procuratorate", "applicant-informed", ["civil-affairs"], referral=second)
        self.say("procuratorate", "papers", ["civil-affairs"], referral=second,
                 facts={"documents": ["application-form"], "received": at(-1)})
        self.say("procuratorate", "withdrawal", ["civil-affairs"], referral=second)
        row = self.shell("education", "send", "-", message=inbound())["messages"][0]
        number = self.arrive("education", row, ["procuratorate"])
        self.say("procuratorate", "inbound-feedback", ["education"], referral=number,
                 facts={"register_number": "JZ-DJ-%s-0001" % number[3:7]})
        self.assertEqual(self.shell("education", "show", number)["referral"]["outcome"],
                         "suitable")

    def test_declined_and_sent_on_with_its_trail(self):
        number = self.refer()
        rows = self.shell("education", "feedback", number, "-", message={
            "facts": {"outcome": "not-my-duty", "suggested_agency": "civil-affairs"},
            "body": {"officer": "经办人", "reasons": "属民政职责。"}})["messages"]
        self.arrive("education", rows[0], ["procuratorate"])
        message = outbound("civil-affairs", link="re-referral")
        second = self.refer("civil-affairs", facts=message["facts"], previous=number)
        self.assertEqual(second, number[:-2] + "02", "in the same case")
        first = self.shell("procuratorate", "show", number)["referral"]
        for name in ("procuratorate", "civil-affairs"):
            shown = self.shell(name, "show", second)["referral"]
            self.assertEqual((shown["link"], shown["previous"]), ("re-referral", first["id"]))

    def test_asked_and_consulted(self):
        number = self.refer()
        asked = self.say("education", "information-request", ["procuratorate"], about=number)
        self.assertRegex(asked, r"^JY-SX-\d{4}-0001$")
        self.city.agents["education"].wait_row(
            "inbox", "the request's delivery", lambda row: row["kind"] == "delivery-notice"
            and row["referral"] == asked)
        late = self.shell("procuratorate", "late", "--within", "30")["clocks"]
        self.assertIn((asked, "information"), {(each["number"], each["clock"]) for each in late})
        self.say("procuratorate", "information-reply", ["education"], matter=asked)
        self.assertEqual(self.shell("education", "show", asked)["matter"]["state"], "closed")
        talk = self.say("procuratorate", "consultation", ["education", "civil-affairs"],
                        about=number, recipients=["education", "civil-affairs"])
        self.say("civil-affairs", "consultation", ["procuratorate", "education"], matter=talk)
        held = self.say(
            "procuratorate", "case-conference", ["education", "civil-affairs"], about=number,
            recipients=["education", "civil-affairs"],
            facts={"held": at(-1), "promises": [
                {"agency": "education", "code": "provide", "by_date": day(20)},
                {"agency": "civil-affairs", "code": "visit", "by_date": day(10)}]})
        self.wait_clock("education", held, duty=1, responsible="education", open=True)
        self.say("education", "promise-report", ["procuratorate"], matter=held)
        self.say("civil-affairs", "promise-report", ["procuratorate", "education"], matter=held,
                 recipients=["education", "procuratorate"], facts={"duty": 2})
        self.assertEqual(self.shell("procuratorate", "show", held)["matter"]["state"], "closed")

    def test_met_heard_and_told(self):
        number = self.refer()
        case = number[:-3]
        both = ["education", "civil-affairs"]
        meeting = self.say("procuratorate", "meeting-notice", both,
                           facts={"at": at(20), "reply_by": day(10),
                                  "agenda": [{"number": number, "why": "proposed"}]})
        self.say("education", "meeting-reply", ["procuratorate"], matter=meeting)
        hearing = self.say("procuratorate", "hearing-invitation", both, case_number=case,
                           recipients=both, facts={"at": at(20), "reply_by": day(10)})
        self.say("civil-affairs", "hearing-reply", ["procuratorate"], matter=hearing)
        self.say("procuratorate", "hearing-opinion", both, matter=hearing,
                 facts={"promises": [{"agency": "civil-affairs", "code": "verify",
                                      "by_date": day(30)}]})
        self.wait_clock("civil-affairs", hearing, responsible="civil-affairs", open=True)
        shown = self.shell("procuratorate", "show", hearing)["matter"]
        promise = [duty for duty in shown["duties"] if duty["open"]][0]["duty"]
        self.say("civil-affairs", "promise-report", ["procuratorate"], matter=hearing,
                 facts={"duty": promise})
        self.say("education", "roster-change", ["procuratorate"])
        self.say("procuratorate", "roster", both, facts={"edition": 1})
        letter = self.say("education", "letter", ["procuratorate"], about=number,
                          facts={"associate": "hospital", "answer_by": day(15)})
        self.say("education", "letter-answer", ["procuratorate"], matter=letter)

    def test_archived_visited_and_opened_again(self):
        number = self.refer()
        case = number[:-3]
        rows = self.shell("education", "feedback", number, "-", message={
            "facts": {"outcome": "granted", "measures": [
                {"measure": "student-aid", "shape": "money", "amount_fen": 1, "unit": "term"}]},
            "body": {"officer": "经办人"}})["messages"]
        self.arrive("education", rows[0], ["procuratorate"])
        fund = self.say("procuratorate", "fund-plan", ["education"], case_number=case,
                        facts={"payments": [{"date": day(30), "amount_fen": 40000},
                                            {"date": day(60), "amount_fen": 60000}]})
        self.say("procuratorate", "fund-payment", ["education"], matter=fund,
                 facts={"date": day(0)})
        archive = self.say("procuratorate", "archive", ["education"], case_number=case)
        refused = subprocess.run(
            [os.path.join(BIN, "referralctl"), "agent", "send", "-", "--socket",
             self.city.agents["procuratorate"].path, "--json"],
            input=json.dumps({**outbound("civil-affairs"), "case_number": case}),
            capture_output=True, text=True, check=False)
        self.assertEqual(json.loads(refused.stdout)["code"], "case.archived", refused.stdout)
        shown = self.shell("education", "show", archive)["matter"]
        self.assertEqual([duty["clock"] for duty in shown["duties"]], ["follow-up"])
        self.say("procuratorate", "follow-up-plan", ["education"], matter=archive,
                 facts={"dates": [day(40), day(200)]})
        self.say("procuratorate", "follow-up-report", ["education"], matter=archive,
                 facts={"duty": 2, "next_date": day(90), "risk": "fall-back"})
        self.say("procuratorate", "re-open", ["education"], matter=archive)
        message = outbound("civil-affairs", link="follow-up")
        second = self.refer("civil-affairs", facts=message["facts"], previous=number)
        self.assertEqual(second[:-3], case, "the case takes referrals again")
        whole = self.shell("procuratorate", "show", case)
        self.assertEqual({each["kind"]: each["state"] for each in whole["matters"]},
                         {"archive": "cancelled", "fund": "open"})
        self.assertEqual(len(whole["referrals"]), 2)

    def test_a_numbered_document_is_answered_by_its_number(self):
        agent = self.city.agents["education"]
        row = self.shell("procuratorate", "send", "-",
                         message=outbound("education", life_danger=True))["messages"][0]
        self.arrive("procuratorate", row, ["education"])
        self.city.agents["procuratorate"].wait_row(
            "inbox", "the delivery", lambda each: each["kind"] == "delivery-notice")
        self.assertTrue(self.city.status.ask(cmd="clock-confirm", reason="compared")["ok"])
        self.assertTrue(self.city.status.ask(cmd="lab-clock", both_ms=3 * 3600 * 1000)["ok"])
        document = agent.wait_row("inbox", "urgent-1",
                                  lambda each: each.get("rung") == "urgent-1")["document_number"]
        reply = self.shell("education", "reply", document, "--code", "will-answer")["messages"][0]
        self.assertEqual(reply["referral"], row["referral"])
        self.arrive("education", reply, ["procuratorate"])
        self.assertEqual(self.shell("education", "show", document)["referral"]["number"],
                         row["referral"])


if __name__ == "__main__":
    unittest.main()
