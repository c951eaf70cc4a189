#!/usr/bin/python3
"""A store whose pages are damaged wholesale kills whoever opens it, for LMDB trusts its pages. Each
daemon dies of it a few times at the most; then it stays, says on its socket what is broken and what
to do, and takes nothing. With the store put right it starts as if nothing had been. Damage of
several kinds, with real daemons; a kill -9 in a row of starts is no damage."""

import os
import shutil
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from agent_city import BIN, City, Socket, outbound, stop  # noqa: E402
from cli_support import REFUSED, Case, ctl  # noqa: E402

STARTS_MAX = 4
PAGE = 4096


def zero(data, pages):
    for page in pages:
        data[page * PAGE:(page + 1) * PAGE] = bytes(PAGE)


def swap(data, pages):
    for one, other in zip(pages, reversed(pages)):
        if one < other:
            data[one * PAGE:(one + 1) * PAGE], data[other * PAGE:(other + 1) * PAGE] = \
                data[other * PAGE:(other + 1) * PAGE], data[one * PAGE:(one + 1) * PAGE]


DAMAGES = {  # of the pages behind the two meta pages
    "zeroed": zero,
    "moved": swap,
    "cut off": lambda data, pages: data.__delitem__(slice(pages[len(pages) // 2] * PAGE, None)),
}


class Damaged(Case):
    @classmethod
    def setUpClass(cls):
        cls.city = City()
        cls.addClassCleanup(cls.city.close)
        cls.city.start_broker()
        one, two = (cls.city.agent(name) for name in ("procuratorate", "education"))
        for _ in range(20):
            number = one.must("send", message=outbound("education"))["messages"][0]["referral"]
        two.wait_row("inbox", number, lambda row: row.get("referral") == number)
        assert (one.stop(), two.stop(), cls.city.stop_broker()) == (0, 0, 0)
        cls.daemons = {"referral-broker": (cls.city.path("broker"), "broker.yaml"),
                       "referral-agent": (two.folder, "agent.yaml")}

    def start(self, program):
        """The process once it answers; None when it died."""
        folder, config = self.daemons[program]
        with open(os.path.join(folder, "log"), "ab") as log:
            process = subprocess.Popen([os.path.join(BIN, program), "--config",
                                        os.path.join(folder, config)], stderr=log)
        try:
            own = Socket(os.path.join(folder, "s"), process)
            answer = own.ask(cmd="status")
            own.close()
            return process, answer
        except (AssertionError, OSError, ConnectionError):
            stop(process)
            return None, None

    def test_it_is_damaged(self):
        for program, (folder, _) in self.daemons.items():
            store = os.path.join(folder, "store")
            shutil.copytree(store, store + ".whole")
            for name, damage in DAMAGES.items():
                with self.subTest(program=program, damage=name):
                    self.stays(program, store, damage)
                shutil.rmtree(store)
                shutil.copytree(store + ".whole", store)
            process, answer = self.start(program)
            self.assertTrue(answer["ok"], answer)
            self.assertEqual(stop(process), 0)

    def stays(self, program, store, damage):
        path = os.path.join(store, "data.mdb")
        with open(path, "rb") as file:
            data = bytearray(file.read())
        damage(data, range(2, len(data) // PAGE))
        with open(path, "wb") as file:
            file.write(data)
        for _ in range(STARTS_MAX):
            process, answer = self.start(program)
            if process is not None:
                break
        self.assertIsNotNone(process, "it dies for ever")
        try:
            self.assertFalse(answer["ok"])
            self.assertIn(answer["code"], ("store.corrupt", "store.damaged"), answer)
            self.assertIn("restore", answer["hint"])
            words = ("agent", "status") if program == "referral-agent" else ("status",)
            self.bad(REFUSED, "restore", *words, "--socket",
                     os.path.join(os.path.dirname(store), "s"))
        finally:
            process.terminate()
            self.assertEqual(process.wait(timeout=20), 1)

    def test_killed_again_and_again(self):
        for program, (folder, _) in self.daemons.items():
            for _ in range(STARTS_MAX):
                process, answer = self.start(program)
                self.assertTrue(answer["ok"], answer)
                process.kill()
                process.wait()
            process, answer = self.start(program)
            self.assertTrue(answer["ok"], answer)
            self.assertEqual(stop(process), 0)
            self.assertFalse(os.path.exists(os.path.join(folder, "store", "starts")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
