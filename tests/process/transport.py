#!/usr/bin/python3
"""Certificates that change, by real programs: the agent's and the broker's while a city works, a
certificate that is revoked, and one that is another agency's."""

import os
import re
import signal
import subprocess
import unittest

from agent_city import City, outbound, wait_for

SENDER, RECEIVER = "procuratorate", "education"


def openssl(folder, *arguments):
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr


class Transport(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.city = City()
        cls.addClassCleanup(cls.city.close)
        cls.city.start_broker()
        cls.sender = cls.city.agent(SENDER)
        cls.receiver = cls.city.agent(RECEIVER)
        cls.sender.reached()
        cls.receiver.reached()

    def send(self):
        made = self.sender.must("send", message=outbound(RECEIVER))
        return made["messages"][0]["referral"]

    def broker_log(self):
        with open(self.city.path("broker", "log"), encoding="utf-8") as file:
            return file.read()

    def arrives(self, number):
        self.sender.wait_row("outbox", "its receipt", lambda row: row.get("referral") == number
                             and row["state"] == "accepted")
        self.receiver.wait_row("inbox", number, lambda row: row.get("referral") == number)

    def counters(self):
        text = self.city.status.ask(cmd="metrics")["text"]
        return {name: int(re.search(r"(?m)^referral_broker_%s (\d+)$" % name, text).group(1))
                for name in ("connections", "connections_untrusted_total")}

    def issue(self, name, common):
        """keys/NAME.crt and .key, of the city's authority."""
        keys = self.city.path("keys")
        openssl(keys, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", "/CN=" + common, "-addext", "subjectAltName=DNS:broker,DNS:localhost",
                "-keyout", name + ".key", "-out", name + ".csr")
        with open(os.path.join(keys, "names"), "w", encoding="ascii") as file:
            file.write("subjectAltName=DNS:broker,DNS:localhost,IP:127.0.0.1\n")
        openssl(keys, "x509", "-req", "-in", name + ".csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", "20", "-extfile", "names", "-out", name + ".crt")

    def install(self, name, owner):
        for ending in (".crt", ".key"):
            os.replace(self.city.path("keys", name + ending),
                       self.city.path("keys", owner, "tls" + ending))

    def test_1_certificates_change_and_nothing_is_lost(self):
        before, numbers = self.counters(), []
        for owner in ("broker", SENDER):
            self.issue("next", owner)
            self.install("next", owner)
            numbers.append(self.send())
            if owner == "broker":
                self.city.broker.send_signal(signal.SIGHUP)
                numbers.append(self.send())
                wait_for("the broker's word", lambda: "a new configuration is in force" in
                         self.broker_log())
            else:
                status = self.sender.ask("reload")
                self.assertTrue(status["ok"], status)
            numbers.append(self.send())
        for number in numbers:
            self.arrives(number)
        self.assertEqual(self.counters(), before)

    def test_2_what_does_not_fit_stays_out(self):
        path = self.city.path("keys", SENDER, "tls.key")
        with open(path, "rb") as file:
            good = file.read()
        self.issue("other", SENDER)
        os.replace(self.city.path("keys", "other.key"), path)
        told = self.sender.ask("reload")
        self.assertEqual((told["ok"], told["code"]), (False, "certificate.key-differs"), told)
        with open(path, "wb") as file:
            file.write(good)
        self.arrives(self.send())

    def test_3_a_revoked_certificate(self):
        city, keys = self.city, self.city.path("keys")
        self.sender.stop()  # its connection is of the certificate before
        self.sender.start()
        self.sender.reached()
        city.write(os.path.join(keys, "ca.cnf"), "[ca]\ndefault_ca=c\n[c]\ndatabase=index.txt\n"
                   "default_md=sha256\ndefault_crl_days=1\n")
        city.write(os.path.join(keys, "index.txt"), "")
        authority = ("ca", "-config", "ca.cnf", "-keyfile", "ca.key", "-cert", "ca.crt")
        openssl(keys, *authority, "-revoke", os.path.join(SENDER, "tls.crt"))
        openssl(keys, *authority, "-gencrl", "-out", "revoked.pem")
        with open(city.path("broker", "broker.yaml"), "a", encoding="utf-8") as file:
            file.write("tls-crl: %s\n" % os.path.join(keys, "revoked.pem"))
        city.broker.send_signal(signal.SIGHUP)
        wait_for("the cut", lambda: not self.sender.status()["connected"])
        self.assertEqual(self.counters()["connections_untrusted_total"], 1)
        number = self.send()  # waits here
        self.issue("next", SENDER)
        self.install("next", SENDER)
        self.assertTrue(self.sender.ask("reload")["ok"])
        self.arrives(number)

    def test_4_another_agencys_certificate(self):
        self.issue("theirs", "health")
        self.install("theirs", SENDER)
        self.sender.stop()
        self.sender.start()
        wait_for("the refusal", lambda: "request.certificate" in self.sender.log())
        leaves = self.city.status.ask(cmd="audit-tail", count=20)["leaves"]
        told = [row for row in leaves if row["event"] == "refused"]
        self.assertEqual({(row["from"], row["code"]) for row in told},
                         {(SENDER, "request.certificate")})


if __name__ == "__main__":
    unittest.main(verbosity=2)
