#!/usr/bin/python3
"""referral-agent as a city runs it: real agents and a real broker over mutual TLS. Referrals
travel; outages on either side lose nothing; a malformed body goes back; a rolled-back broker is not
believed; the hook is told; nothing personal lies readable on a disk; kill -9 at every commit."""

import base64
import json
import os
import random
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "client"))

import referral_client as client  # noqa: E402
from agent_city import (BIN, CONFIG, Agent, City, Failed, free_port, outbound,  # noqa: E402
                        inbound, wait_for)
from referral_client import m  # noqa: E402

LONG = os.environ.get("REFERRAL_LONG") == "1"
GRANTED = {"facts": {"outcome": "granted", "measures": [
    {"measure": "student-aid", "shape": "money", "amount_fen": 120000, "unit": "term"}]},
    "body": {"officer": "经办人"}}


def is_kind(kind):
    return lambda row: row.get("kind") == kind


def about(number, kind):
    return lambda row: row.get("kind") == kind and row.get("referral") == number


class WithCity(unittest.TestCase):
    NAMES = ("procuratorate", "education")

    def setUp(self):
        self.bad_before = self.count_bad()
        self.city = City()
        self.city.start_broker()
        for name in self.NAMES:
            self.city.agent(name)
        self.one = self.city.agents["procuratorate"]
        self.two = self.city.agents.get("education")

    def count_bad(self):
        result = self._outcome.result
        return len(result.errors) + len(result.failures)

    def tearDown(self):
        logs = {name: agent.log() for name, agent in self.city.agents.items()}
        statuses = self.city.close()
        bad = {name: status for name, status in statuses.items() if status != 0}
        if bad or self.count_bad() > self.bad_before:
            for name, log in logs.items():
                print("---- log of %s\n%s" % (name, log), file=sys.stderr)
        self.assertEqual(bad, {}, "every daemon ends with 0")

    def refer(self, **facts):
        """A referral that has reached the other agency; answers its number."""
        row = self.one.must("send", message=outbound("education", **facts))["messages"][0]
        self.two.wait_row("inbox", "the referral", about(row["referral"], "outbound-referral"))
        self.one.wait_row("inbox", "the delivery notice",
                          about(row["referral"], "delivery-notice"))
        return row["referral"]


class Life(WithCity):
    def test_a_referral_travels_and_both_copies_agree(self):
        number = self.refer()
        signed = self.two.must("send", kind="sign-for", referral=number,
                               message={"body": {"officer": "经办人"}})["messages"][0]
        self.one.wait_row("inbox", "sign-for", is_kind("sign-for"))
        self.two.must("send", kind="feedback", referral=number, message=GRANTED)
        self.one.wait_row("inbox", "feedback", is_kind("outbound-feedback"))
        self.two.wait_row("outbox", "its receipt", lambda row: row["kind"] == "outbound-feedback"
                          and row["state"] == "accepted")
        ours = self.one.must("show", id=number)["referral"]
        theirs = self.two.must("show", id=number)["referral"]
        same = ("number", "id", "state", "outcome", "register_number", "delivered", "answered",
                "late", "signed")
        self.assertEqual({key: ours[key] for key in same}, {key: theirs[key] for key in same})
        self.assertEqual((ours["state"], ours["outcome"], ours["register_number"]),
                         ("answered", "granted", "JY-DJ-%s-0001" % number[3:7]))
        window = [clock for clock in theirs["clocks"] if clock["clock"] == "feedback-outbound"][0]
        why = self.city.status.ask(cmd="why", referral=number)
        self.assertEqual(window["due"], why["clocks"][0]["due"], "the broker's date")
        shown = self.one.must("show", id=signed["id"])["message"]
        self.assertEqual(shown["body"], {"officer": "经办人"}, "opened for the other party")
        own = self.two.must("show", id=signed["id"])["message"]
        self.assertEqual(own["body"], {"officer": "经办人"}, "opened for the sender, too")
        self.assertEqual(own["leaf_index"], shown["leaf_index"])

    def test_an_inbound_referral_is_answered(self):
        number = self.two.must("send", message=inbound())["messages"][0]["referral"]
        self.one.wait_row("inbox", "the lead", about(number, "inbound-referral"))
        self.one.must("send", kind="feedback", referral=number, message={
            "facts": {"outcome": "suitable"}, "body": {"officer": "检察官", "opinion": "拟予救助。"}})
        self.two.wait_row("inbox", "the answer", is_kind("inbound-feedback"))
        copy = self.two.must("show", id=number)["referral"]
        self.assertEqual((copy["outcome"], copy["kind"]), ("suitable", "inbound-referral"))
        self.assertEqual([clock["responsible"] for clock in copy["clocks"]
                          if clock["clock"] == "tell-applicant"], ["procuratorate"])

    def test_what_is_wrong_is_refused_with_its_place_and_changes_nothing(self):
        number = self.refer()
        before = self.one.status()["outbox"]
        broken = outbound("education")
        del broken["body"]["reasons"]
        cases = (
            ({"cmd": "nothing"}, "json.choice", "cmd"),
            ({"cmd": "send", "message": 7}, "json.type", ""),
            ({"cmd": "send", "message": outbound("nowhere")}, "message.recipient",
             "recipients[0]"),
            ({"cmd": "send", "message": outbound("education", ground="x")}, "json.choice",
             "facts.ground"),
            ({"cmd": "send", "message": outbound("education", advance=True)}, "advance.reason",
             "body.advance_reason"),
            ({"cmd": "send", "message": outbound("education", materials=[])}, "material.missing",
             "facts.materials"),
            ({"cmd": "send", "message": broken}, "fact.missing", "body.reasons"),
            ({"cmd": "send", "message": {**outbound("education"), "extra": 1}}, None, "extra"),
            ({"cmd": "send", "message": {**outbound("education"), "case_number": "JZ-2020-0001"}},
             "case.unknown", "case_number"),
            ({"cmd": "send", "kind": "sign-for", "referral": number,
              "message": {"body": {"officer": "x"}}}, "referral.not-party", "header.sender"),
            ({"cmd": "send", "kind": "feedback", "referral": "JZ-1999-0001-01",
              "message": GRANTED}, "agent.unknown", "referral"),
            ({"cmd": "send", "kind": "feedback", "referral": number,
              "message": {**GRANTED, "referral": "other"}}, "referral.other", "referral"),
            ({"cmd": "show", "id": "nothing"}, "agent.unknown", "id"),
            ({"cmd": "inbox", "count": 501}, None, "count"),
            ({"cmd": "inbox", "after": -1}, None, "after"),
        )
        for request, code, place in cases:
            answer = self.one.socket.ask(**request)
            self.assertFalse(answer["ok"], request)
            if code is not None:
                self.assertEqual(answer["code"], code, answer)
            self.assertTrue(answer["place"].startswith(place), answer)
            self.assertTrue(answer["message"], answer)
        self.one.socket.socket.sendall(b"\xff\xfe not json\n")
        self.assertFalse(self.one.socket.line()["ok"])
        self.assertEqual(self.one.status()["outbox"], before)
        row = self.one.must("send", message=outbound("education"))["messages"][0]
        self.assertEqual(row["case_number"][-4:], "0002", "refused messages took no number")

    def test_a_second_answer_is_refused_even_before_the_first_has_left(self):
        number = self.refer()
        self.city.kill_broker()
        self.two.must("send", kind="feedback", referral=number, message=GRANTED)
        again = self.two.ask("send", kind="feedback", referral=number, message=GRANTED)
        self.assertEqual((again["ok"], again.get("code")), (False, "referral.already"), again)
        self.city.start_broker()
        self.one.wait_row("inbox", "the one answer", is_kind("outbound-feedback"))


class Outages(WithCity):
    def test_what_was_sent_while_the_broker_was_away_arrives_once(self):
        self.refer()
        self.city.kill_broker()
        sent = []
        for _ in range(5):
            sent += [row["id"] for row in
                     self.one.must("send", message=outbound("education"))["messages"]]
        self.one.kill()
        self.one.start()
        sent += [row["id"] for row in
                 self.one.must("send", message=outbound("education"))["messages"]]
        self.assertEqual(self.one.status()["outbox"]["waiting"], 6)
        self.city.start_broker()
        self.two.wait_row("inbox", "the last one", lambda row: row["id"] == sent[-1])
        came = [row["id"] for row in self.two.rows("inbox")]
        self.assertEqual(came[-6:], sent, "each once, in order")
        self.one.wait_row("outbox", "all receipts", lambda row: row["id"] == sent[-1] and
                          row["state"] == "accepted")
        self.assertEqual(self.one.status()["outbox"]["waiting"], 0)

    def test_an_agent_that_was_away_catches_up(self):
        self.refer()
        self.assertEqual(self.two.stop(), 0)
        sent = [row["id"] for _ in range(3) for row in
                self.one.must("send", message=outbound("education"))["messages"]]
        self.one.wait_row("outbox", "acceptance", lambda row: row["id"] == sent[-1] and
                          row["state"] == "accepted")
        self.two.start()
        self.two.wait_row("inbox", "the last one", lambda row: row["id"] == sent[-1])
        self.assertEqual([row["id"] for row in self.two.rows("inbox")][-3:], sent)

    def test_a_broker_whose_log_went_back_is_not_believed(self):
        self.refer()
        self.city.stop_broker()
        store, old, new = (self.city.path("broker", name) for name in ("store", "old", "new"))
        shutil.copytree(store, old)
        self.city.start_broker()
        self.refer()
        self.city.stop_broker()
        os.rename(store, new)
        os.rename(old, store)
        self.city.start_broker()
        for agent in (self.one, self.two):
            alarm = agent.wait("an alarm", lambda event: event["event"] == "alarm")
            self.assertIn("went back", alarm["message"])
            self.assertIn("went back", agent.status()["alarm"])
        row = self.one.must("send", message=outbound("education"))["messages"][0]
        self.city.stop_broker()
        self.assertEqual(self.one.must("show", id=row["id"])["message"]["state"], "waiting")
        shutil.rmtree(store)
        os.rename(new, store)
        self.city.start_broker()
        self.two.wait_row("inbox", "the message, from the right broker",
                          lambda found: found["id"] == row["id"])
        self.assertNotIn("alarm", self.one.status())

    def test_a_lost_store_of_an_agent_is_an_alarm_and_accept_gaps_goes_on(self):
        self.refer()
        self.assertEqual(self.two.stop(), 0)
        shutil.rmtree(self.two.store)
        self.two.start()
        row = self.one.must("send", message=outbound("education"))["messages"][0]
        alarm = self.two.wait("an alarm", lambda event: event["event"] == "alarm")
        self.assertIn("left out", alarm["message"])
        self.two.stop()
        self.city.agent("education", "accept-gaps: true")
        self.two = self.city.agents["education"]
        self.two.wait_row("inbox", "the message", lambda found: found["id"] == row["id"])


class OutOfReach(unittest.TestCase):
    """What a newcomer gets wrong first: address, name, authority, pair. The agent says where it
    looks and what to compare, in its log and in its status, instead of being silent."""

    def setUp(self):
        self.city = City()
        self.city.start_broker()

    def tearDown(self):
        self.city.close()

    def made_wrong(self, option, value):
        agent = Agent(self.city, "education")
        with open(agent.config, encoding="utf-8") as file:
            lines = [line for line in file if not line.startswith(option + ":")]
        self.city.write(agent.config, "".join(lines) + "%s: %s\n" % (option, value))
        self.city.agents["education"] = agent
        return agent

    def says(self, agent, url, name):
        agent.start()
        deadline = time.monotonic() + 30
        while "nothing comes from the broker at %s under the name \"%s\"" % (url, name) \
                not in agent.log():
            self.assertLess(time.monotonic(), deadline, agent.log())
            select.select([], [], [], 0.05)
        status = agent.status()
        self.assertFalse(status["connected"])
        self.assertEqual((status["broker_url"], status["broker_name"]), (url, name))
        self.assertRegex(status["not_connected_since"], r"^20\d\d-")

    def url(self):
        return "tls+tcp://127.0.0.1:%d" % self.city.port

    def test_a_name_that_is_not_in_the_broker_s_certificate(self):
        self.says(self.made_wrong("broker-name", "broker.example"), self.url(), "broker.example")

    def test_a_port_that_nobody_listens_on(self):
        url = "tls+tcp://127.0.0.1:%d" % free_port()
        self.says(self.made_wrong("broker", url), url, "broker")

    def test_a_foreign_authority(self):
        foreign = self.city.path("foreign")
        subprocess.run([os.path.join(BIN, "referralctl"), "keys", "init", "--registry",
                        self.city.registry, "--out", foreign], check=True, capture_output=True)
        self.says(self.made_wrong("tls-authority", os.path.join(foreign, "ca.crt")), self.url(),
                  "broker")

    def test_keys_that_do_not_belong_together_are_refused_before_anything_is_made(self):
        others = self.city.path("keys", "procuratorate")
        for option, name, words in (
                ("tls-key", "tls.key", "is not the key of the certificate"),
                ("sign-key", "sign.key", 'is not a signing key of "education"'),
                ("seal-key", "seal.key", 'is not a sealing key of "education"'),
                ("store-key", "sign.key", "store key")):
            agent = self.made_wrong(option, os.path.join(others, name))
            for check in ([], ["--check"]):
                ended = subprocess.run([os.path.join(BIN, "referral-agent"), "--config",
                                        agent.config, *check], capture_output=True, text=True,
                                       timeout=30, check=False)
                self.assertEqual(ended.returncode, 78, ended.stderr)
                self.assertIn(os.path.join(others, name), ended.stderr)
                self.assertIn(words, ended.stderr)
            self.assertFalse(os.path.exists(agent.store), option)
        self.city.agents.clear()


class Hostile(WithCity):
    """Another agency, played by a program of its own, sends what no agent would send."""
    NAMES = ("procuratorate",)

    def stranger(self):
        folder = self.city.path("keys", "education")
        with open(self.city.path("keys", "public-keys.yaml"), encoding="utf-8") as file:
            keys = client.Keys(file.read())
        link = client.Link("tls+tcp://127.0.0.1:%d" % self.city.port,
                           {"ca": self.city.path("keys", "ca.crt"), "cert": folder + "/tls.crt",
                            "key": folder + "/tls.key"})
        agency = client.Agency(link, "education", keys,
                               client.read_secret(folder + "/sign.key", "referral-sign-key-1"),
                               client.read_secret(folder + "/seal.key", "referral-seal-key-1"))
        self.addCleanup(link.close)
        agency.hello()
        return agency

    def lead(self, agency, number, **person):
        year = time.gmtime(agency.now_ms() / 1000 + 8 * 3600).tm_year
        case = "JY-%d-%04d" % (year, number)
        header = m.Header(kind=2, recipient="procuratorate", case_id=secrets.token_bytes(16),
                          case_number=case, referral_id=client.uuid7(agency.now_ms()),
                          referral_number=case + "-01")
        body = m.Body(officer="officer 7", circumstances="c", reasons="r")
        body.persons.add(name="n", **person)
        facts = m.ReferralFacts(ground=401, person_count=1, relation=1)
        return case + "-01", agency.make_payload(
            header, m.Facts(body_fields=1 | 2 | 4 | 256, referral=facts), body)

    def test_a_malformed_body_goes_back_signed_and_opens_no_window(self):
        agency = self.stranger()
        number, payload = self.lead(agency, 1, identity_number="150602201403050011")
        agency.submit([payload])
        row = self.one.wait_row("inbox", "the lead", about(number, "inbound-referral"))
        self.assertEqual((row["state"], row["reason"], row["detail"]),
                         ("rejected", "identity", "body.persons[0].identity_number"))
        found = agency.fetch(wait_ms=20000)
        kinds = [header.kind for _, header, *_ in found]
        self.assertEqual(kinds, [45], "a notice that it came back, and no delivery notice")
        case = self.city.status.ask(cmd="case", id=number)["referrals"][0]
        self.assertEqual(case["state"], "returned", case)
        good, payload = self.lead(agency, 2, identity_number="150602201403050010")
        agency.submit([payload])
        row = self.one.wait_row("inbox", "a good one", about(good, "inbound-referral"))
        self.assertEqual(row["state"], "received")

    def test_a_body_sealed_to_somebody_else_goes_back(self):
        agency = self.stranger()
        keys = agency.keys
        current = keys.current
        wrong = client.SUITE.seal_public(secrets.token_bytes(32))
        keys.current = lambda owner, use: (wrong if owner == "procuratorate"
                                           else current(owner, use))
        number, payload = self.lead(agency, 3)
        agency.submit([payload])
        row = self.one.wait_row("inbox", "the lead", about(number, "inbound-referral"))
        self.assertEqual((row["state"], row["reason"]), ("rejected", "unreadable"))


class Strangers(WithCity):
    """Whoever may open the socket may send anything: an honest client keeps being answered."""
    NAMES = ("procuratorate",)

    def connect(self, count):
        clients = []
        for _ in range(count):
            clients.append(socket.socket(socket.AF_UNIX))
            self.addCleanup(clients[-1].close)
            clients[-1].connect(self.one.path)  # blocking: it waits for a place in the backlog
            clients[-1].settimeout(10)
        return clients

    def honest(self):
        began = time.monotonic()
        self.assertTrue(self.one.status()["ok"])
        self.assertLess(time.monotonic() - began, 10, "an honest client waits")

    @staticmethod
    def answer(client):
        data = b""
        while not data.endswith(b"\n"):
            more = client.recv(65536)
            if not more:
                return None
            data += more
        return json.loads(data)

    def test_what_is_no_command_is_refused_and_the_next_one_answered(self):
        chance = random.Random(7)
        client, = self.connect(1)
        lines = [b"\x00", b"null", b"[]", b"{}", b'{"cmd":null}', b'{"cmd":"status"', b"\xff\xfe",
                 b'{"cmd":"\xc3\x28"}', b'{"cmd":"status","cmd":"status"}', b"[" * 500000,
                 b'{"a":' * 100000, b'{"cmd":"show","id":"\\u0000"}', b'{"cmd":"show","id":1e999}',
                 b'{"cmd":"show","id":"\\ud800"}', b'{"cmd":"inbox","after":1e99}',
                 b'{"cmd":"outbox","count":99999999999999999999}',
                 b'{"cmd":"send","message":{"kind":"' + b"x" * 1000000 + b'"}}',
                 b'{"cmd":"send","message":{"kind":"outbound-referral","recipients":['
                 + b'"education",' * 50000 + b'"education"]}}',
                 b'{"cmd":"lab-clock","wall_ms":-9223372036854775808}',
                 b'{"cmd":"lab-clock","wall_ms":9223372036854775807}']
        for _ in range(300):
            lines.append(bytes(chance.choice(b'{}[]:,"\\0aZ\xe4 ') for _ in
                               range(chance.randint(1, 80))))
        for line in lines:
            client.sendall(line + b"\n")
            answer = self.answer(client)
            self.assertFalse(answer["ok"], line[:80])
            self.assertTrue(answer["message"], line[:80])
        self.honest()
        client.sendall(b"x" * (1 << 20) + b"x\n")
        self.assertEqual(self.answer(client)["code"], "agent.line-too-long")
        self.assertEqual(client.recv(1), b"", "and the end")

    def test_clients_that_do_not_read_or_do_not_go_on_are_not_in_the_way(self):
        sent = [row["id"] for _ in range(40) for row in
                self.one.must("send", message=outbound("education"))["messages"]]
        halves = self.connect(20)
        for client in halves:
            client.sendall(b'{"cmd":"sta')
        deaf = self.connect(4)
        for client in deaf:
            client.setblocking(False)
            try:
                client.sendall(b'{"cmd":"watch"}\n')
                while True:  # each asks for some 15 KB and takes none
                    client.sendall(b'{"cmd":"outbox","count":500}\n' * 50)
                    self.honest()
            except (BlockingIOError, BrokenPipeError, ConnectionResetError):
                self.honest()
        row = self.one.must("send", message=outbound("education"))["messages"][0]
        self.one.wait_row("outbox", "its receipt", lambda found: found["id"] == row["id"] and
                          found["state"] == "accepted")
        for client in halves:
            client.sendall(b'tus"}\n')
            self.assertTrue(self.answer(client)["ok"])
            client.sendall(b'{"cmd":"outbox","count":1}\n')
            self.assertEqual(self.answer(client)["rows"][0]["id"], sent[0])

    def test_a_hundred_connections(self):
        crowd = self.connect(100)
        self.honest()
        refused = 0
        for client in crowd:
            try:
                client.sendall(b'{"cmd":"status"}\n')
                refused += self.answer(client)["ok"] is not True
            except (BrokenPipeError, ConnectionResetError):
                refused += 1
        self.assertGreaterEqual(refused, 100 - 64)
        self.assertLess(refused, 100)
        for client in crowd:
            client.close()
        self.honest()
        late, = self.connect(1)
        late.sendall(b'{"cmd":"status"}\n')
        self.assertTrue(self.answer(late)["ok"], "there is room again")


class Hook(WithCity):
    def setUp(self):
        super().setUp()
        self.pipe = self.city.path("pipe")
        os.mkfifo(self.pipe)
        self.hook = self.city.path("hook")
        self.write_hook("exec cat >%s\n" % self.pipe)
        self.assertEqual(self.two.stop(), 0)
        self.two = self.city.agent("education", "notice-hook: " + self.hook)

    def write_hook(self, text):
        self.city.write(self.hook, "#!/bin/sh\n" + text)
        os.chmod(self.hook, 0o755)

    def notice(self):
        with open(self.pipe, encoding="utf-8") as pipe:
            return json.loads(pipe.read())

    def test_each_message_is_told_once_without_personal_data(self):
        row = self.one.must("send", message=outbound("education"))["messages"][0]
        notice = self.notice()
        self.assertEqual((notice["event"], notice["kind"], notice["referral"], notice["lane"]),
                         ("received", "outbound-referral", row["referral"], "minors"))
        self.assertIn(row["referral"], notice["text_zh"])
        text = json.dumps(notice, ensure_ascii=False)
        for secret in ("小甲", "检察官甲", "抚养人", "就学急需"):
            self.assertNotIn(secret, text)
        second = self.one.must("send", message=outbound("education"))["messages"][0]
        self.assertEqual(self.notice()["referral"], second["referral"], "the first only once")

    def test_a_rung_has_the_name_that_the_city_gives_it(self):
        self.one.must("send", message=outbound("education", life_danger=True))
        self.assertEqual(self.notice()["kind"], "outbound-referral")
        self.one.wait_row("inbox", "the delivery", is_kind("delivery-notice"))
        confirmed = self.city.status.ask(cmd="clock-confirm", reason="the clock was compared")
        self.assertTrue(confirmed["ok"], confirmed)
        self.assertTrue(self.city.status.ask(cmd="lab-clock", both_ms=3 * 3600 * 1000)["ok"])
        notice = self.notice()
        self.assertEqual((notice["kind"], notice["facts"]["rung"], notice["rung_zh"],
                          notice["rung_en"]),
                         ("escalation", "urgent-1", "紧急催办", "urgent call"))

    def test_a_notice_survives_a_failing_hook_and_kill_9(self):
        self.write_hook("cat >/dev/null\nexit 1\n")
        row = self.one.must("send", message=outbound("education"))["messages"][0]
        self.two.wait_row("inbox", "the referral", about(row["referral"], "outbound-referral"))
        deadline = time.monotonic() + 20
        while self.two.status()["channels"][0]["failures"] == 0:
            self.assertLess(time.monotonic(), deadline, "the hook never failed")
        self.two.kill()
        self.write_hook("exec cat >%s\n" % self.pipe)
        self.two.start()
        self.assertEqual(self.notice()["referral"], row["referral"])


class AtRest(WithCity):
    def test_nothing_personal_is_readable_on_any_disk(self):
        number = self.refer()
        self.two.must("send", kind="sign-for", referral=number,
                      message={"body": {"officer": "联络员戊己庚"}})
        self.one.wait_row("inbox", "sign-for", is_kind("sign-for"))
        for agent in (self.one, self.two):
            self.assertEqual(agent.stop(), 0)
        self.assertEqual(self.city.stop_broker(), 0)
        looked_at = 0
        for folder, _, names in os.walk(self.city.temporary.name):
            for name in names:
                path = os.path.join(folder, name)
                if not os.path.isfile(path):
                    continue
                with open(path, "rb") as file:
                    content = file.read()
                looked_at += 1
                for secret in ("小甲", "检察官甲", "抚养人死亡", "联络员戊己庚"):
                    self.assertNotIn(secret.encode(), content, path)
        self.assertGreater(looked_at, 20)
        run = subprocess.run([os.path.join(BIN, "referral-verify"), "--store",
                              self.city.path("broker", "store"), "--key",
                              self.city.path("keys", "public-keys.yaml"), "--calendars",
                              os.path.join(CONFIG, "calendars"), "--policy",
                              os.path.join(CONFIG, "policy.yaml"), "--json"],
                             capture_output=True, text=True, check=False)
        report = json.loads(run.stdout)
        self.assertEqual((report["verdict"], report["pinned"]), ("PASS", True), report)
        self.assertGreater(report["witnessed_size"], 0, "the agents countersign")


class Kills(WithCity):
    """kill -9 of the agents at their commits, by a fault point, under load."""
    ROUNDS = 60 if LONG else 14

    def test_every_message_that_send_answered_arrives_exactly_once(self):
        seed = int(os.environ.get("REFERRAL_SEED", time.time_ns() % 1000000))
        chance = random.Random(seed)
        print("seed %d" % seed, flush=True)
        sent, died = [], 0
        for index in range(self.ROUNDS):
            victim = (self.one, self.two)[index % 2]
            point = ("store.before-commit", "store.after-commit")[index // 2 % 2]
            victim.kill()
            try:
                victim.start(REFERRAL_FAULT="%s:%d" % (point, chance.randint(2, 30)))
            except (ConnectionError, Failed):  # it died before it answered anything
                victim.process.wait()
            while victim.process.poll() is None:
                try:
                    sent += [row["id"] for row in
                             self.one.must("send", message=outbound("education"))["messages"]]
                except (ConnectionError, BrokenPipeError):
                    break
            died += victim.process.wait() == -9
            victim.close_sockets()
            victim.start()
        for identifier in sent[-3:]:
            self.two.wait_row("inbox", "the last ones", lambda row, id=identifier: row["id"] == id)
        self.two.wait_row("inbox", "all", lambda _: True)
        came = [row["id"] for row in self.two.rows("inbox")]
        self.assertEqual(len(came), len(set(came)), "nothing twice")
        self.assertEqual(set(sent) - set(came), set(), "nothing lost")
        self.assertEqual(died, self.ROUNDS)
        self.assertGreater(len(sent), 3 * self.ROUNDS)
        print("%d kills, %d messages answered, %d received" % (died, len(sent), len(came)))


class Calendars(WithCity):
    """A calendar file comes to an agent that runs: by a signal, and by its socket."""
    NAMES = ("procuratorate",)

    def test_reload(self):
        folder = self.city.path("calendars")
        shutil.copytree(os.path.join(CONFIG, "calendars"), folder)
        self.one.stop()
        with open(self.one.config, encoding="utf-8") as file:
            lines = [line for line in file if not line.startswith("calendars:")]
        self.city.write(self.one.config, "".join(lines) + "calendars: %s\n" % folder)
        self.one.start()
        self.one.reached()
        wait_for("the broker's calendar", lambda: self.one.status()["calendar_state"] == "same")
        before = self.one.status()
        self.assertEqual((before["calendar_state"], before["broker_calendar"]),
                         ("same", before["calendar"]))
        bad = os.path.join(folder, "local-league.json")
        self.city.write(bad, '{"year": 2026,\n oops')
        self.one.process.send_signal(signal.SIGHUP)
        self.until(lambda: "stays in use" in self.one.log())
        self.assertRegex(self.one.log(), r"local-league\.json:2:\d+: not well-formed")
        status = self.one.status()
        self.assertEqual(status["calendar"], before["calendar"])
        self.assertRegex(status["calendar_fault"], r"^local-league\.json:2:\d+: ")
        self.assertEqual(self.one.ask("reload")["ok"], False)
        self.city.write(bad, json.dumps({"year": 2026, "local": True, "papers": ["p"],
                                         "notice": "1", "days": [
                                             {"name": "n", "date": "2026-07-20",
                                              "isOffDay": True}]}))
        self.one.process.send_signal(signal.SIGHUP)
        self.until(lambda: self.one.status()["calendar"] != before["calendar"])
        status = self.one.status()
        self.assertEqual(status["calendar_state"], "ahead")
        self.assertNotIn("calendar_fault", status)
        os.remove(bad)
        told = subprocess.run([os.path.join(BIN, "referralctl"), "agent", "reload", "--socket",
                               self.one.path], capture_output=True, text=True, check=True)
        self.assertEqual(told.stdout, "calendar %s is in use\n" % before["calendar"])
        with open(self.one.config, encoding="utf-8") as file:
            kept = file.read()
        self.city.write(self.one.config, kept + "accept-gaps: true\ncolour: red\n")
        refused = self.one.ask("reload")
        self.assertEqual((refused["ok"], refused["code"]), (False, "config.unknown-key"))
        self.city.write(self.one.config, kept + "accept-gaps: true\n")
        refused = self.one.ask("reload")
        self.assertEqual((refused["code"], refused["place"]), ("config.restart", "accept-gaps"))
        self.city.write(self.one.config, kept)
        self.assertEqual(self.one.ask("reload")["ok"], True)
        figures = self.one.ask("metrics")["text"]
        checked = subprocess.run(["promtool", "check", "metrics"], input=figures, text=True,
                                 capture_output=True, check=False)
        self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, "", ""))
        self.assertIn("referral_agent_connected 1\n", figures)
        self.assertIn("referral_agent_outbox_waiting 0\n", figures)

    def until(self, true):
        deadline = time.monotonic() + 30
        while not true():
            self.assertLess(time.monotonic(), deadline)
            select.select([], [], [], 0.01)


if __name__ == "__main__":
    unittest.main(verbosity=2)
