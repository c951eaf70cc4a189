#!/usr/bin/python3
"""Suites once more under the suite sm, each in its short form, behind REFERRAL_LONG=1: of whole
programs those that take too long for the normal run, which has others of that suite; of modules
all whose texts and answers are not intl's own."""

import glob
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = ("agents", "at_rest", "attachments", "backup", "cli", "cli_city", "cli_every",
           "cli_shell", "cli_watch", "copies", "damaged", "hostile", "standby", "stops")
# Their published answers, vectors and written-out files are those of intl.
INTL = ("crypto", "evidence_file", "key_endorsement", "keyring", "letter", "merkle",
        "registry_document", "vectors")


@unittest.skipUnless(os.environ.get("REFERRAL_LONG") == "1", "long")
class UnderSm(unittest.TestCase):
    def run_it(self, *command):
        environment = {**os.environ, "REFERRAL_SUITE": "sm", "CK_DEFAULT_TIMEOUT": "120"}
        del environment["REFERRAL_LONG"]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_programs(self):
        for name in SCRIPTS:
            with self.subTest(script=name):
                self.run_it(sys.executable, os.path.join(HERE, name + ".py"))

    def test_modules(self):
        folder = os.path.join(os.path.dirname(os.environ["REFERRAL_BIN"]), "tests")
        suites = sorted(path for path in glob.glob(os.path.join(folder, "test_*"))
                        if os.access(path, os.X_OK) and os.path.isfile(path))
        self.assertGreater(len(suites), 100)
        for path in suites:
            name = os.path.basename(path)[len("test_"):]
            with self.subTest(suite=name):
                if name not in INTL:
                    self.run_it(path)


if __name__ == "__main__":
    unittest.main(verbosity=2)
