#!/usr/bin/python3
"""What the release broker may cost: eleven real agents connected over mutual TLS and nothing to do,
at most 0.2 % of a core and 20 MB of anonymous memory; a broker with an empty store answers within
100 ms of its start. Prints the figures. Measures through one round of every long poll; for 60
seconds with REFERRAL_LONG=1. CPU time is the process's own clock, so that other load hardly
matters; of the starts the median counts."""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "client"))

import agent_city  # noqa: E402
import run_client  # noqa: E402
from run_client import client  # noqa: E402

LONG = os.environ.get("REFERRAL_LONG") == "1"
POLL_SECONDS = 25  # every agent's fetch is answered empty and sent again in any such time
IDLE_SECONDS = 60 if LONG else POLL_SECONDS + 1
CORE_PERCENT_MAX = 0.2
ANONYMOUS_MB_MAX = 20
STARTS = 21 if LONG else 9
SETS = 4
ANSWER_MS_MAX = 100


def agencies():
    with open(os.path.join(client.ROOT, "config", "agencies.yaml"), encoding="utf-8") as file:
        return [line.split()[2] for line in file if line.startswith("  - id: ")]


def cpu_seconds(pid):
    """User and kernel time of a whole process, to the nanosecond: its CPU clock's id by Linux."""
    return time.clock_gettime((~pid << 3) | 2)


def anonymous_mb(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("RssAnon:")) / 1024


class Idle(unittest.TestCase):
    def test_eleven_agents_and_nothing_to_do(self):
        city = agent_city.City()
        self.addCleanup(city.close)
        city.start_broker()
        names = agencies()
        for name in names:
            city.agent(name)
        self.wait_parked(city, len(names))
        pid = city.broker.pid
        used, began = cpu_seconds(pid), time.monotonic()
        before = city.status.ask(cmd="status")["counts"]
        time.sleep(IDLE_SECONDS)
        percent = 100 * (cpu_seconds(pid) - used) / (time.monotonic() - began)
        after = city.status.ask(cmd="status")["counts"]
        memory = anonymous_mb(pid)
        print("idle: %.3f %% of a core, %.1f MB anonymous, %d requests in %d s"
              % (percent, memory, after["requests"] - before["requests"], IDLE_SECONDS))
        self.assertGreaterEqual(after["requests"] - before["requests"], len(names))
        self.assertEqual(after["messages"], before["messages"])
        self.assertLessEqual(percent, CORE_PERCENT_MAX)
        self.assertLessEqual(memory, ANONYMOUS_MB_MAX)

    def wait_parked(self, city, count):
        """Until every agency's long poll waits, and has waited for a while."""
        deadline = time.monotonic() + agent_city.WAIT
        quiet = None
        while quiet is None or time.monotonic() < quiet + 2:
            parked = city.status.ask(cmd="status")["counts"]["parked"]
            if parked < count:
                quiet = None
            elif quiet is None:
                quiet = time.monotonic()
            self.assertLess(time.monotonic(), deadline, "%d of %d polls wait" % (parked, count))
            time.sleep(0.2)


class StartCity(run_client.City):
    """Starts a broker without waiting for it."""

    def start(self):
        program = os.path.join(os.environ["REFERRAL_BIN"], "referral-broker")
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen([program, "--config", self.path("broker.yaml")],
                                            stderr=log)

    def empty(self):
        self.kill()
        shutil.rmtree(self.path("store"), ignore_errors=True)

    def ask_status(self):
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(self.path("status.sock"))
            asking.sendall(b'{"cmd":"status"}\n')
            return json.loads(asking.makefile().readline())


def soon(attempt, seconds=10):
    """The first result of `attempt` that is no refused connection."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return attempt()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.001)


class Start(unittest.TestCase):
    def setUp(self):
        self.city = StartCity()  # its first start is not measured
        self.addCleanup(self.city.folder.cleanup)
        self.addCleanup(self.city.kill)

    def test_empty_store_answers(self):
        """Other work on the machine only adds: the broker is given a few sets of starts."""
        for _ in range(SETS):
            rounds = [self.one_start(number + 1) for number in range(STARTS)]
            medians = [statistics.median(column) for column in zip(*rounds)]
            print("start: status %.0f ms, signed HELLO %.0f ms, receipt %.0f ms (medians of %d)"
                  % (*medians, STARTS))
            if max(medians) <= ANSWER_MS_MAX:
                return
        self.fail("no set of starts within %d ms" % ANSWER_MS_MAX)

    def one_start(self, number):
        """Milliseconds until the status socket, a HELLO and a submission were answered."""
        city = self.city
        sender = client.Agency(None, "procuratorate", client.Keys(city.keys_text),
                               city.seeds["procuratorate"], city.seal["procuratorate"])
        payload = run_client.referral(sender, number)
        city.empty()
        began = time.monotonic()
        city.start()
        self.assertTrue(soon(city.ask_status)["ok"])
        times = [time.monotonic()]
        sender.link = soon(lambda: client.Link("tcp://127.0.0.1:%d" % city.ports[0]))
        self.addCleanup(sender.link.close)
        sender.hello()
        times.append(time.monotonic())
        (record, _), = sender.submit([payload])
        self.assertEqual((record.kind, record.refusal), (1, 0))
        times.append(time.monotonic())
        return [(at - began) * 1000 for at in times]


if __name__ == "__main__":
    unittest.main(verbosity=2)
