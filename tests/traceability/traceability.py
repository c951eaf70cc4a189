#!/usr/bin/python3
"""Article -> rule -> scenario: nothing is claimed that is not decided, nothing decided unplayed.

Fails when a rule of lib/model (rules.c, why.c) is asserted by no scenario, when a scenario asserts
an unknown one, and when docs/agreement.md differs: its last section is printed by this script
(`--write`); its other rows name rules, messages, functions and scenarios that must exist, and every
article. What a scenario asserts are its steps `expect rule ID` and `expect applied ID of NAME`,
which CTest plays; comments count for nothing. Reads the tree and what rules_list prints; a second.

usage: traceability.py RULES_LIST [--write]
"""
import os
import re
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PAGE = os.path.join(ROOT, "docs", "agreement.md")
SCENARIOS = os.path.join(ROOT, "tests", "scenario")
MARK = "## All rules\n"
HEAD = """
Printed by tests/traceability from lib/model/rules.c, why.c and the scenarios; a test compares.
"lets": something happened by it; "refuses": what must be so. Of the scenarios that assert it, up
to two are named.

| rule | article | | in a line | asserted by |
|---|---|---|---|---|
"""
RULE = re.compile(r"`((?:art-\d+|d)\.[a-z0-9-]+)`")
ARTICLES = 22


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def rules_of(program):
    """The rows of rules_list, one for each id; of an id with several rows the first speaks."""
    rules = {}
    for line in subprocess.run([program], check=True, capture_output=True,
                               text=True).stdout.splitlines():
        name, article, deed, text = line.split("\t")
        if name in rules and rules[name][1] != deed:
            fault("%s: both lets and refuses" % name)
        rules.setdefault(name, (article, deed, text))
    return rules


def asserted():
    """Rule -> the scenarios that assert it, and where."""
    found = {}
    for name in sorted(os.listdir(SCENARIOS)):
        if not name.endswith(".scn"):
            continue
        for number, line in enumerate(read(os.path.join(SCENARIOS, name)).splitlines(), 1):
            words = line.split("#")[0].split()
            if words[:2] in (["expect", "rule"], ["expect", "applied"]) and len(words) > 2:
                found.setdefault(words[2], {}).setdefault(name[:-4], number)
    return found


FAULTS = []


def fault(text):
    FAULTS.append(text)


def print_rules(rules, found):
    order = sorted(rules, key=lambda rule: (rule.startswith("d."),
                                            int(re.sub(r"\D", "", rule.split(".")[0]) or 0), rule))
    rows = ["| `%s` | %s | %s | %s | %s |\n" % (
        (rule,) + rules[rule] + (", ".join(sorted(found.get(rule, {}))[:2]),)) for rule in order]
    return MARK + HEAD + "".join(rows)


def judge_scenarios(rules, found):
    for rule in sorted(set(rules) - set(found)):
        fault("rule `%s` (%s) is asserted by no scenario" % (rule, rules[rule][0]))
    for rule in sorted(set(found) - set(rules)):
        for name, number in found[rule].items():
            fault("tests/scenario/%s.scn:%d: no such rule: %s" % (name, number, rule))


def judge_code(text):
    """`lib/model/check.c`: `function`, ... : the file is there and has the functions."""
    for path, names in re.findall(r"`([a-z]+/[a-z_/]+\.[ch])`((?:[:,] `[a-z_0-9]+`)*)", text):
        if not os.path.exists(os.path.join(ROOT, path)):
            fault("docs/agreement.md: no such file: %s" % path)
            continue
        source = read(os.path.join(ROOT, path))
        for name in re.findall(r"`([a-z_0-9]+)`", names):
            if not re.search(r"\b%s\(" % name, source):
                fault("docs/agreement.md: %s has no %s" % (path, name))


def judge_page(rules, page):
    own = page.split(MARK)[0]
    messages = re.findall(r'\{MESSAGE_[A-Z_]+, "([a-z-]+)"\}', read(os.path.join(
        ROOT, "lib", "model", "message.c")))
    for rule in sorted(set(RULE.findall(own)) - set(rules)):
        fault("docs/agreement.md: no such rule: %s" % rule)
    for rule in sorted(set(rules) - set(RULE.findall(own))):
        fault("docs/agreement.md: nothing of the agreement leads to `%s`" % rule)
    for article in range(1, ARTICLES + 1):
        if not re.search(r"^\| (\d+, )?%d[ ,(]" % article, own, re.M):
            fault("docs/agreement.md: nothing about Art. %d" % article)
    for message in messages:
        if not re.search(r"(?<![a-z-])%s(?![a-z-])" % message, own):
            fault("docs/agreement.md: no article leads to the message %s" % message)
    for name in re.findall(r"\b([a-z0-9-]+)\.scn", own):
        if not os.path.exists(os.path.join(SCENARIOS, name + ".scn")):
            fault("docs/agreement.md: no such scenario: %s" % name)
    judge_code(own)


def judge_list(page, printed, found):
    """But for the last column, which may name any scenarios that do assert the rule."""
    cut = re.compile(r"^(\| `(.*?)` .*\| )([^|]*) \|$", re.M)
    for _, rule, names in cut.findall(page):
        for name in filter(None, names.split(", ")):
            if name not in found.get(rule, {}):
                fault("docs/agreement.md: %s does not assert `%s`" % (name, rule))
    if cut.sub(r"\1|", page) != cut.sub(r"\1|", printed):
        fault("docs/agreement.md: its last section differs: run tests/traceability/"
              "traceability.py BUILD/tests/rules_list --write")


def main(program, write):
    rules, found = rules_of(program), asserted()
    page = read(PAGE)
    printed = print_rules(rules, found)
    if write:
        page = page.split(MARK)[0] + printed
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(page)
    judge_scenarios(rules, found)
    judge_page(rules, page)
    judge_list(page.partition(MARK)[2], printed.partition(MARK)[2], found)
    for text in FAULTS:
        print(text)
    print("%d rules, %d asserted, %d faults" % (len(rules), len(found), len(FAULTS)))
    return 1 if FAULTS else 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--write"]):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:] == ["--write"]))
