#!/usr/bin/python3
"""Every text that officers read has an English translation in agent/web/po/en.po.

Texts are what templates hold behind {{_ and what the C sources of agent/web hold in N_("...") or in
a call of tr(..., "..."). Prints what is missing, fuzzy or has other names in braces or other
conversions (%s) than its translation, as `file:line: message`, and ends with 1 when there is one.
Usage: translations.py ROOT | --self-test
"""
import ast
import glob
import os
import re
import sys
import tempfile

WORDS = re.compile(r"\{\{_\s*(.*?)\s*\}\}(?!\})", re.DOTALL)
REMARK = re.compile(r"\{\{!.*?\}\}", re.DOTALL)
LITERAL = r'"(?:\\.|[^"\\\n])*"'
MARKED = re.compile(r"\b(?:N_\(\s*|tr\((?:[^\"();]|\([^\"()]*\))*?)((?:%s\s*)+)" % LITERAL)
C_COMMENT = re.compile(r"/\*.*?\*/|(%s)" % LITERAL, re.DOTALL)
NAMES = re.compile(r"\{[^{}]*\}")
CONVERSIONS = re.compile(r"%[-+ #0-9.*]*(?:hh|h|ll|l|z|j)?[a-zA-Z]")


def joined(literals):
    """The text of C or po literals that stand one after the other."""
    return "".join(ast.literal_eval(item) for item in re.findall(LITERAL, literals))


def blanked(text, pattern):
    """The text without what matches, line for line."""
    def blank(match):
        if match.lastindex:
            return match.group(0)
        return re.sub(r"[^\n]", " ", match.group(0))
    return pattern.sub(blank, text)


def texts_of(path):
    """(line, text) of each text in a file."""
    with open(path, encoding="utf-8") as file:
        content = file.read()
    if path.endswith(".html"):
        content = blanked(content, REMARK)
        found = [(match.start(), match.group(1)) for match in WORDS.finditer(content)]
    else:
        content = blanked(content, C_COMMENT)
        found = [(match.start(), joined(match.group(1))) for match in MARKED.finditer(content)]
    return [(content.count("\n", 0, at) + 1, text) for at, text in found]


def catalogue_of(path):
    """msgid -> (line, msgstr, is fuzzy)"""
    with open(path, encoding="utf-8") as file:
        content = file.read()
    entry = re.compile(r"((?:^#.*\n)*)^msgid ((?:%s\s*)+)^msgstr ((?:%s\s*)+)"
                       % (LITERAL, LITERAL), re.MULTILINE)
    return {joined(match.group(2)): (content.count("\n", 0, match.start(2)) + 1,
                                     joined(match.group(3)), "fuzzy" in match.group(1))
            for match in entry.finditer(content)}


def wrong_with(text, translation):
    """What is wrong with an entry, or None."""
    if translation is None or translation[1] == "":
        return "no English for: %s" % text
    if translation[2]:
        return "the English is marked fuzzy, so it is not used: %s" % text
    if sorted(NAMES.findall(text)) != sorted(NAMES.findall(translation[1])):
        return "other names in braces than its English: %s" % text
    if CONVERSIONS.findall(text) != CONVERSIONS.findall(translation[1]):
        return "other conversions than its English: %s" % text
    return None


def findings(root):
    """(path, line, message), and how many texts there are."""
    web = os.path.join(root, "agent/web")
    catalogue = catalogue_of(os.path.join(web, "po/en.po"))
    found = []
    count = 0
    for path in sorted(glob.glob(web + "/templates/*.html") + glob.glob(web + "/*.[ch]")):
        if path.endswith("/catalogue.h"):
            continue
        for line, text in texts_of(path):
            count += 1
            wrong = wrong_with(text, catalogue.get(text))
            if wrong is not None:
                found.append((os.path.relpath(path, root), line, wrong))
    return found, count


PLANTED = {
    "agent/web/po/en.po": 'msgid ""\nmsgstr ""\n"Language: en\\n"\n\n'
                          'msgid "好"\nmsgstr "good"\n\nmsgid "空"\nmsgstr ""\n\n'
                          'msgid "共 {count} 件"\nmsgstr "{number} in all"\n\n'
                          '#, fuzzy\nmsgid "糊"\nmsgstr "blurred"\n\n'
                          'msgid ""\n"长"\n"句 %s"\nmsgstr "long %u"\n\nmsgid "长句"\nmsgstr "x"\n',
    "agent/web/templates/a.html": "{{_ 好}}{{! {{_ 没有 }}\n{{_ 缺}}\n{{_ 空}}{{_ 共 {count} 件}}\n"
                                  "{{_ 糊}}",
    "agent/web/a.c": 'x = N_("好"); /* N_("没有") */\ny = tr(page, "无");\n'
                     'z = tr(f(a), N_("少"));\nw = N_("长"\n "句 %s");\nv = tr(p, "长" "句");\n',
}
EXPECTED = [("agent/web/a.c", 2), ("agent/web/a.c", 3), ("agent/web/a.c", 4),
            ("agent/web/templates/a.html", 2), ("agent/web/templates/a.html", 3),
            ("agent/web/templates/a.html", 3), ("agent/web/templates/a.html", 4)]


def self_test():
    with tempfile.TemporaryDirectory() as root:
        for path, text in PLANTED.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        found, _ = findings(root)
    places = sorted((path, line) for path, line, _ in found)
    if places != EXPECTED:
        print("translations: planted faults found at %s, not at %s" % (places, EXPECTED))
        return 1
    print("translations: finds what is planted")
    return 0


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    if sys.argv[1] == "--self-test":
        return self_test()
    found, count = findings(sys.argv[1])
    for path, line, message in found:
        print("%s:%d: %s" % (path, line, message))
    print("translations: %d texts, %d findings" % (count, len(found)))
    return 1 if found or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
