#!/usr/bin/python3
"""`referralctl doctor` and `agent doctor`: each fault is planted alone, must be found with its
light, evidence and next step, and must be gone when it is mended. What a real city can have is
planted in one; what would take days or gigabytes is answered by a scripted socket. Nothing
sleeps."""

import datetime
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest

from cli_support import OK, REFUSED, ROOT, UNREACHABLE, USAGE, WARNING, Case, ctl

import agent_city

NOW = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=8)
NOTICE = ('{"year": %d, "papers": ["p"], "days": '
          '[{"name": "元旦", "date": "%d-01-01", "isOffDay": true}]}')
MS = 1792376712000


class Doctors(Case):
    def examine(self, check, *words, agent=False):
        """One check: exit status, its light, and its findings."""
        result = ctl(*(("agent",) if agent else ()), "doctor", "--only", check, *words, "--json")
        found, = result.json["checks"]
        self.assertEqual(found["name"], check)
        for row in found["findings"]:
            self.assertTrue(row["evidence"])
            if row["light"] in ("warn", "bad"):
                self.assertTrue(row["next"], row)
        return result.status, found["light"], found["findings"]

    def well(self, check, *words, agent=False):
        status, light, findings = self.examine(check, *words, agent=agent)
        self.assertEqual((status, light), (OK, "ok"), findings)
        return findings

    def ill(self, check, light, pattern, *words, agent=False, status=WARNING):
        found_status, found_light, findings = self.examine(check, *words, agent=agent)
        self.assertEqual((found_status, found_light), (status, light), findings)
        told = [row for row in findings if re.search(pattern, row["evidence"])]
        self.assertTrue(told, (pattern, findings))
        self.assertEqual(told[0]["light"], light, findings)
        return told[0]


class City(agent_city.City):
    """All files in its own folder, to be spoilt; calendars of this year and the next."""

    def __init__(self):
        super().__init__()
        shutil.copytree(agent_city.CONFIG, self.path("config"))
        shutil.rmtree(self.path("config", "calendars"))
        os.mkdir(self.path("config", "calendars"))
        for year in (NOW.year, NOW.year + 1):
            self.write(self.path("config", "calendars", "%d.json" % year), NOTICE % (year, year))
        self.registry = self.path("config", "agencies.yaml")
        self.own(self.path("broker", "broker.yaml"))

    def own(self, config):
        with open(config, encoding="utf-8") as file:
            text = file.read()
        self.write(config, text.replace(agent_city.CONFIG, self.path("config")))

    def agent(self, name, extra="", **environment):
        agent = agent_city.Agent(self, name, extra)
        self.own(agent.config)
        self.agents[name] = agent.start(**environment)
        agent.reached()
        return agent


class OfACity(Doctors):
    @classmethod
    def setUpClass(cls):
        cls.city = City()
        cls.addClassCleanup(cls.city.close)
        cls.city.start_broker()
        cls.agent = cls.city.agent("education")
        cls.config = ("--config", cls.city.path("broker", "broker.yaml"))
        cls.agent_config = ("--config", cls.agent.config)
        cls.keys = cls.city.path("keys")

    def spoil(self, path, text):
        """Other content for a file, until the end of the test or the answer's call."""
        with open(path, encoding="utf-8") as file:
            before = file.read()
        self.city.write(path, text if isinstance(text, str) else text(before))
        self.addCleanup(self.city.write, path, before)
        return lambda: self.city.write(path, before)

    def certificate(self, name, days):
        """A certificate of the city's authority for the broker's key that ends so soon."""
        path = self.city.path(name)
        for words in (("req", "-new", "-key", self.keys + "/broker/tls.key", "-subj", "/CN=broker",
                       "-out", path + ".csr"),
                      ("x509", "-req", "-in", path + ".csr", "-CA", self.keys + "/ca.crt", "-CAkey",
                       self.keys + "/ca.key", "-CAcreateserial", "-days", str(days), "-out", path)):
            subprocess.run(["openssl", *words], check=True, capture_output=True)
        with open(path, encoding="ascii") as file:
            return file.read()

    def test_1_reach_and_port(self):
        self.assertIn("answers: referral-broker", self.well("reach", *self.config)[0]["evidence"])
        self.assertIn("takes connections", self.well("port", *self.config)[0]["evidence"])
        self.assertIn("answers: referral-agent",
                      self.well("reach", *self.agent_config, agent=True)[0]["evidence"])
        self.well("connection", *self.agent_config, agent=True)

    def test_2_configuration(self):
        for config, agent in ((self.config, False), (self.agent_config, True)):
            self.well("configuration", *config, agent=agent)
            mend = self.spoil(config[1], lambda text: text.replace("store-mib", "store-mibs"))
            found = self.ill("configuration", "bad", r"yaml:\d+:1: .*store-mibs", *config,
                             agent=agent)
            self.assertIn("store-mib", found["next"])
            mend()
            mend = self.spoil(config[1], "a: [")
            self.ill("configuration", "bad", r"yaml:\d+:\d+", *config, agent=agent)
            self.assertEqual(self.examine("rights", *config, agent=agent)[1], "unknown")
            mend()
            self.well("configuration", *config, agent=agent)
        self.ill("configuration", "bad", "never.yaml", "--config", self.city.path("never.yaml"))

    def test_3_rights(self):
        for config, owner, agent in ((self.config, "broker", False),
                                     (self.agent_config, "education", True)):
            secret = "%s/%s/sign.key" % (self.keys, owner)
            self.well("rights", *config, agent=agent)
            for mode in (0o640, 0o604, 0o620):
                os.chmod(secret, mode)
                found = self.ill("rights", "bad", "sign-key: .* mode %04o" % mode, *config,
                                 agent=agent)
                self.assertIn("chmod 600 " + os.path.realpath(secret), found["next"])
            os.chmod(secret, 0o600)
            os.rename(secret, secret + ".away")
            self.ill("rights", "bad", "sign-key: .*is not there", *config, agent=agent)
            os.rename(secret + ".away", secret)
            if os.getuid() == 0:
                os.chown(secret, 4711, -1)
                found = self.ill("rights", "bad", "belongs to uid 4711, the store to uid 0",
                                 *config, agent=agent)
                self.assertIn("chown 0 ", found["next"])
                os.chown(secret, 0, -1)
            for path in (config[1], self.city.registry, self.city.path("config", "calendars"),
                         os.path.dirname(config[1])):
                mode = os.stat(path).st_mode & 0o7777
                os.chmod(path, mode | 0o002)
                self.ill("rights", "bad", "%s has mode .*everybody" % os.path.realpath(path),
                         *config, agent=agent)
                os.chmod(path, mode)
            self.well("rights", *config, agent=agent)

    def test_4_certificates(self):
        path = self.keys + "/broker/tls.crt"
        self.assertRegex(self.well("certificates", *self.config)[0]["evidence"],
                         r"tls\.crt until \d{4}-\d\d-\d\d: \d+ working days")
        for days, light, pattern in ((40, "warn", r": 2\d working days$"),
                                     (17, "warn", r": 1\d working days: hurry"),
                                     (6, "bad", r": [3-7] working days"),
                                     (0, "bad", "ended .*nobody takes it")):
            mend = self.spoil(path, self.certificate("near.crt", days))
            found = self.ill("certificates", light, pattern, *self.config)
            self.assertIn("issue the next", found["next"])
            mend()
        with open(self.keys + "/education/tls.crt", encoding="ascii") as file:
            mend = self.spoil(path, file.read())
        self.ill("certificates", "bad", r"tls\.key: is not the key", *self.config)
        mend()
        mend = self.spoil(path, "nonsense")
        self.ill("certificates", "bad", "tls.crt", *self.config)
        mend()
        self.well("certificates", *self.config)
        self.well("certificates", *self.agent_config, agent=True)

    def test_5_keys(self):
        """Of all for the broker; an agent looks at its own."""
        path = self.keys + "/public-keys.yaml"
        day = (NOW + datetime.timedelta(20)).strftime("%Y-%m-%d")
        self.well("keys", *self.config)

        def ends(owner):
            return lambda text: re.sub(r"(owner: %s\n(?:    .*\n)*?    use: sign\n)" % owner,
                                       r"\1    valid-to: %s\n" % day, text)
        mend = self.spoil(path, ends("education"))
        found = self.ill("keys", "warn", "the signing key of education ends " + day, *self.config)
        self.assertIn("make its next key", found["next"])
        self.ill("keys", "warn", "the signing key of education", *self.agent_config, agent=True)
        mend()
        mend = self.spoil(path, ends("health"))
        self.ill("keys", "warn", "the signing key of health", *self.config)
        self.well("keys", *self.agent_config, agent=True)
        mend()
        self.well("keys", *self.config)

    def test_6_calendar(self):
        folder = self.city.path("config", "calendars")
        next_year = os.path.join(folder, "%d.json" % (NOW.year + 1))
        for config, agent in ((self.config, False), (self.agent_config, True)):
            self.well("calendar", *config, agent=agent)
            os.rename(next_year, next_year + ".away")
            if NOW.month >= 11:
                found = self.ill("calendar", "warn", "notice of %d is missing" % (NOW.year + 1),
                                 *config, agent=agent)
                self.assertIn("calendar import %d.json" % (NOW.year + 1), found["next"])
            os.rename(next_year + ".away", next_year)
            this_year = os.path.join(folder, "%d.json" % NOW.year)
            os.rename(this_year, this_year + ".away")
            self.ill("calendar", "bad", "notice of %d is missing" % NOW.year, *config, agent=agent)
            os.rename(this_year + ".away", this_year)
            mend = self.spoil(this_year, "{")
            self.ill("calendar", "bad", r"%d\.json:1:" % NOW.year, *config, agent=agent)
            mend()
            self.well("calendar", *config, agent=agent)
        mend = self.spoil(next_year, lambda text: text.replace("元旦", "新年"))
        found = self.ill("calendar", "warn", "the broker counts by .*, the folder has",
                         *self.config)
        self.assertIn("reload", found["next"])
        mend()
        self.well("calendar", *self.config)

    def test_7_disk(self):
        for config, agent in ((self.config, False), (self.agent_config, True)):
            self.well("disk", *config, "--disk-percent", "100", agent=agent)
            found = self.ill("disk", "warn", r"store is \d+ % full, \d+ MiB are free", *config,
                             "--disk-percent", "1", agent=agent)
            self.assertIn("make room", found["next"])
            self.well("store", *config, agent=agent)
        self.bad(USAGE, "--disk-percent: expected", "doctor", "--disk-percent", "0")

    def test_8_a_silent_agency(self):
        """Its agent is killed, and the broker's time goes on by two minutes."""
        self.agent.kill()
        self.city.status.ask(cmd="lab-clock", both_ms=120000)
        found = self.ill("agencies", "bad", "^education .*: DOWN 2 min|^education .*DOWN 1",
                         *self.config)
        self.assertIn("agent doctor", found["next"])
        self.ill("reach", "bad", "a daemon was here, and has ended", *self.agent_config, agent=True,
                 status=UNREACHABLE)
        status, light, findings = self.examine("connection", *self.agent_config, agent=True)
        self.assertEqual((status, light), (OK, "ok"), findings)
        self.agent.start()
        self.agent.reached()
        evidence = [row["evidence"] for row in self.examine("agencies", *self.config)[2]]
        self.assertFalse([text for text in evidence if text.startswith("education")], evidence)

    def confirm(self):
        self.good("--socket", self.city.path("broker", "s"), "clock", "confirm", "--reason-file",
                  "-", text="compared with the time service")

    def test_9_a_wrong_clock(self):
        self.confirm()
        self.city.status.ask(cmd="lab-clock", both_ms=120000 + 11 * 60000)
        self.confirm()
        self.well("clock", *self.config)
        self.city.status.ask(cmd="lab-clock", wall_ms=3600000)
        found = self.ill("clock", "bad", "held: the wall clock jumped", *self.config)
        self.assertIn("clock confirm", found["next"])
        self.confirm()
        self.well("clock", *self.config)
        self.well_of_agent()

    def well_of_agent(self):
        """The agent's own clock: the broker's is an hour ahead of it, until it is moved too."""
        self.agent.must("send", message=agent_city.inbound())
        agent_city.wait_for("the broker's new time", lambda: self.examine(
            "clock", *self.agent_config, agent=True)[1] == "bad")
        found = self.ill("clock", "bad", r"differs from the broker's by 3[56]\d\d s",
                         *self.agent_config, agent=True)
        self.assertIn("compare `date`", found["next"])
        self.agent.must("lab-clock", wall_ms=3600000)
        self.well("clock", *self.agent_config, agent=True)

    def test_9a_the_broker_is_down(self):
        """What can be judged is; what cannot is said to be unknown."""
        self.city.stop_broker()
        result = ctl("doctor", *self.config)
        self.assertEqual(result.status, UNREACHABLE, result.out)
        self.assertRegex(result.out, r"(?m)^bad +reach .*no answer: there is no such file")
        self.assertIn("journalctl -u referral-broker", result.out)
        self.assertRegex(result.out, r"(?m)^bad +port .*nobody listens at tls\+tcp")
        for name in ("configuration", "rights", "certificates", "keys", "calendar"):
            self.assertRegex(result.out, r"(?m)^ok +%s " % name)
        for name in ("clock", "agencies", "witnesses", "queues"):
            self.assertRegex(result.out, r"(?m)^unknown +%s +not known" % name)
        self.assertEqual(self.examine("rights", *self.config)[0], OK)
        with socket.create_server(("127.0.0.1", self.city.port)):
            self.ill("port", "bad", "held by another program", *self.config)
        agent_city.wait_for("the loss", lambda: not self.agent.status()["connected"])
        found = self.ill("connection", "bad", "nobody listens at", *self.agent_config, agent=True)
        self.assertIn("referralctl doctor", found["next"])
        self.ill("connection", "bad", "not connected since", *self.agent_config, agent=True)
        self.city.start_broker()
        self.well("reach", *self.config)
        self.well("port", *self.config)


class OfAnswers(Doctors):
    """States that a scripted daemon answers."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="referral-doctor-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.path = os.path.join(self.folder, "s")
        self.answers = {
            "status": {"software": "x", "clock": {"broker_ms": MS, "held": "none"}, "accepts": True,
                       "store_percent": 12, "log": {"size": 100}, "dead": 0, "laboratory": False},
            "agencies": {"agencies": [self.agency("education"), self.agency("health")]},
            "queue": {"queues": []}}
        server = socket.socket(socket.AF_UNIX)
        server.bind(self.path)
        server.listen()
        thread = threading.Thread(target=self.serve, args=(server,), daemon=True)
        thread.start()
        self.addCleanup(server.close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown, socket.SHUT_RDWR)

    def serve(self, server):
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                question = json.loads(client.makefile().readline())
                answer = {"ok": True, "daemon": "broker", **self.answers[question["cmd"]]}
                client.sendall(json.dumps(answer).encode() + b"\n")

    def agency(self, name, **members):
        return {"id": name, "name_zh": "某局", "state": "registered", "up": True, "heard_ms": MS,
                "waiting": 0, "oldest_ms": 0, "witnessed_size": 100, "witnessed_ms": MS, **members}

    def status(self, **members):
        self.answers["status"].update(members)

    def test_a_broker(self):
        hour, words = 3600000, ("--socket", self.path)
        backup = {"folder": "/b", "state": "idle",
                  "last": {"file": "b-1", "made_ms": int(NOW.timestamp() - 8 * 3600) * 1000}}
        level = {"state": "level", "behind_transactions": 0, "behind_ms": 0}
        old = {**backup, "last": {"file": "b-1", "made_ms": MS - 10 ** 10}}
        for check, light, pattern, spoil, mend in (
                ("store", "warn", "82 % full", lambda: self.status(store_percent=82),
                 lambda: self.status(store_percent=12)),
                ("store", "bad", "no room on its disk", lambda: self.status(accepts=False),
                 lambda: self.status(accepts=True)),
                ("store", "bad", "the store is full",
                 lambda: self.status(accepts=False, store_percent=86),
                 lambda: self.status(accepts=True, store_percent=12)),
                ("dead", "warn", "3 messages will not", lambda: self.status(dead=3),
                 lambda: self.status(dead=0)),
                ("clock", "warn", "held since the start",
                 lambda: self.status(clock={"broker_ms": MS, "held": "start"}),
                 lambda: self.status(clock={"broker_ms": MS, "held": "none"})),
                ("clock", "bad", "ahead of the wall",
                 lambda: self.status(clock={"broker_ms": MS, "held": "ahead"}),
                 lambda: self.status(clock={"broker_ms": MS, "held": "none"})),
                ("backup", "warn", "no folder for backups", lambda: None,
                 lambda: self.status(backup=backup)),
                ("backup", "bad", "the last one is .* old: b-1", lambda: self.status(backup=old),
                 lambda: self.status(backup=backup)),
                ("backup", "bad", "2 tries failed: /b: no room",
                 lambda: self.status(backup={**backup, "failures": 2, "failure": {
                     "code": "backup.full", "place": "/b", "message": "no room", "hint": ""}}),
                 lambda: self.status(backup=backup)),
                ("standby", "warn", "behind: 7 transactions behind, since 119 s",
                 lambda: self.status(standby={**level, "state": "behind", "behind_ms": 119000,
                                              "behind_transactions": 7}),
                 lambda: self.status(standby=level)),
                ("standby", "bad", "the standby is not there .away.",
                 lambda: self.status(standby={**level, "state": "away"}),
                 lambda: self.status(standby=level)),
                ("agencies", "warn", "health 某局: suspended",
                 lambda: self.agencies(state="suspended"), self.agencies),
                ("agencies", "bad", "health 某局: DOWN, never",
                 lambda: self.agencies(up=False, heard_ms=0), self.agencies),
                ("witnesses", "warn", "health has never confirmed",
                 lambda: self.agencies(witnessed_size=0), self.agencies),
                ("witnesses", "warn", "health confirmed 60 leaves last, of 30 h ago: 40 behind",
                 lambda: self.agencies(witnessed_size=60, witnessed_ms=MS - 30 * hour),
                 self.agencies),
                ("witnesses", "bad", "of 8 d ago: 40 behind",
                 lambda: self.agencies(witnessed_size=60, witnessed_ms=MS - 200 * hour),
                 self.agencies),
                ("queues", "warn", "5 messages wait for health, the oldest for 25 h",
                 lambda: self.agencies(waiting=5, oldest_ms=MS - 25 * hour), self.agencies),
                ("queues", "bad", "the oldest for 4 d",
                 lambda: self.agencies(waiting=5, oldest_ms=MS - 100 * hour), self.agencies)):
            spoil()
            self.ill(check, light, pattern, *words)
            mend()
            self.well(check, *words)
        self.agencies(witnessed_size=100, witnessed_ms=MS - 900 * hour)
        self.well("witnesses", *words)  # the log is quiet: it has seen all of it

    def agencies(self, **members):
        self.answers["agencies"] = {"agencies": [self.agency("education"),
                                                 self.agency("health", **members)]}

    def test_an_agent(self):
        good = {"daemon": "agent", "software": "x", "connected": True, "broker_url": "tcp://x:1",
                "registry_matches": True, "store_percent": 3, "time": "2026-10-19T10:00:10+08:00",
                "broker_time": "2026-10-19T10:00:00+08:00", "clock_held": False,
                "calendar_state": "same", "outbox": {"waiting": 0}, "witnessed": 40,
                "checkpoint": {"size": 42, "time": "2026-10-19T10:00:00+08:00"},
                "channels": [{"channel": "mail", "failures": 0, "dead": 0, "waiting": 0,
                              "last_ok": "2026-10-19T09:00:00+08:00"}]}
        channel = good["channels"][0]
        for check, light, pattern, change in (
                ("trust", "bad", "ALARM: the log went back", {"alarm": "the log went back"}),
                ("trust", "warn", "was caught, and this is kept: /x/lie-01.evidence",
                 {"evidence": "/x/lie-01.evidence"}),
                ("registry", "bad", "another registry", {"registry_matches": False}),
                ("store", "bad", "store is full", {"store_percent": 86}),
                ("store", "warn", "81 % full", {"store_percent": 81}),
                ("witness", "warn", "no checkpoint", {"checkpoint": {"size": 0}}),
                ("witness", "warn", "less than 7 agencies confirm the log seen here: 3 have",
                 {"confirmed": {"size": 0, "agencies": 3, "needed": 7, "late": True,
                                "awaited_since": "2026-10-17T10:00:00+08:00"}}),
                ("clock", "warn", "by 70 s", {"broker_time": "2026-10-19T09:59:00+08:00"}),
                ("clock", "warn", "is held", {"clock_held": True}),
                ("outbox", "warn", "7 messages wait to leave, though", {"outbox": {"waiting": 7}}),
                ("notices", "warn", "mail: 3 failures in a row, 2 wait: refused",
                 {"channels": [{**channel, "failures": 3, "waiting": 2, "reason": "refused"}]}),
                ("notices", "warn", "mail: 4 notices were given up",
                 {"channels": [{**channel, "dead": 4}]})):
            self.answers["status"] = {**good, **change}
            self.ill(check, light, pattern, "--socket", self.path, agent=True)
            self.answers["status"] = good
            self.well(check, "--socket", self.path, agent=True)
        self.assertIn("last success 2026-10-19T09:00:00",
                      self.well("notices", "--socket", self.path, agent=True)[0]["evidence"])

    def test_a_standby(self):
        """It says for itself how far it is; what a broker does is of no concern there."""
        now = int(NOW.timestamp() - 8 * 3600) * 1000
        good = {"state": "following", "behind_leaves": 0, "level_ms": now, "code": ""}
        self.answers["status"] = {"daemon": "standby", "software": "x", "standby": good}
        for change, light, pattern in (
                ({"behind_leaves": 7, "level_ms": now - 110000}, "warn",
                 "following: the copy is 7 leaves behind, level 11[0-9] s ago"),
                ({"state": "stopped", "code": "standby.silent", "message": "the broker is silent",
                  "hint": ""}, "bad", "stopped: the broker is silent")):
            self.answers["status"]["standby"] = {**good, **change}
            self.ill("standby", light, pattern, "--socket", self.path)
            self.answers["status"]["standby"] = good
        for check in ("reach", "standby", "clock", "agencies", "backup"):
            self.well(check, "--socket", self.path)

    def test_names_and_forms(self):
        """Help lists the names that there are; each is a check of its own."""
        for words in (("doctor",), ("agent", "doctor")):
            answer = ctl(*words, "--socket", self.path, "--json", "--config", "/never").json
            names = [check["name"] for check in answer["checks"]]
            listed = re.search(r"(?s)(?:Checks: )(.*?)\. ", ctl(*words, "--help").out).group(1)
            self.assertEqual(re.split(r",\s+", listed), names)
        self.bad(USAGE, 'no such check; expected one of: reach, .*did you mean "certificates"',
                 "doctor", "--only", "certificate")
        self.answers["status"] = {"ok": False, "message": "needs a role", "code": "status.role",
                                  "hint": "ask root"}
        self.ill("reach", "bad", "needs a role", "--socket", self.path, status=REFUSED)
        self.ill("reach", "bad", "there is no such file", "--socket", self.path + "x",
                 status=UNREACHABLE)
        self.answers["status"] = {"daemon": "agent", "software": "x"}
        found = self.ill("reach", "bad", "this is the socket of an agent", "--socket", self.path,
                         status=REFUSED)
        self.assertIn("agent doctor", found["next"])
        self.assertNotIn("\x1b", ctl("doctor", "--socket", self.path).out)
        self.assertEqual(ctl("doctor", "--socket", self.path, "--quiet").out, "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
