#!/usr/bin/python3
"""Suites of whole programs once more under the suite sm, each in its short form, behind
REFERRAL_LONG=1: those that take too long for the normal run, which has others of that suite."""

import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = ("agents", "attachments", "backup", "copies", "damaged", "standby", "stops")


@unittest.skipUnless(os.environ.get("REFERRAL_LONG") == "1", "long")
class UnderSm(unittest.TestCase):
    def test_each(self):
        environment = {**os.environ, "REFERRAL_SUITE": "sm"}
        del environment["REFERRAL_LONG"]
        for name in SCRIPTS:
            with self.subTest(script=name):
                done = subprocess.run([sys.executable, os.path.join(HERE, name + ".py")],
                                      env=environment, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
