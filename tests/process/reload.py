#!/usr/bin/python3
"""A running broker takes new files as a whole or not at all: by the status socket and by SIGHUP. An
agency is added while others are in the middle of things; what is wrong or needs a restart is named,
all of it, and changes nothing. The service manager is told of each reload."""

import os
import re
import secrets
import shutil
import signal
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import status_client  # noqa: E402
from status_client import EDUCATION, PROCURATORATE, REASON  # noqa: E402
from support import client, need  # noqa: E402

LEAF_CONFIGURATION, LEAF_COMMAND = 31, 34
NEW = "tax-office"


class City(status_client.City):
    """With files of its own, and a service manager that listens."""

    def make_configuration(self):
        super().make_configuration()
        config = os.path.join(client.ROOT, "config")
        for name in ("agencies.yaml", "policy.yaml"):
            shutil.copy(os.path.join(config, name), self.path(name))
        shutil.copytree(os.path.join(config, "calendars"), self.path("calendars"))
        with open(self.path("broker.yaml"), encoding="utf-8") as file:
            self.write("broker.yaml", file.read().replace(config + os.sep, ""))
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(self.path("notify"))
        self.manager.settimeout(20)

    def start(self):
        os.environ["NOTIFY_SOCKET"] = self.path("notify")
        try:
            super().start()
        finally:
            del os.environ["NOTIFY_SOCKET"]
        self.heard("READY=1")

    def heard(self, word):
        while True:
            message = self.manager.recv(4096).decode()
            if word in message:
                return message

    def change(self, name, pattern, replacement):
        """Changes a file; answers what it was."""
        with open(self.path(name), encoding="utf-8") as file:
            kept = file.read()
        text, number = re.subn(pattern, lambda _: replacement, kept, count=1)
        need(number == 1, "%s has no %s" % (name, pattern))
        self.write(name, text)
        return kept

    def reload(self, **members):
        return self.good("config-reload", reason=REASON, **members)

    def kept(self, codes):
        """Refused with these codes; nothing became a leaf."""
        size = self.size()
        answer = self.refused("config.kept", "config-reload", reason=REASON)
        found = sorted(row["code"] for row in answer["errors"])
        need(found == sorted(codes), "other mistakes than %s: %s" % (codes, answer["errors"]))
        need(self.size() == size, "a reload that was refused is in the log")
        need(self.good("config")["reload"]["errors"] == answer["errors"], "not told afterwards")
        return answer

    def add_agency(self):
        """In the registry in front of all others, so that every place moves, and its keys."""
        self.seeds[NEW], self.seal[NEW] = secrets.token_bytes(32), secrets.token_bytes(32)
        self.streams[NEW] = {}
        self.make_public_keys()
        self.change("agencies.yaml", r"agencies:\n", """agencies:
  - id: %s
    number: 12
    class: S
    prefix: SW
    name: {zh: 税务局, en: Tax Office}
    office: {zh: 纳税服务科, en: Taxpayers' Service}
    duties: [temporary-aid]
""" % NEW)

    def make_public_keys(self):
        """The keyring of all that have keys now; the broker's own stay."""
        rows = [(name, "sign", client.SUITE.sign_public(seed))
                for name, seed in self.seeds.items()]
        rows += [(name, "seal", client.SUITE.seal_public(secret))
                 for name, secret in self.seal.items()]
        head = self.keys_text.split("keys:\n")[0] + "keys:\n"
        self.keys_text = head + "".join(
            "  - owner: %s\n    use: %s\n    key: \"%s\"\n" % (name, use, key.hex())
            for name, use, key in rows)
        self.write("public-keys.yaml", self.keys_text)


def judge_mistakes(city):
    """All that is wrong in one answer; what is in force stays."""
    before = city.good("agencies")
    policy = city.change("policy.yaml", r"offset: -2", "offset: -9")
    registry = city.change("agencies.yaml", r"class: S", "class: Q")
    answer = city.kept(["config.choice"])
    need(answer["errors"][0]["caret"] > 0 and "class: Q" in answer["errors"][0]["line"],
         "no line: %s" % answer["errors"])
    city.write("agencies.yaml", registry)
    city.kept(["policy.ladder"])
    city.write("policy.yaml", policy)
    need(city.good("agencies")["agencies"] == before["agencies"], "something was applied")
    # A row that is taken out, and a number that is changed: rows on disk use them.
    text = city.change("agencies.yaml", r"id: youth-league", "id: youth-leagues")
    city.kept(["registry.removed"])
    city.write("agencies.yaml", text)


def judge_restart(city):
    """What needs a restart is said by name, and what is right beside it waits, too."""
    kept = city.change("broker.yaml", r"store-mib: 64", "store-mib: 65")
    policy = city.change("policy.yaml", r"feedback-outbound: 20", "feedback-outbound: 21")
    answer = city.kept(["config.restart"])
    need(answer["errors"][0]["place"] == "store-mib", answer["errors"])
    city.write("broker.yaml", kept)
    city.write("policy.yaml", policy)
    key = city.path("store.key")
    shutil.copy(key, key + ".kept")
    city.write("store.key", client.secret_text("referral-store-key-1", secrets.token_bytes(32)))
    need("store-key" in city.kept(["config.restart"])["errors"][0]["place"], "no store-key")
    os.replace(key + ".kept", key)


def judge_dry_run(city):
    size = city.size()
    city.change("policy.yaml", r"feedback-outbound: 20", "feedback-outbound: 21")
    answer = city.reload(dry_run=True)
    need(answer["leaf"] is None and answer["agencies"] == 11, answer)
    need(city.size() == size, "a dry run is in the log")


def judge_agency(city):
    """A twelfth agency comes while one waits for a message and another has a session."""
    sender = status_client.Sender(city)
    waiting = city.greeted(EDUCATION)
    found = []
    thread = threading.Thread(target=lambda: found.extend(waiting.fetch(wait_ms=20000)))
    thread.start()
    deadline = time.monotonic() + 10
    while city.good("status")["counts"]["parked"] == 0:
        need(time.monotonic() < deadline, "nobody waits")
    city.add_agency()
    answer = city.reload()
    need(answer["agencies"] == 12 and answer["leaf"] is not None, answer)
    need([row["id"] for row in city.good("agencies")["agencies"]][0] == NEW, "not listed")
    sender.submit()  # by its session of before
    thread.join()
    need(len(found) == 1, "what was parked got nothing after the reload")
    new = city.greeted(NEW)
    need(new.fetch() == [], "the new agency has mail of others")
    sender.close()
    for agency in (waiting, new):
        agency.link.close()


def judge_signal(city):
    """SIGHUP: the manager hears of it, and a bad file keeps the old ones."""
    done = city.good("config")["reload"]["done_ms"]
    city.process.send_signal(signal.SIGHUP)
    need(re.search(r"^MONOTONIC_USEC=\d+$", city.heard("RELOADING=1"), re.M), "no time of it")
    city.heard("READY=1")
    need(city.good("config")["reload"]["done_ms"] > done, "SIGHUP did nothing")
    kept = city.change("broker.yaml", r"\nstore:", "\ncolour: red\nstore:")
    city.process.send_signal(signal.SIGHUP)
    city.heard("RELOADING=1")
    city.heard("READY=1")
    told = city.good("config")["reload"]
    need([row["code"] for row in told["errors"]] == ["config.unknown-key"], told)
    city.write("broker.yaml", kept)


def main():
    city = City()
    try:
        shown = {row["name"]: row for row in city.good("config")["options"]}
        need(shown["store-mib"]["value"] == "64" and shown["sign-key"]["value"].endswith("sign.key")
             and shown["backup-keep"]["origin"] == "default", shown)
        city.refused("status.reason", "config-reload")
        judge_mistakes(city)
        judge_restart(city)
        judge_dry_run(city)
        judge_agency(city)
        judge_signal(city)
        need(city.stop() == 0, "the broker did not end well")
        _, leaves = city.verify()
        kinds = [leaf.kind for leaf in leaves]
        need(kinds.count(LEAF_CONFIGURATION) == 2, "of the start and of one change: %s" % kinds)
        need(kinds.count(LEAF_COMMAND) == 1, "one word of an administrator: %s" % kinds)
        print("reload: all or nothing; an agency came while others went on")
    finally:
        city.close()


if __name__ == "__main__":
    main()
