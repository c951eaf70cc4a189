#!/usr/bin/python3
"""The Chinese pages of docs/zh are in step with the English ones: the same headings in the same
order and depth (each heading carries the anchor of the English one), the same blocks of commands
(only what stands behind them as a remark may differ), tables of the same rows, and links that lead
somewhere. With --self-test what is planted must be found."""

import os
import re
import sys

PAIRS = {"docs/zh/README.md": "README.md", "docs/zh/operations.md": "docs/operations.md"}


def anchor(heading):
    """As GitHub makes it."""
    return re.sub(r"[^a-z0-9 _-]", "", heading.lower()).strip().replace(" ", "-")


def headings(text, translated):
    found = []
    for marks, title in re.findall(r"^(#+) (.*)$", text, re.M):
        given = re.search(r'<a id="([^"]*)"></a>$', title)
        found.append((len(marks), (given.group(1) if given else title) if translated
                      else anchor(title)))
    return found


def command(line):
    """Without what is a remark for people: behind "#", two spaces, or Chinese."""
    line = re.sub(r"\s+#.*$", "", line.rstrip())
    return re.sub(r"\s{2,}\S.*$", "", line) if not line.startswith("  ") else line


def blocks(text):
    return [[command(line) for line in re.sub(r"^    ", "", block, flags=re.M).splitlines()]
            for block in re.findall(r"(?:^    .*\n)+", text, re.M)]


def rows(text):
    """How many rows each table has."""
    return [block.count("\n") for block in re.findall(r"(?:^\|.*\n)+", text, re.M)]


def compare(name, what, english, chinese):
    found = []
    for place, (one, other) in enumerate(zip(english, chinese), 1):
        if one != other:
            found.append("%s: %s %d: %s; in Chinese %s" % (name, what, place, one, other))
            break
    if not found and len(english) != len(chinese):
        rest = (english + chinese)[min(len(english), len(chinese))]
        found.append("%s: %d of %s, in Chinese %d, from %s" %
                     (name, len(english), what, len(chinese), rest))
    return found


def dead_links(path, text):
    found = []
    ids = set(re.findall(r'<a id="([^"]*)"></a>', text))
    for target in re.findall(r"\]\(([^)]+)\)", text):
        file, _, part = target.partition("#")
        if file == "" and part not in ids:
            found.append("%s: no heading %s" % (path, part))
        elif file and "://" not in file and not os.path.exists(
                os.path.join(os.path.dirname(path), file)):
            found.append("%s: no file %s" % (path, file))
    return found


def differences(path, english, chinese):
    return (compare(path, "heading", headings(english, False), headings(chinese, True)) +
            compare(path, "block", blocks(english), blocks(chinese)) +
            compare(path, "table", rows(english), rows(chinese)) + dead_links(path, chinese))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def self_test():
    """Each change of the Chinese book must be found."""
    path, source = "docs/zh/operations.md", "docs/operations.md"
    english, chinese = read(source), read(path)
    planted = {
        "a heading is gone": re.sub(r"^## .*the-clock-is-wrong.*\n", "", chinese, flags=re.M),
        "a heading moved down": chinese.replace("\n## ", "\n### ", 1),
        "another command": chinese.replace("systemctl enable --now referral-broker",
                                           "systemctl start referral-broker", 1),
        "another option": chinese.replace("--dry-run  ", "--yes  ", 1),
        "a block less": chinese.replace("    referralctl status\n", "", 1),
        "a row less": re.sub(r"^\| channel NAME .*\n", "", chinese, flags=re.M),
        "a dead anchor": chinese.replace("(#backup)", "(#backups)", 1),
        "a dead file": chinese.replace("(../refusals.md)", "(refusals.md)", 1)}
    missed = [what for what, text in planted.items()
              if text == chinese or not differences(path, english, text)]
    print("\n".join("not found: " + what for what in missed) or "%d found" % len(planted))
    return 1 if missed else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    found = []
    for path, source in PAIRS.items():
        found += differences(path, read(source), read(path))
    print("\n".join(found) or "the Chinese pages are in step")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
