#!/usr/bin/python3
"""Keys that change, by real programs under a signed registry. A signing key is revoked by its
agency's own root: what it signed and still waits is held, its agency goes on with its next key and
signs anew, and only then it is delivered; who was not there meanwhile knows it, too. What others
sent does not wait for it. A sealing key is changed twice while its agency is away, which then reads
all that was sent to it."""

import os
import re
import shutil
import unittest

from agent_city import WAIT, inbound, outbound, wait_for

import registry

OK, REFUSED = 0, 4
SENDER, RECEIVER = "procuratorate", "education"
DAY_MS = 86400000


class KeyCity(registry.SignedCity):
    """The sender has a root and a next signing key from the first version on."""

    def __init__(self, sender=SENDER):
        self.sender = sender
        self.version_number = 0
        self.sign_more = ()  # options of `registry sign`
        super().__init__()

    def sign(self, out, previous=None, office="office", want=OK, keys=None):
        if self.version_number == 0:  # before the first version is signed
            self.own_root = registry.ctl("keys", "root", "--out", self.path("root"), "--agency",
                                         self.sender)[1]
            registry.ctl("keys", "generate", "--agency", self.sender, "--out", self.path("next"))
            self.next = self.endorse(self.path("next", "public-keys-rows.yaml"), "next-rows.yaml")
            first = re.findall(r"(?m)^  - owner: %s\n(?:    .*\n)+" % self.sender, self.keys_text())
            self.write(self.path("first-rows.yaml"), "".join(first))
            text = self.keys_text()
            for row in first:
                text = text.replace(row, "")
            self.write(self.path("keys", "public-keys.yaml"), text)
            self.add_rows(self.own_root["public_rows"],
                          self.endorse(self.path("first-rows.yaml"), "rows.yaml")["public_rows"],
                          self.next["public_rows"])
        self.version_number += 1
        return super().sign(out, previous, office, want, keys, self.sign_more)

    def endorse(self, rows, out):
        status, told = registry.ctl("keys", "endorse", rows, "--root-key",
                                    self.path("root", "root.key"), "--out", self.path(out))
        assert status == OK, told
        return told

    def keys_text(self):
        with open(self.path("keys", "public-keys.yaml"), encoding="utf-8") as file:
            return file.read()

    def add_rows(self, *rows):
        self.write(self.path("keys", "public-keys.yaml"), self.keys_text() + "".join(rows))

    def key_id(self, owner, use):
        return re.search(r"owner: %s\n    use: %s\n    key: .*\n    id: \"(\w+)\"" % (owner, use),
                         self.keys_text()).group(1)

    def retire(self, owner, use):
        rows = re.split(r"(?m)^(?=  - owner)", self.keys_text())
        rows = [row + "    retired: true\n" if "owner: %s\n    use: %s\n" % (owner, use) in row and
                "retired" not in row else row for row in rows]
        self.write(self.path("keys", "public-keys.yaml"), "".join(rows))

    def publish_next(self):
        number = self.version_number
        self.sign("registry-%d.signed" % (number + 1), "registry-%d.signed" % number)
        status, told = self.publish("registry-%d.signed" % (number + 1))
        assert status == OK, told
        sender = self.agents[self.sender]
        wait_for("the sender to have it",
                 lambda: sender.status()["registry_version"] == number + 1)

    def revoke(self, key=None):
        """The sender's signing key, by its own root; its first one."""
        old = key or self.key_id(self.sender, "sign")
        out = self.path("statement" if key is None else "statement-" + key)
        status, told = registry.ctl("keys", "revoke", old, "--keys", self.signed, "--root-key",
                                    self.path("root", "root.key"), "--out", out)
        assert status == OK, told
        return old, ("registry", "revoke", out, "--socket", self.path("broker", "s"))

    def days_pass(self, days):
        """So many since the beginning, for all who are there."""
        answer = self.status.ask(cmd="lab-clock", both_ms=int(days * DAY_MS))
        assert answer["ok"], answer
        for agent in self.agents.values():
            if agent.socket is not None:
                agent.must("lab-clock", wall_ms=int(days * DAY_MS))

    def heard(self, agency):
        """A signed question to its agent and back: it asks, and nothing is on its way."""
        answer = self.status.ask(cmd="ping", agency=agency, timeout_ms=int(WAIT * 1000))
        assert answer["ok"], answer

    def waiting(self, agency):
        rows = self.status.ask(cmd="agencies")["agencies"]
        return [row["waiting"] for row in rows if row["id"] == agency][0]

    def events(self):
        rows = self.status.ask(cmd="audit-tail", count=100)["leaves"]
        return [row["event"] for row in rows]


class Keys(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.city = KeyCity()
        cls.addClassCleanup(cls.city.close)
        cls.city.start_broker()
        cls.sender = cls.city.agent(SENDER)

    def send(self):
        made = self.sender.must("send", message=outbound(RECEIVER))
        number = made["messages"][0]["referral"]
        self.sender.wait_row("outbox", "its receipt", lambda row: row.get("referral") == number and
                             row["state"] == "accepted")
        return number

    def received(self, agent, number):
        row = agent.wait_row("inbox", number, lambda row: row.get("referral") == number)
        return agent.must("show", id=row["id"])["message"]

    def test_1_revoked_held_signed_anew(self):
        city = self.city
        number = self.send()
        self.sender.stop()
        old, statement = city.revoke()
        status, trial = registry.ctl(*statement, "--dry-run")
        self.assertEqual((status, trial["key"], trial["waiting"], trial["leaf"]),
                         (OK, old, 1, None))
        status, done = registry.ctl(*statement, "--reason", "a lost laptop")
        self.assertEqual((status, done["owner"]), (OK, SENDER), done)
        status, again = registry.ctl(*statement, "--reason", "a lost laptop")
        self.assertEqual((status, again["code"]), (REFUSED, "key.revoked"))

        receiver = city.agent(RECEIVER)
        receiver.reached()
        city.heard(RECEIVER)
        self.assertEqual((receiver.rows("inbox"), city.waiting(RECEIVER)), ([], 1))
        city.kill_broker()  # what is held is in the store, not in memory
        city.start_broker()
        city.heard(RECEIVER)
        self.assertEqual(receiver.rows("inbox"), [])

        city.write(self.sender.config, self.sender_config() + "sign-key-next: %s\n" %
                   city.path("next", "sign.key"))
        self.sender.start()
        shown = self.received(receiver, number)
        self.assertEqual(shown["body"]["persons"][0]["name"], "小甲")
        self.assertEqual(city.events().count("key-revoked"), 1)
        self.assertEqual(city.events().count("signed-anew"), 1)
        self.assertIn("goes on with its next one", self.sender.log())
        self.received(receiver, self.send())  # and it goes on
        for agent in (self.sender, receiver):
            self.assertNotIn("alarm", agent.status())
            self.assertEqual(agent.status()["registry_fault"], "")
            self.check_evidence(agent, number)

    def check_evidence(self, agent, number):
        """Signed anew after a revocation, it is evidence all the same."""
        path = self.city.path("evidence-" + agent.name)
        status, told = registry.ctl("evidence", "export", number, "--out", path, "--socket",
                                    agent.path)
        self.assertEqual(status, OK, told)
        status, report = registry.ctl("evidence", "verify", path, "--root", self.city.root)
        self.assertEqual((status, report["findings"]), (OK, []), agent.name)

    def sender_config(self):
        with open(self.sender.config, encoding="utf-8") as file:
            return file.read()

    def test_2_only_the_agencys_root_revokes(self):
        city = self.city
        theirs = city.key_id(RECEIVER, "sign")
        status, told = registry.ctl("keys", "revoke", theirs, "--keys", city.signed, "--root-key",
                                    city.path("root", "root.key"), "--out", city.path("theirs"))
        self.assertEqual((status, told["code"]), (REFUSED, "key.root"))
        before = city.status.ask(cmd="status")["log"]["size"]
        with open(city.path("statement"), encoding="utf-8") as file:
            text = file.read().replace("owner " + SENDER, "owner " + RECEIVER)
        answer = city.status.ask(cmd="key-revoke", statement=text, reason="so")
        self.assertEqual(answer["code"], "key.signature")
        self.assertEqual(city.status.ask(cmd="status")["log"]["size"], before)

    def test_3_two_sealing_keys_and_45_days_later(self):
        city, receiver = self.city, self.city.agents[RECEIVER]
        receiver.stop()
        answer = city.status.ask(cmd="clock-confirm", reason="the clock was compared")
        self.assertTrue(answer["ok"], answer)
        numbers, old = [self.send()], [city.path("keys", RECEIVER, "seal.key")]
        for turn in (1, 2):
            city.days_pass(15 * turn)
            made = registry.ctl("keys", "generate", "--agency", RECEIVER, "--out",
                                city.path("seal-%d" % turn))[1]
            seal = made["public_rows"][made["public_rows"].index("  - owner", 1):]
            city.retire(RECEIVER, "seal")
            city.add_rows(seal)
            number = city.version_number  # its clock cannot wait 30 days: it has to say so
            city.sign("too-soon", "registry-%d.signed" % number, want=REFUSED)
            city.version_number = number
            city.sign_more = ("--overlap-days", "0")
            city.publish_next()
            city.sign_more = ()
            numbers.append(self.send())
            old.insert(0, city.path("seal-%d" % turn, "seal.key"))
        with open(receiver.config, encoding="utf-8") as file:
            text = re.sub(r"(?m)^seal-key: .*", "seal-key: " + old[0], file.read())
        city.write(receiver.config, text + "seal-keys-old: [%s]\n" % ", ".join(old[1:]))
        with open(city.path("registry-%d.signed" % city.version_number), "rb") as file:
            newest = file.read()
        with open(city.signed, "wb") as file:
            file.write(newest)
        city.days_pass(45)
        numbers.append(self.send())
        receiver.start()
        receiver.must("lab-clock", wall_ms=45 * DAY_MS)
        for number in numbers:
            self.assertEqual(self.received(receiver, number)["body"]["persons"][0]["name"], "小甲")
        self.assertNotIn("alarm", receiver.status())

        # What was received opens by what was kept with it: the old keys can be destroyed, and what
        # the broker has of it opens for nobody any more.
        receiver.stop()
        for path in old[1:]:
            os.unlink(path)
        city.write(receiver.config, text)
        receiver.start()
        for number in numbers:
            self.assertEqual(self.received(receiver, number)["body"]["persons"][0]["name"], "小甲")

    def test_4_a_key_that_its_root_never_saw(self):
        city = self.city
        made = registry.ctl("keys", "generate", "--agency", SENDER, "--out", city.path("by-office"))
        text, number = city.keys_text(), city.version_number
        city.add_rows(made[1]["public_rows"])
        told = city.sign("theirs", "registry-%d.signed" % number, want=REFUSED)
        self.assertEqual(told["code"], "keys.value")
        self.assertIn("has not signed the row", told["message"])
        city.write(city.path("keys", "public-keys.yaml"), text)
        city.version_number = number
        both = city.path("both.yaml")
        city.write(both, made[1]["public_rows"] + registry.ctl(
            "keys", "generate", "--agency", RECEIVER, "--out", city.path("r"))[1]["public_rows"])
        status, told = registry.ctl("keys", "endorse", both, "--root-key",
                                    city.path("root", "root.key"), "--out", city.path("none"))
        self.assertEqual((status, told["code"]), (REFUSED, "keys.agency"))
        status, told = registry.ctl("keys", "endorse", city.path("r", "public-keys-rows.yaml"),
                                    "--root-key", city.path("root", "root.key"), "--from",
                                    "2027-03-01", "--to", "2027-02-01", "--out", city.path("none"))
        self.assertEqual((status, told["code"]), (REFUSED, "keys.day"))
        self.assertFalse(os.path.exists(city.path("none")))


class Behind(unittest.TestCase):
    """What is held holds up nobody else's: the lane goes on behind it, over kills of both sides;
    what follows in its case comes after it, when its 72 hours are over."""

    def setUp(self):
        self.city = KeyCity("education")
        self.addCleanup(self.city.close)
        self.city.start_broker()
        self.agents = {name: self.city.agent(name) for name in ("education", "civil-affairs")}

    def send(self, sender):
        made = self.agents[sender].must("send", message=inbound())
        number = made["messages"][0]["referral"]
        self.agents[sender].wait_row("outbox", "its receipt", lambda row: (
            row.get("referral") == number and row["state"] == "accepted"))
        return number

    def got(self, receiver):
        """The referrals in its inbox, in the order in which they came, with the kinds."""
        self.city.heard(receiver.name)
        return [(row["referral"], row["kind"]) for row in receiver.rows("inbox")]

    def test_held_behind(self):
        city = self.city
        held = self.send("education")
        self.agents["education"].stop()
        city.days_pass(11)  # nobody fetches it: notices about it follow it, whatever day it is
        answer = city.status.ask(cmd="clock-confirm", reason="the clock was compared")
        self.assertTrue(answer["ok"], answer)
        wait_for("notices to the office", lambda: city.waiting("procuratorate") > 1)
        status, done = registry.ctl(*city.revoke()[1], "--reason", "a lost laptop")
        self.assertEqual(status, OK, done)
        others = [self.send("civil-affairs")]
        receiver = city.agent("procuratorate")
        receiver.must("lab-clock", wall_ms=11 * DAY_MS)
        receiver.wait_row("inbox", "what is not held", lambda row: row["referral"] == others[0])
        self.assertEqual(self.got(receiver), [(others[0], "inbound-referral")])
        city.kill_broker()
        receiver.kill()
        city.start_broker()
        city.days_pass(0)
        receiver.start()
        city.days_pass(11)
        others.append(self.send("civil-affairs"))
        receiver.wait_row("inbox", "the next one", lambda row: row["referral"] == others[1])
        self.assertEqual([number for number, _ in self.got(receiver)], others)
        self.assertGreater(city.waiting("procuratorate"), 1)
        self.assertNotIn("alarm", receiver.status())

        city.days_pass(14.01)
        receiver.wait_row("inbox", "what was held", lambda row: row["referral"] == held)
        wait_for("the rest", lambda: city.waiting("procuratorate") == 0)
        kinds = [kind for number, kind in self.got(receiver) if number == held]
        self.assertEqual(kinds[0], "inbound-referral")
        self.assertGreater(len(kinds), 1)
        self.assertNotIn("alarm", receiver.status())

    def test_signed_anew_by_a_key_that_is_revoked_too(self):
        """It is held anew, and when that is over it comes as the log has it."""
        city, sender = self.city, self.agents["education"]
        held = self.send("education")
        status, done = registry.ctl(*city.revoke()[1], "--reason", "a lost laptop")
        self.assertEqual(status, OK, done)
        sender.stop()
        with open(sender.config, encoding="utf-8") as file:
            text = file.read()
        city.write(sender.config, text + "sign-key-next: %s\n" % city.path("next", "sign.key"))
        sender.start()
        wait_for("a new signature", lambda: city.events().count("signed-anew") == 1)
        sender.stop()
        following = re.search(r"use: sign\n    key: .*\n    id: \"(\w+)\"",
                              city.next["public_rows"]).group(1)
        status, done = registry.ctl(*city.revoke(following)[1], "--reason", "and the other one")
        self.assertEqual(status, OK, done)
        other = self.send("civil-affairs")
        receiver = city.agent("procuratorate")
        receiver.wait_row("inbox", "what is not held", lambda row: row["referral"] == other)
        self.assertEqual([number for number, _ in self.got(receiver)], [other])
        self.assertNotIn("alarm", receiver.status())
        answer = city.status.ask(cmd="clock-confirm", reason="the clock was compared")
        self.assertTrue(answer["ok"], answer)
        city.days_pass(3.01)
        receiver.wait_row("inbox", "what was held", lambda row: row["referral"] == held)
        wait_for("the rest", lambda: city.waiting("procuratorate") == 0)
        self.assertNotIn("alarm", receiver.status())

    def test_a_receiver_on_an_older_store(self):
        """The broker's mark of what it has noted is of no use to a store that does not have it."""
        city = self.city
        receiver = city.agent("procuratorate")
        receiver.reached()
        receiver.stop()
        older = receiver.store + "-older"
        shutil.copytree(receiver.store, older)
        held = self.send("education")
        self.agents["education"].stop()
        status, done = registry.ctl(*city.revoke()[1], "--reason", "a lost laptop")
        self.assertEqual(status, OK, done)
        receiver.start()
        city.heard(receiver.name)
        self.assertEqual((receiver.rows("inbox"), city.waiting("procuratorate")), ([], 1))
        receiver.stop()
        shutil.rmtree(receiver.store)
        os.rename(older, receiver.store)
        receiver.start()
        other = self.send("civil-affairs")
        receiver.wait_row("inbox", "what is not held", lambda row: row["referral"] == other)
        self.assertNotIn("alarm", receiver.status())
        city.days_pass(3.01)
        receiver.wait_row("inbox", "what was held", lambda row: row["referral"] == held)
        wait_for("the rest", lambda: city.waiting("procuratorate") == 0)
        self.assertNotIn("alarm", receiver.status())


if __name__ == "__main__":
    unittest.main(verbosity=2)
