#!/usr/bin/python3
"""What lies on the broker's disk and in its memory opens nothing and names nobody.

Canaries: a name stands in every personal field of real messages through real agents. It is looked
for in the broker's folder (store with its free pages, backups and what is restored from one), log,
status, metrics, memory, arguments and environment, and in the agents' folders and logs, in UTF-8,
GBK, UTF-16, base64 at its three alignments and hexadecimal; the search is shown to find a planted
one in each form and place. Bodies: with all of the broker's keys in every role none opens (10,000
with REFERRAL_LONG=1). `store check` beside the running daemons and on damaged stores."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import nacl.bindings as sodium

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from agent_city import BIN, City, inbound, outbound  # noqa: E402
import cli_support  # noqa: E402
import support  # noqa: E402
from run_client import client  # noqa: E402

NAME = "\u6b27\u9633\u96ea\u5bd2\u6885\u5f71"  # in no dictionary and no source
BODIES = 10000 if support.LONG else 150
if client.SUITE.name == "sm":  # a try takes a hundred times as long: nothing here is optimized
    BODIES //= 5
BATCH = min(50, BODIES)


# --- the search ---


def forms(name=NAME):
    """how it is written -> bytes, at least 8 of them"""
    found = {}
    for charset in ("utf-8", "gbk", "utf-16-le", "utf-16-be"):
        plain = name.encode(charset)
        found[charset] = plain
        found["hex of " + charset] = plain.hex().encode()
        found["HEX of " + charset] = plain.hex().upper().encode()
        for lead in range(3):
            text = base64.b64encode(bytes(lead) + plain)
            # the characters that depend on the name alone
            first, last = (lead * 8 + 5) // 6, (lead + len(plain)) * 8 // 6
            found["base64 %d of %s" % (lead, charset)] = text[first:last]
    return found


FORMS = forms()


def found_in(data):
    return sorted(form for form, mark in FORMS.items() if mark in data)


def search_folder(folder):
    found = []
    for path, _, names in os.walk(folder):
        for name in names:
            whole = os.path.join(path, name)
            found += [(name, "name") for form in found_in(name.encode())]
            if os.path.isfile(whole):
                with open(whole, "rb") as file:
                    found += [(whole, form) for form in found_in(file.read())]
    return found


def search_memory(pid):
    """Every readable mapping, as a core image would have it; (found, bytes looked at)."""
    found, looked = [], 0
    with open("/proc/%d/maps" % pid, encoding="ascii", errors="replace") as file:
        maps = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \d+\s*(.*)$", file.read(), re.M)
    with open("/proc/%d/mem" % pid, "rb", buffering=0) as memory:
        for first, last, name in maps:
            at, end, tail = int(first, 16), int(last, 16), b""
            if name in ("[vvar]", "[vvar_vclock]", "[vsyscall]") or name.endswith("/data.mdb"):
                continue  # the store is searched as a file
            while at < end:
                try:
                    memory.seek(at)
                    piece = memory.read(min(end - at, 1 << 24))
                except OSError:
                    break  # a page that is not there
                if not piece:
                    break
                found += [("memory " + name, form) for form in found_in(tail + piece)]
                looked += len(piece)
                at += len(piece)
                tail = piece[-256:]
    return found, looked


def search_process(pid):
    found, looked = search_memory(pid)
    for place in ("cmdline", "environ"):
        with open("/proc/%d/%s" % (pid, place), "rb") as file:
            found += [(place, form) for form in found_in(file.read())]
    return found, looked


# --- what is sent ---


def named(value):
    """The same message with the name in every text of its body."""
    if isinstance(value, dict):
        return {key: True if key == "minor" else each if key in ("relation", "may_be_told")
                else named(each) for key, each in value.items()}
    if isinstance(value, list):
        return [named(each) for each in value]
    return NAME if isinstance(value, str) else value


def canary(message):
    message = {**message, "body": named(message["body"])}
    for person in message["body"]["persons"]:
        person.update(address=NAME, phone="13" + "0" * 9, receives_already=NAME)
    return message


def ctl(*arguments):
    return subprocess.run([os.path.join(BIN, "referralctl"), *cli_support.suited(arguments)],
                          capture_output=True, check=False)


class Canaries(unittest.TestCase):
    def test_the_search_finds_each_form_in_each_place(self):
        for form, mark in FORMS.items():
            self.assertGreaterEqual(len(mark), 10, form)
            self.assertEqual(found_in(b"\x01\x02" + mark + b"\x03"), [form], form)
        for charset in ("utf-8", "gbk", "utf-16-le", "utf-16-be"):
            for lead in range(3):  # as whoever encodes a longer text would write it
                text = base64.b64encode(b"xyz"[:lead] + NAME.encode(charset) + b"and on")
                self.assertIn("base64 %d of %s" % (lead, charset), found_in(text))
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "x"), "wb") as file:
                file.write(bytes(70000) + FORMS["gbk"])
            self.assertEqual(search_folder(folder), [(os.path.join(folder, "x"), "gbk")])
        # a process with one in its memory, one in its arguments, one in its environment
        hidden = FORMS["utf-16-be"].hex()
        program = ("import sys; mark = bytes(b ^ 1 for b in bytes.fromhex('%s')); print(1); "
                   "sys.stdout.flush(); sys.stdin.read()"
                   % bytes(b ^ 1 for b in bytes.fromhex(hidden)).hex())
        with subprocess.Popen([sys.executable, "-c", program, FORMS["utf-8"]],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              env={**os.environ, "CANARY": FORMS["base64 1 of gbk"].decode()}
                              ) as child:
            child.stdout.readline()
            found, looked = search_process(child.pid)
            child.stdin.close()
        self.assertGreater(looked, 1 << 20)
        self.assertIn("utf-16-be", [form for place, form in found if place.startswith("memory")])
        self.assertIn(("cmdline", "utf-8"), found)
        self.assertIn(("environ", "base64 1 of gbk"), found)

    def test_a_name_is_found_at_its_endpoints_only(self):
        city = City()
        self.addCleanup(city.close)
        keys = city.path("recovery")
        self.assertEqual(ctl("keys", "recovery", "--out", keys).returncode, 0)
        backups = city.path("broker", "backups")
        os.makedirs(backups)
        with open(city.path("broker", "broker.yaml"), "a", encoding="utf-8") as file:
            file.write("recovery-key: %s/recovery.pub\nbackup-folder: %s\n" % (keys, backups))
        city.start_broker()
        sender, receiver = city.agent("procuratorate"), city.agent("education")
        for number in range(12):
            message = canary(outbound("education"))
            sent, = sender.must("send", message=message)["messages"]
            if number < 2:
                row = receiver.wait_row("inbox", "the referral", lambda got: got["id"] == sent["id"]
                                        or got["kind"] == "outbound-referral")
        receiver.must("send", message=canary(inbound()))
        sender.wait_row("inbox", "the lead", lambda got: got["kind"] == "inbound-referral")
        shown = receiver.must("show", id=row["id"])["message"]["body"]
        self.assertEqual(shown["persons"][0]["name"], NAME)  # it did travel
        sender.wait_row("outbox", "all to be taken", lambda got: got["state"] == "accepted"
                        and len([1 for each in sender.rows("outbox")
                                 if each["state"] == "accepted"]) == 12)
        # refused ones leave leaves and log lines, too
        bad = canary(outbound("education", ground="art-4-99"))
        self.assertFalse(sender.ask("send", message=bad)["ok"])
        socket_path = city.path("broker", "s")
        self.assertEqual(ctl("--socket", socket_path, "backup").returncode, 0)
        said = b""
        for command in (("status",), ("audit", "tail"), ("agency", "list"), ("queue",), ("due",),
                        ("late",), ("documents",), ("voids",), ("stats",), ("dead", "ls"),
                        ("metrics",), ("config", "show"), ("doctor",)):
            done = ctl("--socket", socket_path, *command, "--json")
            said += done.stdout + done.stderr
        self.assertGreater(len(said), 5000)
        self.assertEqual(found_in(said), [])
        found, looked = search_process(city.broker.pid)
        self.assertEqual(found, [])
        self.assertGreater(looked, 4 << 20)
        for daemon, config in ((city.broker, city.path("broker", "broker.yaml")),
                               (receiver.process, receiver.config)):
            self.assertIsNone(daemon.poll())
            done = ctl("store", "check", config, "--json")  # beside it
            answer = json.loads(done.stdout)
            self.assertEqual((done.returncode, answer["damages"], answer["live"]), (0, 0, True),
                             answer)
        receiver.stop()
        sender.stop()
        city.stop_broker()
        restored = city.path("broker", "restored")
        backup, = [name for name in os.listdir(backups) if name.endswith(".backup")]
        done = ctl("restore", os.path.join(backups, backup), "--out", restored, "--recovery-key",
                   os.path.join(keys, "recovery.key"))
        self.assertIn(done.returncode, (0, 5), done.stderr)
        self.assertEqual(search_folder(city.temporary.name), [])
        self.damaged_stores(city)

    def damaged_stores(self, city):
        """Flipped bits in the stopped broker's and an agent's store: reported, or nothing."""
        for store, config in ((city.path("broker", "store"), city.path("broker", "broker.yaml")),
                              (city.agents["education"].store, city.agents["education"].config)):
            path = os.path.join(store, "data.mdb")
            size, reported = os.path.getsize(path), 0
            seed = int.from_bytes(hashlib.sha256(store.encode()).digest(), "big")
            for _ in range(12):
                seed = seed * 6364136223846793005 % (1 << 256) + 1442695040888963407
                bit = (seed >> 32) % (min(size, 1 << 19) * 8)
                self.flip(path, bit)
                done = ctl("store", "check", config, "--json")
                answer = json.loads(done.stdout)
                self.assertEqual(done.returncode, 4 if answer["damages"] else 0, answer)
                reported += done.returncode == 4
                if answer["damages"]:
                    self.assertRegex(answer["damaged"][0]["where"],
                                     r"^(page \d+|[a-z]+ [0-9a-f]{16})$")
                self.flip(path, bit)
            self.assertGreater(reported, 0)
            os.truncate(path, size // 2)
            done = ctl("store", "check", config)
            self.assertEqual(done.returncode, 4, done.stdout)
            shutil.rmtree(store)
            self.assertEqual(ctl("store", "check", config).returncode, 4)

    @staticmethod
    def flip(path, bit):
        with open(path, "r+b") as file:
            file.seek(bit // 8)
            byte = file.read(1)[0]
            file.seek(bit // 8)
            file.write(bytes([byte ^ 1 << bit % 8]))


# --- bodies and the broker's keys ---


def broker_keys(city):
    """Every 32 bytes that the broker has as a secret or publishes, in every shape of them."""
    with open(city.path("store.key"), encoding="ascii") as file:
        store = base64.b64decode(file.read().split()[-1])
    pem = subprocess.run(["openssl", "ec", "-in", city.path("server.key"), "-text", "-noout"],
                         capture_output=True, text=True, check=True).stdout
    tls = bytes.fromhex(re.sub(r"[^0-9a-f]", "", pem.split("priv:")[1].split("pub:")[0]))[-32:]
    sign = city.seeds["broker"]
    public = client.SUITE.sign_public(sign)
    keys = {"store": store, "tls": tls, "sign": sign, "sign's public": public,
            "store, hashed": client.digest_of(store), "sign, hashed": client.digest_of(sign)}
    if client.SUITE.name == "sm":  # a sealing key has the same form as a signing key
        number = client.SUITE.secret(sign)[0]
        return {**keys, "sign's number": number.to_bytes(32, "big")}
    expanded = hashlib.sha512(sign).digest()
    return {**keys, "sign's scalar": expanded[:32], "sign's prefix": expanded[32:],
            "sign as X25519": sodium.crypto_sign_ed25519_sk_to_curve25519(sign + public)}


def try_content_key(header, sealed, key):
    if client.derive(key, b"referral.v1.key-commitment") == sealed.key_commitment:
        return True
    return any(client.SUITE.decrypt(sealed.ciphertext, header, sealed.nonce, each) is not None
               for each in (key, client.derive(key, b"referral.v1.body-key")))


def opens(payload, key):
    """With this key as content key, body key, key of a wrapped key, or a reader's secret."""
    sealed = client.m.SealedBody.FromString(payload.body)
    if try_content_key(payload.header, sealed, key):
        return True
    digest = client.digest_of(payload.header)
    for reader in sealed.readers:
        shared = client.SUITE.exchange(key, reader.ephemeral)
        for public in (client.SUITE.seal_public(key), key):
            kek = client.derive(shared, client.wrap_context(reader.ephemeral, public,
                                                            payload.header))
            for each in (kek, key, shared):
                found = client.SUITE.decrypt(reader.wrapped_key, digest, bytes(24), each)
                if found is not None and try_content_key(payload.header, sealed, found):
                    return True
    return False


class Bodies(unittest.TestCase):
    def test_none_opens_with_all_keys_of_the_broker(self):
        city = support.City()
        self.addCleanup(city.close)
        agency = city.speaker("procuratorate", "ipc")
        agency.hello()
        sent = []
        for first in range(0, BODIES, BATCH):
            batch = [support.run_client.referral(agency, first + i + 1, NAME)
                     for i in range(BATCH)]
            for record, receipt in agency.submit(batch):
                self.assertEqual((record.kind, record.refusal), (1, 0), receipt)
            sent += batch
        agency.link.close()
        self.assertEqual(city.stop(), 0)
        with open(city.path("store/data.mdb"), "rb") as file:
            disk = file.read()
        keys = broker_keys(city)
        for text in sent:
            payload = client.m.Payload.FromString(text)
            self.assertIn(text[:512], disk)  # it is the body that lies there
            for role, key in keys.items():
                self.assertFalse(opens(payload, key), role)
        # the control: a reader's key opens, by the same tries
        payload = client.m.Payload.FromString(sent[-1])
        self.assertTrue(opens(payload, city.seal["education"]))
        self.assertEqual(found_in(disk), [])


if __name__ == "__main__":
    unittest.main()
