#!/usr/bin/python3
"""Every command of referralctl with --json, against a city of real daemons: one object on standard
output, the exit status, and of every change that --dry-run changes nothing. A command that has no
row here is a failure: whoever adds one says what it answers."""

import json
import os
import re
import shutil
import unittest

from cli_support import (CALENDARS, OK, REFUSED, REGISTRY, UNREACHABLE, USAGE, WARNING, Case,
                         ctl)

import agent_city
from cli import commands
from cli_watch import Terminal

FORGIVEN = (OK, WARNING)  # a warning is of the city's state: its held clock, next year's calendar


class Every(Case):
    @classmethod
    def setUpClass(cls):
        cls.city = agent_city.City()
        cls.addClassCleanup(cls.city.close)
        cls.city.start_broker()
        cls.sender, cls.receiver = (cls.city.agent(name) for name in ("procuratorate", "education"))
        for agent in (cls.sender, cls.receiver):
            agent.reached()
        cls.broker = ("--socket", cls.city.path("broker", "s"))
        cls.number = cls.refer()
        cls.other = cls.refer()
        shutil.copytree(CALENDARS, cls.city.path("calendars"))
        cls.city.write(cls.city.path("letter.json"), json.dumps(agent_city.outbound("education")))
        cls.city.write(cls.city.path("feedback.json"), json.dumps(
            {"facts": {"outcome": "granted", "measures": [
                {"measure": "student-aid", "shape": "money", "amount_fen": 1, "unit": "term"}]},
             "body": {"officer": "己"}}))
        cls.city.write(cls.city.path("scan.txt"), "scanned\n")

    @classmethod
    def refer(cls):
        made = cls.sender.must("send", message=agent_city.outbound("education"))
        number = made["messages"][0]["referral"]
        cls.receiver.wait_row("inbox", number, lambda row: row.get("referral") == number)
        return number

    def run_one(self, path, *words, status=OK):
        """A command with --json: its one object, and the status among those that are expected."""
        allowed = status if isinstance(status, tuple) else (status,)
        result = ctl(*path.split(), *words, "--json")
        self.assertIn(result.status, allowed, (path, words, result.out, result.err))
        answer = result.json
        self.assertIsInstance(answer, dict)
        if "ok" in answer:
            self.assertIs(answer["ok"], result.status in FORGIVEN, (path, answer))
        self.ran.add(path)
        return answer

    def size(self):
        return self.city.status.ask(cmd="status")["log"]["size"]

    def change(self, path, *words, answers="leaf"):
        """A change: --dry-run changes nothing and needs neither a reason nor consent; without a
        reason it is refused; then it is done."""
        socket = self.broker
        before = self.size()
        self.assertIs(self.run_one(path, *words, *socket, "--dry-run")["dry_run"], True)
        self.bad(USAGE, "needs a reason|needs --yes", *path.split(), *words, *socket)
        self.assertEqual(self.size(), before, path)
        yes = ("--yes",) if "--yes" in ctl(*path.split(), "--help").out else ()
        if yes:
            self.bad(USAGE, "needs --yes", *path.split(), *words, *socket, "--reason", "a trial")
            self.assertEqual(self.size(), before, path)
        answer = self.run_one(path, *words, *socket, "--reason", "a trial", *yes)
        self.assertIn(answers, answer)
        return answer

    def test_every_command(self):
        self.ran = set()
        self.of_a_broker()
        self.of_an_agent()
        self.without_a_daemon()
        self.assertEqual(self.ran, set(commands()))

    def of_a_broker(self):
        """Those that ask a broker, and those that change it."""
        broker = self.broker
        config = ("--config", self.city.path("broker", "broker.yaml"))
        for path, words, status in (
                ("status", (), FORGIVEN), ("watch", (), OK), ("doctor", config, FORGIVEN),
                ("agency ls", (), OK), ("queue", (), OK), ("late", (), OK), ("due", (), OK),
                ("documents", (), OK), ("voids", (), OK), ("policy list", (), OK),
                ("policy diff", ("--registry", REGISTRY), OK), ("stats", (), OK),
                ("case", (self.number,), OK), ("why", (self.number,), OK),
                ("clock show", (), FORGIVEN), ("dead ls", (), OK), ("dead show", ("7",), REFUSED),
                ("dead retry", ("7", "--reason", "x"), REFUSED),
                ("dead drop", ("7", "--reason", "x", "--yes"), REFUSED),
                ("ping", ("education",), OK), ("ping", ("health", "--timeout", "1"), UNREACHABLE),
                ("recovery show", (), OK),
                ("recovery go-on", ("education", "--dry-run"), REFUSED),
                ("standby show", (), FORGIVEN + (REFUSED,)),
                ("standby promote", ("--dry-run",), REFUSED),
                ("standby hand-over", ("--dry-run",), REFUSED),
                ("audit tail", (), OK), ("config show", (), OK), ("metrics", (), OK)):
            self.run_one(path, *words, *broker, status=status)
        self.change("clock confirm")
        self.change("clock reset")
        self.change("config reload")
        self.change("agency suspend", "health")
        self.change("agency resume", "health")

    def of_an_agent(self):
        sender, receiver = (("--socket", agent.path) for agent in (self.sender, self.receiver))
        letter = self.city.path("letter.json")
        sent = self.run_one("agent send", letter, *sender)["messages"][0]
        self.receiver.wait_row("inbox", "it", lambda row: row["id"] == sent["id"])
        attached = self.run_one("agent attach", self.city.path("scan.txt"), *sender)
        for path, words, status in (
                ("agent status", sender, FORGIVEN), ("agent inbox", receiver, OK),
                ("agent outbox", sender, OK), ("agent show", (self.number, *sender), OK),
                ("agent late", receiver, OK), ("agent reload", receiver, OK),
                ("agent attachments", (self.number, *sender), OK),
                ("agent fetch", (attached["attachment"]["digest"], "--out",
                                 self.city.path("scan.back"), *sender), OK),
                ("agent sign-for", (self.number, *receiver), OK),
                ("agent feedback", (self.number, self.city.path("feedback.json"), *receiver), OK),
                ("agent withdraw", (self.other, "--code", "duplicate", *sender), OK),
                ("agent reply", ("DB-2026-0001", "--code", "answered", *receiver), REFUSED),
                ("agent backup", ("--dry-run", *sender), REFUSED),
                ("agent backup show", sender, OK),
                ("agent doctor", ("--config", self.sender.config), FORGIVEN),
                ("agent officer add", ("gaowa", "--roles", "member", *sender), OK),
                ("agent officer reset", ("gaowa", *sender), OK),
                ("agent officer disable", ("gaowa", *sender), OK),
                ("agent officer enable", ("gaowa", *sender), OK),
                ("agent officer list", sender, OK),
                ("agent notify test", ("mail", *sender), REFUSED),
                ("agent notify dead", sender, OK),
                ("agent notify retry", ("7", *sender), REFUSED),
                ("agent erase", (self.other, "--dry-run", *sender), OK),
                ("agent distrust show", sender, OK),
                ("agent distrust clear", ("--reason", "x", "--yes", *sender), REFUSED),
                ("agent checkpoint show", ("--out", self.city.path("it.checkpoint"), *sender), OK),
                ("agent checkpoint compare", (self.city.path("it.checkpoint"), *receiver), OK),
                ("evidence export", (self.number, "--out", self.city.path("it.evidence"), *sender),
                 OK),
                ("evidence verify", (self.city.path("none.evidence"), "--root", "00" * 32),
                 REFUSED)):
            self.run_one(path, *words, status=status)

    def without_a_daemon(self):
        path = self.city.path
        os.environ["XDG_CONFIG_HOME"] = path("home")
        store, backups = path("broker", "store"), path("backups")
        os.mkdir(backups)
        for command, words, status in (
                ("calendar due", ("--from", "2026-09-24", "--days", "20"), OK),
                ("calendar show", ("2026",), OK), ("calendar check", (), FORGIVEN),
                ("calendar ics", ("--year", "2026", "--out", path("2026.ics")), OK),
                ("calendar import", (os.path.join(CALENDARS, "2026.json"), "--dry-run",
                                     "--calendars", path("calendars"), *self.broker), OK),
                ("context add", ("city", "--socket", path("broker", "s"), "--dry-run"), OK),
                ("context ls", (), OK), ("context use", ("city",), USAGE),
                ("context rm", ("city",), USAGE), ("completion", ("bash",), OK),
                ("keys init", ("--registry", REGISTRY, "--out", path("other-keys")), OK),
                ("keys generate", ("--agency", "education", "--out", path("one")), OK),
                ("keys recovery", ("--out", path("recovery")), OK),
                ("keys root", ("--out", path("office")), OK),
                ("keys endorse", (path("one", "public-keys-rows.yaml"), "--root-key",
                                  path("office", "root.key"), "--out", path("rows")), OK),
                ("registry sign", ("--registry", REGISTRY, "--keys",
                                   path("keys", "public-keys.yaml"), "--root-key",
                                   path("office", "root.key"), "--out", path("1.signed")), OK),
                ("registry verify", (path("1.signed"),), WARNING),
                ("registry diff", (path("1.signed"), path("1.signed")), OK),
                ("keys revoke", ("00", "--keys", path("1.signed"), "--root-key",
                                 path("office", "root.key"), "--out", path("no")), REFUSED),
                ("registry revoke", (path("letter.json"), *self.broker, "--dry-run"),
                 (USAGE, REFUSED)),
                ("registry publish", (path("1.signed"), *self.broker, "--dry-run"), REFUSED),
                ("config check", (path("broker", "broker.yaml"),), OK),
                ("backup ls", (backups,), FORGIVEN), ("backup show", self.broker, FORGIVEN),
                ("backup", self.broker, (OK, REFUSED)),
                ("backup verify", (path("never"),), REFUSED),
                ("store check", (path("never"),), UNREACHABLE),
                ("restore", (path("never"), "--out", path("restored"), "--recovery-key",
                             path("never")), REFUSED),
                ("audit verify", ("--store", store), OK),
                ("audit export", ("--store", store, "--out", path("log.audit")), OK),
                ("demo", ("--port", "nonsense"), USAGE)):
            self.run_one(command, *words, status=status)

    def test_the_broker_is_killed_under_a_watch(self):
        """kill -9 of a real broker is on the page within seconds, and so is its start again."""
        terminal = Terminal(self.broker[1])
        self.addCleanup(terminal.close)
        terminal.wait("the city", lambda page: "agents-test.example/broker" in page and
                      "accepted" in page)
        self.city.kill_broker()
        self.assertLess(terminal.wait("the outage", lambda page: "NOT REACHED since" in page), 5)
        self.city.start_broker()
        terminal.wait("the broker", lambda page: "NOT REACHED" not in page and
                      re.search("[0-9] start\n", page))
        self.assertEqual(terminal.end(), OK)

    def test_what_changes_can_be_tried(self):
        """Every command that takes a reason has --dry-run; --yes goes with nothing else."""
        for path in commands():
            text = ctl(*path.split(), "--help").out
            if "--reason TEXT" in text or "--yes" in text:
                self.assertIn("--dry-run", text, path)
            for option in ("--json", "--quiet", "--help"):
                self.assertIn("\n  " + option, text, path)

    def test_every_command_refuses_in_json(self):
        """A mistake is told in the form that was asked for, wherever the option stands."""
        for path in commands():
            result = ctl("--json", *path.split(), "--nonsense")
            self.assertEqual(result.status, USAGE, path)
            self.assertEqual(result.json["code"], "usage.option", path)


if __name__ == "__main__":
    unittest.main(verbosity=2)
