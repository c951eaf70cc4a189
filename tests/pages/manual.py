#!/usr/bin/python3
"""The manual pages: mandoc finds nothing wrong in their form; each program's page names every
option of its `--help` and no other, referralctl's also every command; agencies.yaml(5) and
policy.yaml(5) name every member of the samples and no other; broker.yaml(5) and agent.yaml(5) come
from the tables.
"""

import os
import re
import subprocess
import sys

BIN = os.environ["REFERRAL_BIN"]
MANUAL = os.path.join(BIN, "..", "man")
PROGRAMS = {"referral-broker": "8", "referral-agent": "8", "referral-verify": "1",
            "referralctl": "1"}
FILES = ("broker.yaml.5", "agent.yaml.5", "agencies.yaml.5", "policy.yaml.5",
         "referral-broker-once.8")
EVERY = {"help", "usage", "version"}  # of all programs, shown by argp alone

findings = []


def need(truth, what):
    if not truth:
        findings.append(what)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def page(name):
    with open(os.path.join(MANUAL, name + ".scd"), encoding="utf-8") as file:
        return file.read()


def terms(text):
    """What stands bold at the start of an entry of a page, in its order."""
    found = []
    for line in re.findall(r"^\*.*", re.sub(r"\t?```.*?```", "", text, flags=re.S), re.M):
        found += re.findall(r"\*([^*]+)\*", line)
    return found


def section(text, title):
    return re.search(r"^# %s\n(.*?)(?=^# |\Z)" % title, text, re.M | re.S).group(1)


def compare(name, said, written):
    need(said - written == set(), "%s: not in the page: %s" % (name, sorted(said - written)))
    need(written - said == set(), "%s: only in the page: %s" % (name, sorted(written - said)))


def check_form(file):
    """scdoc begins every paragraph with a .PP, also where mandoc needs none: that is no finding."""
    text = run("mandoc", "-T", "lint", "-W", "warning", os.path.join(MANUAL, file))
    found = [line for line in text.split("\n")
             if line and "skipping paragraph macro: PP" not in line]
    need(not found, "\n".join(found))


def check_program(name, number):
    check_form("%s.%s" % (name, number))
    text = page("%s.%s" % (name, number))
    written = set(re.findall(r"--([a-z-]+)", " ".join(terms(section(text, "OPTIONS")))))
    said = run(os.path.join(BIN, name), "--help")
    if name != "referralctl":
        compare(name, set(re.findall(r"^ .*?--([a-z-]+)", said, re.M)), written)
        return
    listed = re.search(r"Commands:\n(.*?)\n\n", said, re.S).group(1)
    commands = [re.match(r"  ((?:[a-z-]+ )*[a-z-]+)  ", row + "  ").group(1)
                for row in listed.split("\n")]
    need(len(commands) > 50, "few commands: %s" % commands)
    entries = {row for row in terms(section(text, "COMMANDS")) if not row.startswith("--")}
    compare(name, set(commands), entries)
    options = set()
    for command in commands:
        helped = run(os.path.join(BIN, name), *command.split(), "--help")
        options |= set(re.findall(r"^  --([a-z-]+)", helped, re.M))
    compare(name, options | EVERY - {"usage"}, written)


def members(path, pattern):
    with open(path, encoding="utf-8") as file:
        return set(re.findall(pattern, file.read(), re.M))


def main():
    for name, number in PROGRAMS.items():
        check_program(name, number)
    for name in FILES:
        check_form(name)
    compare("policy.yaml", members("config/policy.yaml", r"^([a-z-]+):"),
            {term for term in terms(section(page("policy.yaml.5"), "MEMBERS"))})
    compare("agencies.yaml", members("config/agencies.yaml", r"^(?:  - |    )([a-z_-]+):") |
            {"former-names", "successor", "left"},
            {term for term in terms(section(page("agencies.yaml.5"), "MEMBERS"))})
    print("\n".join(findings) or "manual: %d pages" % (len(PROGRAMS) + len(FILES)))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
