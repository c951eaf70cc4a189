"""What the tests of referralctl share: running it as a shell would, and judging what it says."""

import json
import os
import re
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "client"))

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("REFERRAL_BIN", "build/release/bin"))
REGISTRY = os.path.join(ROOT, "config", "agencies.yaml")
CALENDARS = os.path.join(ROOT, "config", "calendars")
ORIGIN = "cli-test.example/broker"
SUITE = os.environ.get("REFERRAL_SUITE", "intl")
MAKES_KEYS = ("init", "generate", "root", "recovery")
OK, FAILED, USAGE, UNREACHABLE, REFUSED, WARNING = range(6)


class Result:
    def __init__(self, process):
        self.status = process.returncode
        self.out = process.stdout
        self.err = process.stderr

    @property
    def json(self):
        """Standard output, which must be one JSON object on one line."""
        if self.out.count("\n") != 1:
            raise AssertionError("not one line: %r" % self.out)
        return json.loads(self.out)


def suited(words):
    """Who makes keys must say of which suite, but of the usual one; all else reads it."""
    makes = words[:1] == ("keys",) and words[1:2] and words[1] in MAKES_KEYS
    if not makes or SUITE == "intl" or "--suite" in words:
        return words
    return (*words, "--suite", SUITE)


def ctl(*words, text=None, program=None, folder=ROOT):
    """Runs referralctl in the tree, in a locale without UTF-8."""
    words = suited(words)
    return Result(subprocess.run(
        [program or os.path.join(BIN, "referralctl"), *words], input=text, capture_output=True,
        encoding="utf-8", cwd=folder, timeout=60, check=False,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"}))


class Case(unittest.TestCase):
    """Assertions on results."""

    def good(self, *words, status=OK, **options):
        result = ctl(*words, **options)
        self.assertEqual(result.status, status, (words, result.out, result.err))
        if status == OK:
            self.assertEqual(result.err, "", words)
        return result

    def bad(self, status, pattern, *words, **options):
        """Refused with one clear line on standard error, and the same in JSON."""
        result = ctl(*words, **options)
        self.assertEqual(result.status, status, (words, result.out, result.err))
        self.assertEqual(result.out, "", words)
        self.assertEqual(result.err.count("\n"), 1, result.err)
        self.assertTrue(result.err.startswith("referralctl: "), result.err)
        self.assertRegex(result.err, pattern)
        result = ctl("--json", *words, **options)
        self.assertEqual(result.status, status, (words, result.out, result.err))
        answer = result.json
        self.assertIs(answer["ok"], False)
        self.assertEqual(set(answer), {"ok", "code", "place", "message", "hint"})
        self.assertRegex(answer["code"], r"^[a-z-]+\.[a-z-]+$")
        self.assertTrue(answer["message"])
        return answer

    def columns(self, table):
        """Each row of a drawn table as its cells, split where at least two blanks stand."""
        return [re.split(r" {2,}", line.strip()) for line in table.splitlines() if line.strip()]
