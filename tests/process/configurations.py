#!/usr/bin/python3
"""Wrong configurations, as a table: each broken file ends the broker with 78 and one line that says
where, what was expected and what to do next, with the line of the file and a caret under the place.
Several mistakes are told together. Nothing was changed then: no store, no socket."""

import json
import os
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import support  # noqa: E402
from support import need  # noqa: E402
from run_client import client  # noqa: E402

B, R, P, K = "broker.yaml", "agencies.yaml", "policy.yaml", "public-keys.yaml"
C = "calendars/2026.json"

# file, what is replaced (a pattern, once), by what, the place that is named, a word of the line
TABLE = (
    (B, r"\Alisten:", "listen", r"broker\.yaml:\d+:\d+", "YAML"),
    (B, r"status-socket:", "status-soket:", r"broker\.yaml:\d+:1", 'did you mean "status-socket"'),
    (B, r"store-mib: 64", "store-mib: 1", r"broker\.yaml:\d+:12", "between 16"),
    (B, r"store-mib: 64", "store-mib: many", r"broker\.yaml:\d+:12", "between 16"),
    (B, r"sign-key: .*\n", "", r"broker\.yaml:\d+:\d+", '"sign-key" is missing'),
    (B, r"laboratory: true", "laboratory: perhaps", r"broker\.yaml:\d+:13", "false, true"),
    (B, r"registry-root: none", "registry-root: 00ff", r"broker\.yaml:\d+:16", "64 hexadecimal"),
    (B, r"registry-root: none", "registry-root: " + 64 * "0", "public-keys", "another file"),
    (B, r"laboratory: true", "laboratory: false", r"broker\.yaml:\d+:5", "laboratory"),
    (B, r"ipc://", "udp://", r"broker\.yaml:\d+:5", "listen"),
    (B, r"tls-key: .*\n", "", r"broker\.yaml:\d+:5", "tls-key"),
    (B, r"tcp://127.0.0.1", "tcp://10.0.0.1", r"broker\.yaml:\d+:5", "127.0.0.1"),
    (B, r"connections-max: 8", "connections-max: 8\nconnections-max: 9", r"broker\.yaml:\d+:1",
     "twice"),
    (B, r"registry: .*", "registry: no-such-file.yaml", r"no-such-file\.yaml", "No such file"),
    (B, r"calendars: .*", "calendars: keys", r"calendars|keys", ""),
    (B, r"store-key: .*", "store-key: sign.key", r"sign\.key", "store key"),
    (B, r"store: store\n", "store: store\n# \xff", r"broker\.yaml:\d+:\d+", "UTF-8"),
    (R, r"id: education", "id: Education", r"agencies\.yaml:\d+:\d+", ""),
    (R, r"number: 2", "number: 1", r"agencies\.yaml:\d+:\d+", ""),
    (R, r"number: 2\b", "number: 5000", r"agencies\.yaml:\d+:\d+", "1023"),
    (R, r"prefix: JY", "prefix: JZ", r"agencies\.yaml:\d+:\d+", ""),
    (R, r"class: S", "class: Q", r"agencies\.yaml:\d+:\d+", ""),
    (R, r"joint_meeting_office: true", "joint_meeting_office: false", r"agencies\.yaml:\d+:\d+",
     "office"),
    (R, r"duties: \[student-aid", "duties: [student-ade", r"agencies\.yaml:\d+:\d+",
     'did you mean "student-aid"'),
    (R, r"agencies:", "agencies: [", r"agencies\.yaml:\d+:\d+", ""),
    (R, r"(?s).*", "", r"agencies\.yaml", "empty"),
    (P, r"kind: sign-for, from: S, to: P", "kind: sign-four, from: S, to: P",
     r"policy\.yaml:\d+:\d+", "docs/messages.md"),
    (P, r"from: P, to: S\}    # Art. 6", "from: nobody, to: S}    # Art. 6",
     r"policy\.yaml:\d+:\d+", ""),
    (P, r"feedback-outbound: 20", "feedback-outbound: 0", r"policy\.yaml:\d+:\d+", ""),
    (P, r"offset: -2", "offset: -9", r"policy\.yaml:\d+:\d+", ""),
    (P, r"to: \[duty\]", "to: [everybody]", r"policy\.yaml:\d+:\d+", ""),
    (P, r"clocks:", "clock:", r"policy\.yaml:\d+:1", 'did you mean "clocks"'),
    (K, r"origin: \S+", "origin: a b", r"public-keys\.yaml:\d+:\d+", "printable"),
    (K, r'key: "..', 'key: "zz', r"public-keys\.yaml:\d+:\d+", "64 hexadecimal"),
    (K, r"use: sign", "use: both", r"public-keys\.yaml:\d+:\d+", "sign, seal"),
    (K, r"owner: broker", "owner: brokers", r"public-keys\.yaml:\d+:\d+", "broker"),
    (K, r"use: seal\n", "use: seal\n    valid-to: 2026-02-30\n", r"public-keys\.yaml:\d+:\d+",
     "YYYY-MM-DD"),
    (C, r"2026-01-01", "2026-13-01", r"2026\.json:\S+", ""),
    (C, r'"isOffDay": true', '"isOffDay": "yes"', r"2026\.json:\S+", ""),
    (C, r'"year": 2026', '"year": 1826', r"2026\.json:\S+", ""),
    (C, r"\]\s*\}\s*\Z", "", r"2026\.json:\d+:\d+", ""),
    ("sign.key", r"referral-sign-key-1", "referral-sing-key-1", r"sign\.key", "one line"),
    ("sign.key", r" \S+", " AAAA", r"sign\.key", "one line"),
    ("store.key", r"(?s).*", "", r"store\.key", ""),
    ("sign.key", r" \S+", " " + "A" * 43 + "=", r"sign-key", "public keys"),
    ("server.pem", r"BEGIN", "BEGUN", r"server\.pem", ""),
    (B, r"tls-key: .*", "tls-key: education.key", r"education\.key",
     "is not the key of the certificate"),
)


class Folder(support.City):
    """A city's files, right ones; no broker runs."""

    options = "connections-max: 8\n"

    def start(self):
        config = os.path.join(client.ROOT, "config")
        for name in (R, P):
            shutil.copy(os.path.join(config, name), self.path(name))
        shutil.copytree(os.path.join(config, "calendars"), self.path("calendars"))
        with open(self.path(B), encoding="utf-8") as file:
            self.write(B, file.read().replace(config + os.sep, ""))

    def run(self, *arguments):
        program = os.path.join(support.BIN, "referral-broker")
        return subprocess.run([program, "--config", self.path(B), *arguments],
                              capture_output=True, text=True, timeout=20, check=False)


def judge(result, place, word, name):
    lines = result.stderr.splitlines()
    shown = [line for line in lines if line.startswith("    ")]
    lines = [line for line in lines if line not in shown and "laboratory mode" not in line]
    need(result.returncode == 78, "%s: ended with %d: %s" % (name, result.returncode, lines))
    codes = {line.split(" [")[-1] for line in lines}
    need(len(codes) == 1 and result.stdout == "", "%s: other mistakes, too: %s" % (name, lines))
    line, shown = lines[0], shown[:2]  # each of two listeners may be as wrong as the other
    need(re.search(r"(^|[/ ])" + place + r": ", line),
         "%s: no place %s in %s" % (name, place, line))
    need(word in line, "%s: no %r in %s" % (name, word, line))
    need(re.search(r" \(.+\) \[[a-z.-]+\]$", line), "%s: no next step in %s" % (name, line))
    column = re.search(r"\.yaml:\d+:(\d+): ", line)
    need(not column or "UTF-8" in line or judge_caret(shown, int(column.group(1))),
         "%s: no line, or no caret at its place: %s" % (name, shown))


def judge_caret(shown, column):
    """The caret stands under the column that is named; a long line is cut in front of it."""
    if len(shown) != 2 or shown[1].strip() != "^":
        return False
    at = len(shown[1].rstrip()) - 1 - 4
    return at == column - 1 or column > 80


def change(folder, name, changes):
    with open(folder.path(name), encoding="utf-8") as file:
        kept = text = file.read()
    for pattern, replacement in changes:
        text, number = re.subn(pattern, replacement, text, count=1)
        need(number == 1, "%s has no %s" % (name, pattern))
    folder.write(name, text)
    return kept


def judge_all_at_once(folder):
    """Every mistake of four files in one pass, none of them twice, and none that is no mistake."""
    wrong = {
        B: ((r"store-mib: 64", "store-mib: 1"), (r"status-socket:", "status-soket:"),
            (r"store: store\n", "store: store\ncolour: red\n")),
        R: ((r"number: 2\b", "number: 5000"), (r"class: S", "class: Q"),
            (r"duties: \[legal-aid", "duties: [legal-ade")),
        K: ((r"use: seal\n", "use: seals\n"), (r'key: "..', 'key: "zz')),
        C: ((r"2026-01-01", "2026-13-01"),),
    }
    kept = {name: change(folder, name, changes) for name, changes in wrong.items()}
    answer = folder.run("--check", "--json")
    need(answer.returncode == 78, "several mistakes: ended with %d" % answer.returncode)
    errors = json.loads(answer.stdout)["errors"]
    places = [(os.path.basename(row["place"].split(":")[0]), row["code"]) for row in errors]
    need(sorted(places) == sorted([
        (B, "config.range"), (B, "config.unknown-key"), (B, "config.unknown-key"),
        (R, "config.range"), (R, "config.choice"), (R, "registry.need"),
        (K, "config.choice"), (K, "keys.value"), ("2026.json", "calendar.date")]),
         "not all mistakes, or some that are none: %s" % places)
    for row in errors:
        need(row["hint"] and (row["caret"] > 0) == (".yaml" in row["place"]),
             "incomplete: %s" % row)
    need(sum(line.startswith("referral-broker: error: ") for line in answer.stderr.splitlines())
         == len(errors), "the lines are others than the JSON: %s" % answer.stderr)
    for name, text in kept.items():
        folder.write(name, text)


def judge_effective(folder):
    """Each option with its value and where that comes from; of secrets the paths alone."""
    shown = json.loads(folder.run("--effective", "--json").stdout)["options"]
    rows = {row["name"]: row for row in shown}
    need(rows["store-mib"]["value"] == "64" and re.search(r"broker\.yaml:\d+$",
                                                          rows["store-mib"]["origin"]),
         "an option of the file: %s" % rows["store-mib"])
    need(rows["attachments-percent"] == {"name": "attachments-percent", "value": "85",
                                         "origin": "default", "live": False},
         "an option that is left out: %s" % rows["attachments-percent"])
    need(rows["recovery-key"]["value"] is None, "an option without a default")
    need(rows["attachments"]["value"] == folder.path("store-attachments"), "beside the store")
    need(rows["sign-key"]["value"] == folder.path("sign.key"), "a secret is not its path")
    plain = folder.run("--effective").stdout
    need(len(plain.splitlines()) == len(rows) and
         re.search(r"^store-mib: 64    # .*broker\.yaml:\d+$", plain, re.M), plain)
    need(not os.path.exists(folder.path("store")), "--effective made a store")


def judge_socket_folder(folder):
    """A service manager makes the folder of a socket: --check warns, the start says what is missing
    and has not made the store, which may be large."""
    with open(folder.path(B), encoding="utf-8") as file:
        kept = file.read()
    folder.write(B, re.sub(r"status-socket: .*", "status-socket: no-such-folder/s.sock", kept))
    checked = folder.run("--check")
    need(checked.returncode == 0 and "no-such-folder" in checked.stderr,
         "--check says nothing of the socket's folder: %s" % checked.stderr)
    started = folder.run()
    need(started.returncode == 1 and re.search(r"no-such-folder of the socket is not there \(mkdir",
                                               started.stderr),
         "a missing folder of the socket: %d %s" % (started.returncode, started.stderr))
    need(not os.path.exists(folder.path("store")), "the store was made before the socket failed")
    folder.write(B, kept)


def main():
    folder = Folder()
    try:
        right = folder.run("--check")
        need(right.returncode == 0, "the right files are refused: %s" % right.stderr)
        need(len(right.stdout.splitlines()) == 1 and ": right: 11 agencies" in right.stdout,
             "--check says nothing of its success: %r" % right.stdout)
        judge_socket_folder(folder)
        judge_all_at_once(folder)
        judge_effective(folder)
        with open(folder.path(B), "a", encoding="utf-8") as file:
            file.write("registry-root: none\n")
        for name, pattern, replacement, place, word in TABLE:
            with open(folder.path(name), "rb") as file:
                kept = file.read()
            changed, number = re.subn(pattern, lambda _: replacement,
                                      kept.decode("utf-8"), count=1)
            need(number == 1, "%s has no %s" % (name, pattern))
            with open(folder.path(name), "wb") as file:
                file.write(changed.encode("latin-1" if "\xff" in replacement else "utf-8"))
            for arguments in (["--check"], []):
                judge(folder.run(*arguments), place, word,
                      "%s, %r -> %r %s" % (name, pattern, replacement, arguments))
            with open(folder.path(name), "wb") as file:
                file.write(kept)
            for made in ("store", "status.sock", "broker.ipc"):
                need(not os.path.exists(folder.path(made)), "%s was made all the same" % made)
        print("%d wrong configurations, each refused with 78 and one line" % len(TABLE))
    finally:
        folder.folder.cleanup()


if __name__ == "__main__":
    main()
