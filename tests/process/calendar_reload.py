#!/usr/bin/python3
"""A new calendar from the file to both agencies: looked at, installed, loaded by a running broker,
told. The dates are today's: last year's notice is all that the broker has at first, so that the
year is missing and every deadline provisional. What is expected is counted here, by the week and
the rows of this file. Nothing sleeps and nothing is left behind."""

import datetime
import json
import os
import signal
import socket
import subprocess
import time
import unittest

from cli_support import BIN, OK, REFUSED, ROOT, UNREACHABLE, WARNING, Case, ctl

import cli_city
import run_client

REDATING = 44
SECONDS = 20
TODAY = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).date()


def weekday_in(days):
    """The first Monday to Friday at least so many days from now."""
    day = TODAY + datetime.timedelta(days=days)
    while day.weekday() > 4:
        day += datetime.timedelta(days=1)
    return day


def saturday_in(days):
    day = TODAY + datetime.timedelta(days=days)
    return day + datetime.timedelta(days=(5 - day.weekday()) % 7)


OFF = weekday_in(7)     # in the notices
LOCAL = saturday_in(9)  # worked, by the league


def last_day(count, off=(), on=()):
    day = TODAY
    while count > 0:
        day += datetime.timedelta(days=1)
        count -= (day.weekday() < 5 and day not in off) or day in on
    return day


def row(day, off):
    return {"name": "试", "date": day.isoformat(), "isOffDay": off}


def notice(year):
    """The notice of a year that has one day off, if that lies in it."""
    return {"year": year, "papers": ["notice of %d" % year],
            "days": [row(OFF, True)] if OFF.year == year else []}


class City(cli_city.City):
    """A broker with a calendar folder of its own; its log is kept."""

    def make_configuration(self):
        super().make_configuration()
        os.mkdir(self.path("calendars"))
        self.save("calendars/%d.json" % (TODAY.year - 1), notice(TODAY.year - 1))
        with open(self.path("broker.yaml"), encoding="utf-8") as file:
            lines = [line for line in file if not line.startswith("calendars:")]
        self.write("broker.yaml", "".join(lines) + "calendars: calendars\n")

    def save(self, name, content):
        self.write(name, json.dumps(content, ensure_ascii=False))
        return self.path(name)

    def start(self):
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(BIN, "referral-broker"), "--config", self.path("broker.yaml")],
                stderr=log)
        self.until(lambda: os.path.exists(self.path("status.sock")) and self.ask("status"))

    def ask(self, command):
        try:
            with socket.socket(socket.AF_UNIX) as raw:
                raw.settimeout(SECONDS)
                raw.connect(self.path("status.sock"))
                raw.sendall(json.dumps({"cmd": command}).encode() + b"\n")
                return json.loads(raw.makefile(encoding="utf-8").readline())
        except ConnectionError:
            return None

    def until(self, true):
        deadline = time.monotonic() + SECONDS
        while not true():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError("it does not happen")

    def log(self):
        with open(self.path("log"), encoding="utf-8") as file:
            return file.read()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def load(self, version):
        """Reloads, until this version is in force and every window has its date."""
        self.reload()
        self.until(lambda: self.ask("calendar")["calendar"] == version)
        self.until(lambda: not self.ask("calendar")["redating"])


class Reload(Case):
    @classmethod
    def setUpClass(cls):
        cls.city = City()
        cls.addClassCleanup(cls.city.close)
        cls.socket = cls.city.path("status.sock")
        cls.folder = cls.city.path("calendars")
        cls.sender = cls.city.agency("procuratorate")
        cls.receiver = cls.city.agency("education")
        for agency in (cls.sender, cls.receiver):
            agency.hello()
            cls.addClassCleanup(agency.link.close)
        cls.number = "JZ-%d-0001-01" % run_client.year_of(cls.sender)
        cls.sender.submit([run_client.referral(cls.sender, 1)])
        cls.receiver.acknowledge(cls.receiver.fetch())
        cls.sender.acknowledge(cls.sender.fetch())

    def look(self, path, *words):
        result = ctl("calendar", "import", path, "--calendars", self.folder, "--json", *words)
        self.assertEqual((result.status, result.err), (OK, ""))
        return result.json

    def why(self):
        return ctl("--socket", self.socket, "why", self.number, "--json").json["clocks"][0]

    def told(self, old, new, reason, version):
        """Both sides are told, each once, of the same move."""
        for agency in (self.sender, self.receiver):
            found = agency.fetch()
            notices = [item[2].notice for item in found if item[1].kind == REDATING]
            self.assertEqual(len(notices), 1)
            end = datetime.datetime.combine(old + datetime.timedelta(days=1), datetime.time(),
                                            datetime.timezone(datetime.timedelta(hours=8)))
            self.assertEqual(notices[0].old_due_before_ms, int(end.timestamp()) * 1000)
            self.assertEqual(notices[0].due_date, int(new.strftime("%Y%m%d")))
            self.assertEqual((notices[0].reason, notices[0].calendar_version), (reason, version))
            agency.acknowledge(found)

    def test_1_a_missing_year(self):
        calendar = self.city.ask("calendar")
        self.assertEqual(calendar["calendar_missing"], TODAY.year)
        result = ctl("--socket", self.socket, "status")
        self.assertEqual(result.status, WARNING)
        self.assertIn("holiday notice of %d" % TODAY.year, result.err)
        self.assertIn("holiday notice of %d" % TODAY.year, self.city.log())
        why = self.why()
        self.assertEqual((why["due"], why["provisional"]), (last_day(20).isoformat(), True))

    def test_2_the_notices(self):
        """Dry runs from the socket and from the store say what then happens."""
        next_year = self.city.save("next.json", notice(TODAY.year + 1))
        self.look(next_year)
        path = self.city.save("this.json", notice(TODAY.year))
        old, new = last_day(20), last_day(20, off=(OFF,))
        before = sorted(os.listdir(self.folder))
        by_socket = self.look(path, "--dry-run", "--socket", self.socket)
        by_store = self.look(path, "--dry-run", "--store", self.city.path("store"))
        self.assertEqual(sorted(os.listdir(self.folder)), before)
        for answer, holder in ((by_socket, "education"), (by_store, None)):
            self.assertEqual((answer["installed"], answer["what"], answer["open"]),
                             (False, "new", 1))
            move, = answer["moves"]
            self.assertEqual((move["number"], move["clock"], move["window"], move["old_due"],
                              move["old_provisional"], move["due"], move["provisional"],
                              move["reason"]),
                             (self.number, "feedback-outbound", 1, old.isoformat(), True,
                              new.isoformat(), False, "calendar"))
            if holder:
                self.assertEqual(move["responsible"], holder)
        changes = [] if OFF.year != TODAY.year else [(OFF.isoformat(), "working", "holiday")]
        self.assertEqual([(c["date"], c["was"], c["is"]) for c in by_socket["changes"]], changes)
        done = self.look(path)
        self.assertTrue(done["installed"])
        version = done["calendar"]
        self.assertEqual(self.why()["due"], old.isoformat())  # not yet: it is not reloaded
        self.city.load(version)
        why = self.why()
        self.assertEqual((why["due"], why["provisional"], why["calendar"]),
                         (new.isoformat(), False, version))
        self.assertIn({"date": OFF.isoformat(), "what": "holiday", "name": "试",
                       "layer": "notice", "source": "notice of %d" % OFF.year, "notice": ""},
                      why["days"])
        self.told(old, new, "calendar", version)
        trail = ctl("--socket", self.socket, "case", self.number, "--json").json
        self.assertEqual([leaf["what"] for leaf in trail["referrals"][0]["trail"]]
                         .count("window-redated"), 1)
        self.assertNotIn("holiday notice", ctl("--socket", self.socket, "status").err)

    def test_3_the_league(self):
        """A local day that is worked shortens the window; a corrected file keeps the first."""
        rows = {"year": LOCAL.year, "local": True, "papers": [], "days": [row(LOCAL, False)]}
        path = self.city.save("local-league.json", rows)
        self.bad(REFUSED, "days\\[0\\].date: .*source", "calendar", "import", path,
                 "--calendars", self.folder)
        rows["days"][0].update(source="盟行政公署", notice="〔2026〕1号")
        path = self.city.save("local-league.json", rows)
        done = self.look(path)
        self.assertEqual(done["changes"][0]["layer"], "local")
        old, new = last_day(20, off=(OFF,)), last_day(20, off=(OFF,), on=(LOCAL,))
        self.city.load(done["calendar"])
        self.assertEqual(self.why()["due"], new.isoformat())
        self.told(old, new, "calendar", done["calendar"])
        rows["days"][0]["notice"] = "〔2026〕2号"
        corrected = self.look(self.city.save("local-league.json", rows))
        self.assertEqual(corrected["what"], "replaces")
        self.assertTrue(os.path.exists(os.path.join(self.folder, corrected["kept"])))
        self.city.load(corrected["calendar"])
        self.assertEqual(len(self.sender.fetch()), 0)  # no date moved: nobody is told

    def test_4_bad_files(self):
        """A folder that cannot be read leaves the calendar in force."""
        before = self.city.ask("calendar")
        size = self.city.ask("status")["log"]["size"]
        self.city.write("calendars/local-bad.json", "{")
        self.city.reload()
        self.city.until(lambda: "stays in force" in self.city.log())
        self.assertEqual(self.city.ask("calendar"), before)
        self.assertEqual(self.city.ask("status")["log"]["size"], size)
        os.remove(self.city.path("calendars/local-bad.json"))
        name = self.city.save("league.json", {"year": LOCAL.year, "local": True, "papers": [],
                                              "days": []})
        self.bad(REFUSED, "local-2027-league.json", "calendar", "import", name, "--calendars",
                 self.folder)
        twice = self.city.save("local-again.json", {
            "year": LOCAL.year, "local": True, "papers": ["p"], "notice": "n",
            "days": [row(LOCAL, True)]})
        self.bad(REFUSED, "is in the local file", "calendar", "import", twice, "--calendars",
                 self.folder)
        self.bad(UNREACHABLE, "no answer", "calendar", "import", name.replace("league", "this"),
                 "--calendars", self.folder, "--dry-run", "--socket", self.city.path("none"))

    def test_5_the_log_is_good(self):
        leaves = self.city.ask("status")["log"]["size"]
        result = ctl("audit", "verify", "--store", self.city.path("store"), "--key",
                     self.city.path("keys/public-keys.yaml"), "--calendars",
                     self.city.path("calendars"), "--file",
                     os.path.join(ROOT, "config", "policy.yaml"))
        self.assertEqual(result.status, OK, result.out + result.err)
        self.assertGreater(leaves, 0)


if __name__ == "__main__":
    unittest.main()
