#!/usr/bin/python3
"""The joint meeting's figures against a second count: some hundreds of referrals are played through
a real broker on the laboratory clock, over weeks with weekends and holidays: every outcome, early
and late, papers asked for and second windows, withdrawals, bodies that are sent back, systems that
do not fetch, officers that do not sign. Then `referralctl stats --json` must equal what
recount.py counts from the exported log, field by field, for the whole and for parts of it.
Random with a printed seed (REFERRAL_SEED repeats it)."""

import csv
import datetime
import io
import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
POLICY = os.path.join(HERE, "..", "..", "config", "policy.yaml")
sys.path.insert(0, os.path.join(HERE, "..", "process"))

from cli_support import (CALENDARS, FAILED, OK, REFUSED, UNREACHABLE, USAGE, Case,  # noqa: E402
                         ctl)

import recount  # noqa: E402
import run_client  # noqa: E402
from run_client import client, m  # noqa: E402

SOCIAL = ("education", "civil-affairs", "justice", "health")
PREFIXES = {"procuratorate": "JZ", "education": "JY", "civil-affairs": "MZ", "justice": "SF",
            "health": "WJ"}
run_client.AGENCIES = ("procuratorate",) + SOCIAL  # the city that City makes
DAY_MS = 86400000
OFFICER, PERSONS, CIRCUMSTANCES, REASONS, OPINION, TEXT, OUTCOMES, TOLD = (
    256, 1, 2, 4, 16, 32, 64, 128)
GRANTED, PROCEDURE, NOT_ELIGIBLE, NOT_MY_DUTY, SUITABLE, NOT_SUITABLE = range(1, 7)
FATES = (["final"] * 29 + ["procedure"] * 8 + ["silent"] * 6 + ["withdrawn"] * 4
         + ["unreadable"] * 3)
REFERRALS = 900 if os.environ.get("REFERRAL_LONG") else 240
DAYS = 96
# What the story must have had, among the outbound ones.
FIGURES = ("answered_in_time", "answered_late", "open", "overdue", "procedure", "withdrawn",
           "returned", "late_answers", "documents", "resolved", "minors", "urgent", "life_danger",
           "p90_days")


class Officer:
    """One agency: a connection, the numbers that it gives, and what it means to do on which day."""

    def __init__(self, story, name):
        self.story, self.name = story, name
        self.link = story.city.agency(name)
        self.link.hello()
        self.counters = {}
        self.plans = []  # (day, how, referral)
        self.online = True

    def number(self, middle):
        """JZ-2026-0001, JZ-DJ-2026-0001: each counted by itself."""
        year = run_client.year_of(self.link)
        key = (middle, year)
        self.counters[key] = self.counters.get(key, 0) + 1
        return "%s%s-%d-%04d" % (PREFIXES[self.name], middle, year, self.counters[key])

    def payload(self, referral, kind, facts, fields=0, body=None):
        """A message of a referral, to its other party."""
        other = referral["to"] if self.name == referral["from"] else referral["from"]
        header = m.Header(kind=kind, recipient=other, case_id=referral["case_id"],
                          case_number=referral["case"], referral_id=referral["id"],
                          referral_number=referral["number"])
        facts.body_fields = fields
        return self.link.make_payload(header, facts, body)

    def send(self, payloads):
        """Submits, and fails the test at the first refusal."""
        for start in range(0, len(payloads), 32):
            for record, receipt in self.link.submit(payloads[start:start + 32]):
                if record is None or record.refusal:
                    raise AssertionError("%s refused: %s" % (self.name, record or receipt))

    def reject(self, item):
        delivery, header, _, _, record = item
        answer = m.Header(kind=10, recipient=header.sender, case_id=header.case_id,
                          case_number=header.case_number, referral_id=header.referral_id,
                          referral_number=header.referral_number, refers_to=header.message_id)
        facts = m.Facts(rejection=m.RejectionFacts(
            lane=record.stream.lane, stream_seq=record.stream.seq,
            leaf_index=delivery.leaf_index, reason=2, field="body.persons[0].identity_number",
            leaf_hash=client.leaf_hash(delivery.salt, delivery.record)))
        head = self.link.ask("ack", client.r.Ack(count=1),
                             [payload := self.link.make_payload(answer, facts)])
        (record, receipt), = self.link.receipts(head, [payload])
        if record is None or record.refusal:
            raise AssertionError("rejection refused: %s" % (record or receipt))

    def fetch(self):
        """Takes all that waits; answers the headers of what was taken, not sent back."""
        taken = []
        while found := self.link.fetch():
            good = []
            for item in found:
                referral = self.story.by_id.get(item[1].referral_id)
                bad = item[1].kind in (1, 2) and referral["fate"] == "unreadable"
                if bad:
                    self.reject(item)
                else:
                    good.append(item)
            if good:
                self.link.acknowledge(good)
            taken += [item[1] for item in good]
        return taken


class Story:
    """Weeks of a city. A fate is drawn for each referral, then the days follow it."""

    def __init__(self, city, dice):
        self.city, self.dice = city, dice
        self.day = 0
        self.by_id = {}
        self.matters = {}
        self.decks = {}
        self.officers = {name: Officer(self, name) for name in run_client.AGENCIES}
        self.open = []

    def deal(self, name, cards):
        """A card of a shuffled deck, a new one when it is used up: nothing stays away for long."""
        deck = self.decks.setdefault(name, [])
        if not deck:
            deck += self.dice.sample(cards, len(cards))
        return deck.pop()

    # --- what is sent ---

    def referral(self, sender):
        dice = self.dice
        officer = self.officers[sender]
        inbound = sender != "procuratorate"
        case = officer.number("")
        referral = {
            "from": sender, "to": "procuratorate" if inbound else dice.choice(SOCIAL),
            "case_id": secrets.token_bytes(16), "case": case, "number": case + "-01",
            "id": client.uuid7(officer.link.now_ms()), "inbound": inbound, "signed": False,
            "fate": self.deal("inbound" if inbound else "outbound", FATES),
            "sign_after": dice.choice((0, 0, 1, 2, 4, 9, None)),
            "answer_after": dice.choice((0, 1, 3, 8, 13, 14, 15, 20, 27, 28, 29, 34, 45, 60))}
        if inbound and referral["fate"] == "procedure":
            referral["fate"] = "final"
        facts = m.ReferralFacts(
            ground=dice.choice((401, 402, 404, 1801, 1806) if inbound else (1, 401, 407, 1803)),
            needs=1 << dice.randrange(1, 30), person_count=1,
            priority_groups=dice.choice((0, 0, 1, 4, 8, 64 | 16, 1 << 11)),
            urgent=dice.random() < 0.1, life_danger=dice.random() < 0.08,
            lead_channel=dice.randrange(1, 7))
        for kind in range(1, 6):
            facts.materials.add(kind=kind, missing_reason=1)
        body = m.Body(officer="officer 7", circumstances="c", reasons="r")
        body.persons.add(name="\u5f20\u4e09", minor=True, guardian="g")
        self.by_id[referral["id"]] = referral
        return referral, officer.payload(
            referral, 2 if inbound else 1, m.Facts(referral=facts),
            OFFICER | PERSONS | CIRCUMSTANCES | REASONS, body)

    def submit_new(self, count):
        payloads = {}
        for _ in range(count):
            sender = self.dice.choice(("procuratorate",) * 3 + SOCIAL)
            referral, payload = self.referral(sender)
            payloads.setdefault(sender, []).append(payload)
            if referral["fate"] == "withdrawn":
                self.plan(sender, self.dice.choice((0, 2, 12, 40)), self.withdraw, referral)
        for sender, some in payloads.items():
            self.officers[sender].send(some)

    def plan(self, name, after, how, referral):
        self.officers[name].plans.append((self.day + after, how, referral))

    # --- what is done with it ---

    def withdraw(self, officer, referral):
        referral["fate"] = "gone"
        facts = m.Facts(withdrawal=m.WithdrawalFacts(reason=self.dice.randrange(1, 7)))
        return [officer.payload(referral, 8, facts, OFFICER, m.Body(officer="officer 1"))]

    def sign(self, officer, referral):
        if referral["signed"] or referral["fate"] == "gone":
            return []
        referral["signed"] = True
        facts = m.Facts(sign_for=m.SignForFacts(register_number=officer.number("-DJ")))
        return [officer.payload(referral, 3, facts, OFFICER, m.Body(officer="officer 2"))]

    def feedback(self, officer, referral, outcome):
        feedback = m.FeedbackFacts(outcome=outcome)
        fields, body = OFFICER, m.Body(officer="officer 3")
        if outcome == GRANTED:
            referral["granted"] = self.dice.sample(range(1, 28), self.dice.randrange(1, 4))
            for measure in referral["granted"]:
                feedback.measures.add(measure=measure, shape=1, unit=1, amount_fen=100000)
        if outcome == PROCEDURE:
            feedback.documents.add(kind=1)
            feedback.tell_by = referral["tell_by"] = self.dice.choice((1, 2))
        if outcome in (NOT_ELIGIBLE, NOT_MY_DUTY, NOT_SUITABLE):
            fields, body.reasons = fields | REASONS, "r"
        if outcome == SUITABLE:
            fields, body.opinion = fields | OPINION, "o"
        if outcome == NOT_MY_DUTY:
            feedback.suggested_agency = "womens-federation"
        if not referral["signed"]:
            referral["signed"] = True
            feedback.register_number = officer.number("-DJ")
        return officer.payload(referral, 5 if referral["inbound"] else 4,
                               m.Facts(feedback=feedback), fields, body)

    def answer(self, officer, referral):
        if referral["fate"] == "gone":
            return []
        outcomes = (SUITABLE, NOT_SUITABLE) if referral["inbound"] else (
            GRANTED, GRANTED, NOT_ELIGIBLE, NOT_MY_DUTY)
        outcome = self.dice.choice(outcomes)
        if outcome in (GRANTED, SUITABLE):
            self.plan(officer.name, self.dice.choice((1, 5, 20, 400)), self.report_help, referral)
        elif not referral["inbound"] and referral["fate"] == "final":
            self.plan(referral["from"], self.dice.choice((0, 1, 6)), self.archive, referral)
        return [self.feedback(officer, referral, outcome)]

    def report_help(self, officer, referral):
        """Of each measure how far it came: approved, paid, delivered."""
        payloads = []
        today = recount.day_of(officer.link.now_ms())
        for measure in referral.get("granted", [28]):
            for stage in range(1, self.dice.randrange(1, 5)):
                facts = m.Facts(assistance=m.AssistanceFacts(
                    stage=stage, measure=measure, shape=1, amount_fen=100000,
                    date=int(today.strftime("%Y%m%d"))))
                payloads.append(officer.payload(referral, 13, facts, OFFICER,
                                                m.Body(officer="officer 5")))
        return payloads

    # --- what stands beside it: follow-up visits, questions ---

    def matter(self, officer, referral):
        """A new matter of its case, between the same two."""
        other = referral["to"] if officer.name == referral["from"] else referral["from"]
        matter = {"from": officer.name, "to": other, "case_id": referral["case_id"],
                  "case": referral["case"], "number": officer.number("-SX"),
                  "id": client.uuid7(officer.link.now_ms()), "duty": 1}
        self.matters[matter["id"]] = matter
        return matter

    def write(self, officer, matter, kind, facts):
        return [officer.payload(matter, kind, facts, OFFICER | TEXT,
                                m.Body(officer="officer 6", text="t"))]

    def archive(self, officer, referral):
        matter = self.matter(officer, referral)
        self.plan(officer.name, self.dice.choice((0, 1, 3)), self.plan_visits, matter)
        return self.write(officer, matter, 15, m.Facts(archive=m.ArchiveFacts(why=1)))

    def plan_visits(self, officer, matter):
        """Two dates of people instead of the one by rule: visited in time, late, or re-opened."""
        today = recount.day_of(officer.link.now_ms())
        dates = [int((today + datetime.timedelta(days=n)).strftime("%Y%m%d")) for n in (4, 12)]
        for after, how in zip(((2, 4, 9), (6, 30, 400)), (self.visit, self.visit)):
            self.plan(officer.name, self.dice.choice(after), how, matter)
        if self.dice.random() < 0.3:
            self.plan(officer.name, 14, self.reopen, matter)
        facts = m.FollowUpPlanFacts(dates=dates)
        return self.write(officer, matter, 17, m.Facts(follow_up_plan=facts))

    def visit(self, officer, matter):
        if matter["duty"] == 0:
            return []
        matter["duty"] += 1
        facts = m.FollowUpReportFacts(duty=matter["duty"], hardship=2, effect=1, risk=2)
        return self.write(officer, matter, 18, m.Facts(follow_up_report=facts))

    def reopen(self, officer, matter):
        matter["duty"] = 0
        return self.write(officer, matter, 16, m.Facts(reopen=m.ReopenFacts(why=1)))

    def ask(self, officer, referral):
        facts = m.InformationFacts(asked=1, about=referral["id"])
        return self.write(officer, self.matter(officer, referral), 11,
                          m.Facts(information=facts))

    def reply(self, officer, matter):
        facts = m.InformationReplyFacts(answered=1)
        return self.write(officer, matter, 12, m.Facts(information_reply=facts))

    # --- papers ---

    def ask_for_papers(self, officer, referral):
        payload = self.feedback(officer, referral, PROCEDURE)
        holder = referral["from"] if referral["tell_by"] == 1 else referral["to"]
        self.plan(holder, self.deal("papers", (1, 4, 9, 30, 400, 400)), self.bring_papers, referral)
        return [payload]

    def bring_papers(self, officer, referral):
        """By the one who referred, or reported by the receiver itself; then the final answer."""
        papers = m.PapersFacts(documents=[1], received_ms=officer.link.now_ms())
        payload = officer.payload(referral, 7, m.Facts(papers=papers), OFFICER,
                                  m.Body(officer="officer 4"))
        if officer.name == referral["to"]:
            self.plan(officer.name, self.dice.choice((1, 8, 29, 44)), self.answer, referral)
        return [payload]

    def taken(self, name, header):
        """What an officer makes of a message that came."""
        referral = self.by_id.get(header.referral_id)
        if header.kind == 11:
            self.plan(name, self.deal("reply", (0, 3, 9, 400)), self.reply,
                      self.matters[header.referral_id])
        if header.kind in (1, 2):
            if referral["sign_after"] is not None:
                self.plan(name, referral["sign_after"], self.sign, referral)
            if referral["fate"] == "silent":
                asks = self.dice.choice((referral["from"], referral["to"]))
                self.plan(asks, self.dice.choice((0, 5)), self.ask, referral)
            if referral["fate"] in ("final", "procedure"):
                how = self.answer if referral["fate"] == "final" else self.ask_for_papers
                self.plan(name, referral["answer_after"], how, referral)
        if header.kind == 7 and name == referral["to"]:
            self.plan(name, self.dice.choice((0, 7, 28, 31)), self.answer, referral)

    # --- days ---

    def officer_day(self, officer):
        due = [plan for plan in officer.plans if plan[0] <= self.day]
        officer.plans = [plan for plan in officer.plans if plan[0] > self.day]
        officer.send([payload for _, how, referral in due for payload in how(officer, referral)])

    def live(self, until, left):
        """Until that day; so many referrals come, and some of them are still open then."""
        while self.day < until:
            count = min(left, self.dice.randrange(0, 2 * REFERRALS * 3 // DAYS))
            left -= count
            self.submit_new(count)
            for name, officer in self.officers.items():
                if self.dice.random() < 0.12:  # its system is away, for days now and then
                    officer.online = not officer.online
                if officer.online or self.dice.random() < 0.3:
                    for header in officer.fetch():
                        self.taken(name, header)
                self.officer_day(officer)
            if self.day > DAYS // 3:
                self.city.install_notice()
            self.pass_days(self.dice.choice((1, 1, 2, 3)))

    def pass_days(self, days):
        self.day += days
        offset_ms = self.city.move(self.day * DAY_MS + 11 * 60000)
        for officer in self.officers.values():
            officer.link.offset_ms = offset_ms


class City(run_client.City):
    """The laboratory city; its clock is moved and confirmed through the status socket. Its
    calendars are a copy, into which next year's notice comes while windows are open."""

    def make_configuration(self):
        super().make_configuration()
        shutil.copytree(CALENDARS, self.path("calendars"))
        with open(self.path("broker.yaml"), encoding="utf-8") as file:
            text = file.read()
        self.write("broker.yaml", text.replace(CALENDARS, self.path("calendars")))
        self.year = recount.day_of(int(time.time() * 1000)).year + 1

    def install_notice(self):
        """Days off about New Year and in February, made up for on two Saturdays."""
        path = self.path("calendars/%d.json" % self.year)
        if os.path.exists(path):
            return
        days = [("%d-01-%02d" % (self.year, day), True) for day in range(1, 5)]
        days += [("%d-02-%02d" % (self.year, day), True) for day in range(2, 11)]
        for month, first in ((1, 9), (2, 13)):
            day = datetime.date(self.year, month, first)
            day += datetime.timedelta(days=5 - day.weekday() if day.weekday() < 6 else 6)
            days.append((day.isoformat(), False))
        self.write(path, json.dumps({"year": self.year, "papers": ["a test's own notice"], "days": [
            {"name": "holiday", "date": date, "isOffDay": off} for date, off in days]}))
        before = self.ask(cmd="status")["calendar"]
        self.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 30
        while self.ask(cmd="status")["calendar"] == before:
            if time.monotonic() > deadline:
                raise AssertionError("the new calendar is not loaded")

    def start(self):
        """The broker's own words go into a file: a clock that leaps weeks makes it warn daily."""
        with open(self.path("broker.log"), "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(os.environ["REFERRAL_BIN"], "referral-broker"), "--config",
                 self.path("broker.yaml")], stderr=log)
        deadline = time.monotonic() + 20
        while True:
            try:
                self.ask(cmd="status")
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise

    def ask(self, **question):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(30)
            raw.connect(self.path("status.sock"))
            raw.sendall(json.dumps(question).encode() + b"\n")
            answer = json.loads(raw.makefile(encoding="utf-8").readline())
        if answer.get("ok") is not True:
            raise AssertionError(answer)
        return answer

    def move(self, offset_ms):
        self.ask(cmd="lab-clock", both_ms=offset_ms)
        return offset_ms

    def confirm(self):
        self.ask(cmd="clock-confirm", reason="a test")

    def settle(self):
        """Until nothing more falls due now: the counts stand still over two answers."""
        deadline = time.monotonic() + 60
        before = None
        while time.monotonic() < deadline:
            answer = self.ask(cmd="status")
            now = (answer["log"]["size"], answer["counts"]["rungs"])
            if now == before:
                return
            before = now
        raise AssertionError("the broker does not settle")


class Recount(Case):
    @classmethod
    def setUpClass(cls):
        seed = os.environ.get("REFERRAL_SEED") or secrets.token_hex(4)
        print("REFERRAL_SEED=%s" % seed, file=sys.stderr)
        cls.city = City()
        cls.addClassCleanup(cls.city.close)
        cls.city.confirm()
        cls.city.move(11 * 60000)  # past the ten minutes after a start
        cls.story = Story(cls.city, random.Random(seed))
        for officer in cls.story.officers.values():
            cls.addClassCleanup(officer.link.link.close)
            officer.link.offset_ms = 11 * 60000
        cls.story.live(DAYS, REFERRALS)
        for _ in range(6):  # chance left something out: life goes on
            cls.story.submit_new(3)
            cls.city.settle()
            if cls.had_all():
                break
            cls.story.live(cls.story.day + 25, 12)
        cls.export()

    @classmethod
    def had_all(cls):
        """Has the story had what the figures are about?"""
        today = datetime.date.today()
        answer = ctl("stats", "--socket", cls.city.path("status.sock"), "--json", "--from",
                     (today - datetime.timedelta(days=3)).isoformat(), "--to",
                     (today + datetime.timedelta(days=600)).isoformat()).json
        return all(answer["lines"][0][figure] > 0 for figure in FIGURES)

    @classmethod
    def export(cls):
        path = cls.city.path("log.audit")
        result = ctl("audit", "export", "--store", cls.city.path("store"), "--out", path)
        if result.status != OK:
            raise AssertionError(result.err)
        with open(path, "rb") as file:
            cls.log = file.read()
        again = ctl("audit", "verify", "--export", path, "--calendars", cls.city.path("calendars"),
                    "--file", POLICY, "--json").json
        if again["verdict"] != "PASS" or not again["rungs"] or not again["windows"]:
            raise AssertionError(again)
        cls.words = recount.read_words(os.path.join(HERE, "..", "..", "docs", "messages.md"))
        cls.calendar = recount.Calendar(cls.city.path("calendars"))

    def ask(self, *words, **options):
        return self.good("--socket", self.city.path("status.sock"), "stats", *words,
                         **options)

    def count(self, answer):
        """The second count for the period and the instant of an answer."""
        period = tuple(datetime.date.fromisoformat(answer[end]) for end in ("from", "to"))
        return recount.recount(self.log, period, answer["as_of_ms"], self.calendar, self.words)

    def same(self, answer, again):
        for name, keys in (("lines", ("agency", "direction")), ("duties", ("agency", "duty"))):
            mine = {tuple(row[key] for key in keys): row for row in answer[name]}
            theirs = {tuple(row[key] for key in keys): row for row in again[name]}
            self.assertEqual(set(mine), set(theirs))
            for key, row in mine.items():
                self.assertEqual(row, theirs[key], key)

    def test_1_every_field_of_the_whole(self):
        first = min(recount.day_of(row.submitted_ms)
                    for row in recount.Log(self.log).referrals.values())
        last = first + datetime.timedelta(days=400)  # duties lie ahead
        answer = self.ask("--json", "--from", first.isoformat(), "--to", last.isoformat()).json
        self.same(answer, self.count(answer))
        all_outbound = answer["lines"][0]
        self.assertEqual((all_outbound["agency"], all_outbound["direction"]), ("all", "outbound"))
        self.assertEqual(sum(row["received"] for row in answer["lines"]
                             if row["agency"] == "all"), len(self.story.by_id))
        for figure in FIGURES:
            self.assertGreater(all_outbound[figure], 0, figure)
        self.assertEqual(set(all_outbound["outcomes"]),
                         {"granted", "procedure-required", "not-eligible", "not-my-duty"})
        self.assertLessEqual({"remind", "due-1", "due-2", "due-3", "unsigned-1"},
                             set(all_outbound["rungs"]))
        self.assertGreater(len(all_outbound["granted"]), 15)
        self.assertGreater(len(all_outbound["measures_delivered"]), 1)
        self.assertLess(all_outbound["on_time_permille"], 1000)
        duties = {row["duty"]: row for row in answer["duties"] if row["agency"] == "all"}
        for duty, figures in (("follow-up", ("done_in_time", "done_late", "open", "overdue",
                                             "cancelled")),
                              ("information", ("done_in_time", "done_late", "overdue"))):
            for figure in figures:
                self.assertGreater(duties[duty][figure], 0, (duty, figure))
        self.assertGreater(all_outbound["whole_p90_days"], all_outbound["p90_days"] - 1)

    def test_2_parts(self):
        """Periods of days, half of the story and nothing; one agency alone."""
        start = recount.day_of(int(time.time() * 1000))
        for first, last in ((0, 0), (0, 20), (21, 60), (30, 30), (DAYS + 40, DAYS + 50)):
            days = [(start + datetime.timedelta(days=n)).isoformat() for n in (first, last)]
            answer = self.ask("--json", "--from", days[0], "--to", days[1]).json
            self.assertEqual([answer["from"], answer["to"]], days)
            self.same(answer, self.count(answer))
        whole = self.ask("--json", "--from", start.isoformat()).json
        alone = self.ask("--json", "--from", start.isoformat(), "--agency", "education").json
        self.assertEqual([row for row in whole["lines"] if row["agency"] == "education"],
                         alone["lines"])

    def test_3_spreadsheet(self):
        """The CSV says what the JSON says; Chinese heads, or English; a byte order mark."""
        path = self.city.path("figures.csv")
        start = recount.day_of(int(time.time() * 1000)).isoformat()
        whole = self.ask("--json", "--from", start, "--csv", path).json
        with open(path, "rb") as file:
            data = file.read()
        self.assertTrue(data.startswith(b"\xef\xbb\xbf"))
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
        self.assertEqual(len({len(row) for row in rows}), 1)
        self.assertEqual(rows[0][:5], ["单位代码", "单位", "方向", "移送", "收到"])
        self.assertEqual(len(rows) - 1, len(whole["lines"]) + len(
            {row["agency"] for row in whole["duties"]}))
        english = self.ask("--csv", "-", "--english", "--from", start).out
        rows = list(csv.DictReader(io.StringIO(english.lstrip("\ufeff"), newline="")))
        for row, line in zip(rows, whole["lines"]):
            self.assertEqual((row["id"], row["direction"]), (line["agency"], line["direction"]))
            self.assertEqual(int(row["received"]), line["received"])
            self.assertEqual(int(row["answered late"]), line["answered_late"])
            self.assertEqual(row["median days"],
                             "" if line["median_days"] is None else str(line["median_days"]))
            self.assertEqual(int(row["outcomes：granted"]), line["outcomes"].get("granted", 0))

    def test_4_screen(self):
        start = recount.day_of(int(time.time() * 1000)).isoformat()
        drawn = self.ask("--from", start).out
        self.assertRegex(drawn, r"单位 +方向 +移送 +收到 +已签收 +按期办结")
        self.assertIn("教育体育局", drawn)
        self.assertRegex(drawn, r"九成位 +按期率")
        self.assertIn("agency", self.ask("--from", start, "--english").out)

    def test_5_pages(self):
        """A page holds what is asked for, goes on behind its key, and is cut at 500."""
        seen, after = [], {}
        while True:
            page = self.city.ask(cmd="referrals", count=7, **after)
            self.assertLessEqual(len(page["referrals"]), 7)
            seen += [row["referral"] for row in page["referrals"]]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        self.assertEqual(sorted(seen),
                         sorted(row["number"] for row in self.story.by_id.values()))
        self.assertNotIn("\u5f20\u4e09", json.dumps(page, ensure_ascii=False))
        for wrong in ({"count": 0}, {"count": 501}, {"after": "12"}, {"after": "x" * 64}):
            with self.assertRaises(AssertionError):
                self.city.ask(cmd="referrals", **wrong)

    def test_6_wrong_words(self):
        for words, pattern in ((("--from", "yesterday"), "YYYY-MM-DD"),
                               (("--to", "2026-02-30"), "no such day"),
                               (("--from", "2026-03-01", "--to", "2026-02-01"), "not after"),
                               (("--agency", "court"), "no such agency")):
            self.bad(USAGE, pattern, "--socket", self.city.path("status.sock"), "stats",
                     *words)
        result = ctl("--socket", self.city.path("status.sock"), "stats", "--json", "--csv",
                     "-")
        self.assertEqual(result.status, USAGE)
        self.bad(UNREACHABLE, "no answer", "--socket", self.city.path("none.sock"), "stats")
        self.bad(FAILED, "no-folder", "--socket", self.city.path("status.sock"), "stats",
                 "--csv", self.city.path("no-folder/figures.csv"))


ROW = {"from": "a", "to": "a", "inbound": False, "state": 4, "submitted_ms": 1000, "final": True,
       "window_days": 3, "whole_days": 4, "answers": 1, "raised": [0] * 10}
DUTY = {"duty": "follow-up", "holder": "a", "due": "1970-01-01", "due_before_ms": 57600000,
        "stopped_ms": 57600000, "cancelled": False}


class Impostor(Case):
    """A broker of another version, or none: what it answers is checked row by row."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="referral-recount-")
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "status.sock")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.agency = {"id": "a", "name_zh": "甲", "name_en": "A"}
        self.page = {}
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        self.addCleanup(self.stop)

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(20)
        self.listener.close()

    def serve(self):
        """One line each way; ends when the listener is shut down."""
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer, peer.makefile("rw", encoding="utf-8") as lines:
                question = json.loads(lines.readline())
                answer = {"ok": True, "as_of_ms": 86400000, "calendar": "c", "next": None,
                          "referrals": [], "duties": [], **self.page}
                if question["cmd"] == "agencies":
                    answer = {"ok": True, "agencies": [self.agency]}
                lines.write(json.dumps(answer) + "\n")
                lines.flush()

    def test_rows(self):
        self.page = {"referrals": [ROW], "duties": [DUTY]}
        answer = self.good("--socket", self.path, "stats", "--json").json
        self.assertEqual([(row["agency"], row["received"], row["answered_in_time"],
                           row["median_days"], row["whole_p90_days"], row["on_time_permille"])
                          for row in answer["lines"]],
                         [("all", 1, 1, 3, 4, 1000), ("a", 1, 1, 3, 4, 1000)])
        self.assertEqual([(row["agency"], row["duty"], row["due"], row["done_late"])
                          for row in answer["duties"]],
                         [("all", "follow-up", 1, 1), ("a", "follow-up", 1, 1)])
        self.assertRegex(self.good("--socket", self.path, "stats").out, "回访")

    def test_wrong_rows(self):
        for name, row, wrong in (("referrals", ROW, {"from": "b"}), ("referrals", ROW, {"to": ""}),
                                 ("referrals", ROW, {"state": 0}),
                                 ("referrals", ROW, {"state": 99}),
                                 ("referrals", ROW, {"raised": [0] * 9}),
                                 ("referrals", ROW, {"raised": ["1"] * 10}),
                                 ("duties", DUTY, {"duty": "sleep"}),
                                 ("duties", DUTY, {"holder": "b"}),
                                 ("duties", DUTY, {"due": "soon"})):
            self.page = {name: [{**row, **wrong}]}
            answer = self.bad(REFUSED, "not what is expected", "--socket", self.path,
                              "stats")
            self.assertEqual(answer["code"], "socket.answer")

    def test_names_in_a_spreadsheet(self):
        """Quotes are doubled, and no cell is a formula."""
        for name, cell in (('甲,"乙"', '甲,"乙"'), ("=1+1", "'=1+1"), ("@x", "'@x")):
            self.agency["name_zh"] = name
            self.page = {"referrals": [ROW]}
            text = self.good("--socket", self.path, "stats", "--csv", "-").out
            rows = list(csv.reader(io.StringIO(text.lstrip("\ufeff"), newline="")))
            self.assertEqual(rows[2][1], cell)

    def test_nothing(self):
        self.assertEqual(self.good("--socket", self.path, "stats", "--json").json["lines"], [])
        self.assertRegex(self.good("--socket", self.path, "stats").out, "无线索")


if __name__ == "__main__":
    unittest.main(verbosity=2)
