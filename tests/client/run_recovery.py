#!/usr/bin/python3
"""A second implementation of an agency through a recovery (docs/protocol.md, section 16): the
broker's disk is lost, an old copy goes on under a new origin, and the Python client believes it,
hands back what it lacks, and finds everything in the new log that it held receipts of."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True

import referral_client as client  # noqa: E402
import referral_recovery  # noqa: E402
import run_client  # noqa: E402
from referral_client import a, m, r  # noqa: E402

BIN = os.environ["REFERRAL_BIN"]
OVER = 3


class Recovery(unittest.TestCase):
    def setUp(self):
        self.city = run_client.City()
        self.addCleanup(self.city.close)
        self.sender = self.greeted("procuratorate")
        self.receiver = self.greeted("education")
        self.sent = {}      # payload -> receipt
        self.received = {}  # message id -> (delivery, receipt)

    def greeted(self, name):
        agency = self.city.agency(name)
        agency.hello()
        self.addCleanup(agency.link.close)
        return agency

    def ask(self, **request):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(20)
            raw.connect(self.city.path("status.sock"))
            raw.sendall(json.dumps(request).encode() + b"\n")
            return json.loads(raw.makefile().readline())

    def send(self, *numbers):
        payloads = [run_client.referral(self.sender, number) for number in numbers]
        for payload, (_, receipt) in zip(payloads, self.sender.submit(payloads)):
            self.sent[payload] = receipt

    def receive(self):
        """All that waits, kept with its receipts, and acknowledged; the acknowledgements, too."""
        for agency in (self.receiver, self.sender):
            head = agency.ask("fetch", r.Fetch())
            found = []
            recorded = {message for name, message in self.received if name == agency.agency}
            for delivery in head.fetch.deliveries:
                header, facts, _, record = agency.check_delivery(delivery, head)
                agency.check_stream(delivery, record)
                found.append((delivery, header, facts, None, record))
                receipt = r.Receipt(message_id=header.message_id, leaf_index=delivery.leaf_index,
                                    record=delivery.record, salt=delivery.salt,
                                    path=[head.fetch.nodes[index] for index in delivery.path],
                                    checkpoint=head.checkpoint)
                self.received[agency.agency, header.message_id] = (delivery, receipt)
            before = agency.make_payload
            made = []
            agency.make_payload = lambda *words: made.append(before(*words)) or made[-1]
            for payload, (_, receipt) in zip(made, agency.acknowledge(found, recorded)):
                self.sent[payload] = receipt
            agency.make_payload = before

    def lose(self):
        """What is at the broker now is what a backup has."""
        self.city.kill()
        shutil.copytree(self.city.path("store"), self.city.path("copy"))
        self.city.start()
        for agency in (self.sender, self.receiver):
            agency.link.close()
            agency.link = client.Link("tcp://127.0.0.1:%d" % self.city.ports[0])
            agency.hello()

    def restore(self):
        self.city.kill()
        shutil.rmtree(self.city.path("store"))
        shutil.move(self.city.path("copy"), self.city.path("store"))
        opened = subprocess.run(
            [os.path.join(BIN, "referral-broker"), "--config", self.city.path("broker.yaml"),
             "--open-new-log", "--reason", "a test", "--yes"],
            capture_output=True, text=True, check=False)
        self.assertEqual(opened.returncode, 0, opened.stderr)
        self.city.start()
        for agency in self.ask(cmd="recovery-show")["agencies"]:
            if agency["id"] not in (self.sender.agency, self.receiver.agency):
                self.assertTrue(self.ask(cmd="recovery-go-on", agency=agency["id"],
                                         reason="a test")["ok"])

    def follow(self, agency):
        agency.link.close()
        agency.link = client.Link("tcp://127.0.0.1:%d" % self.city.ports[0])
        with self.assertRaises(client.Refused) as caught:
            agency.hello()
        self.assertEqual(caught.exception.code, client.LOG_OTHER)
        self.assertEqual(len(caught.exception.recoveries), 1)
        self.wrong_statements(agency, caught.exception.recoveries[0])
        return referral_recovery.follow(agency, caught.exception.recoveries)

    def items(self, agency, behind):
        """What it has behind that size of the lost log."""
        own = [(payload, receipt) for payload, receipt in self.sent.items()
               if m.Header.FromString(m.Payload.FromString(payload).header).sender ==
               agency.agency]
        items = [referral_recovery.handed_back(agency, payload, receipt) for payload, receipt in own
                 if receipt.leaf_index >= behind]
        items += [referral_recovery.handed_back(agency, delivery.payload, receipt, delivery.proof)
                  for (name, _), (delivery, receipt) in self.received.items()
                  if name == agency.agency and receipt.leaf_index >= behind]
        return items

    def wrong_statements(self, agency, told):
        """They prove nothing, and nothing is followed."""
        statement = a.Recovery.FromString(told.statement)
        statement.old_origin = statement.new_origin
        other = statement.SerializeToString(deterministic=True)
        for chain in ([a.SignedRecovery(statement=other, key_id=told.key_id,
                                        signature=told.signature)],
                      [referral_recovery.make_recovery(self.city.seeds["education"],
                                                       told.statement)],
                      [referral_recovery.make_recovery(self.city.seeds["broker"], other)],
                      [told, told]):
            with self.assertRaises(client.Forged):
                referral_recovery.follow(agency, chain)
        self.assertEqual(agency.origin, run_client.ORIGIN)

    def nonsense(self, agency, item, other):
        """Each item is answered with why it proves nothing, and none is kept."""
        envelope = r.Envelope.FromString(item.envelope)
        signature = envelope.proof.signature
        envelope.proof.signature = signature[:-1] + bytes([signature[-1] ^ 1])
        moved = r.Receipt.FromString(item.receipt)
        moved.leaf_index += 1
        wrong = [r.HandedBack(envelope=envelope.SerializeToString(), receipt=item.receipt),
                 r.HandedBack(envelope=item.envelope, receipt=moved.SerializeToString()),
                 r.HandedBack(envelope=item.envelope, receipt=item.receipt[:-1] + b"!"),
                 r.HandedBack(envelope=item.envelope, receipt=other.receipt),
                 r.HandedBack(envelope=item.envelope), r.HandedBack(envelope=b"\xff")]
        _, codes = referral_recovery.hand_back(agency, wrong)
        self.assertNotIn(0, codes)
        self.assertEqual(self.ask(cmd="recovery-show")["recovery"]["handed_back"], 0)

    def test_all_of_it(self):
        self.send(1, 2)
        self.receive()
        self.lose()
        self.send(3, 4, 5)
        self.receive()
        self.receive()
        self.assertGreater(len(self.received), 6)  # referrals, and notices of their windows
        self.restore()

        behind = {agency: self.follow(agency) for agency in (self.sender, self.receiver)}
        self.assertGreater(min(behind.values()), 0)
        with self.assertRaises(client.Refused) as caught:
            self.sender.submit([run_client.referral(self.sender, 9)])
        self.assertEqual(caught.exception.code, 28)  # busy.recovering
        self.nonsense(self.sender, *self.items(self.sender, behind[self.sender])[:2])
        for agency in behind:
            items = self.items(agency, behind[agency])
            self.assertGreater(len(items), 2)
            _, codes = referral_recovery.hand_back(agency, items, everything=True)
            self.assertEqual(codes, [0] * len(items))
        deadline = time.monotonic() + 20
        while min(referral_recovery.hand_back(agency, [], everything=True)[0]
                  for agency in behind) < OVER:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)  # no event tells an agency

        # every message of its own is in the new log, as of the time of the old receipt
        own = [payload for payload in self.sent
               if m.Header.FromString(m.Payload.FromString(payload).header).kind == 1]
        self.assertEqual(len(own), 5)
        for payload, (record, receipt) in zip(own, self.sender.submit(own)):
            old = a.LeafRecord.FromString(self.sent[payload].record)
            self.assertEqual(record.message_digest, old.message_digest)
            if self.sent[payload].leaf_index >= behind[self.sender]:
                self.assertEqual((record.recovered.leaf, record.recovered.at_ms),
                                 (self.sent[payload].leaf_index, old.at_ms))
                self.assertIn(b"/", receipt.checkpoint.split(b"\n")[0][len(run_client.ORIGIN):])
        shown = self.ask(cmd="recovery-show")["recovery"]
        self.assertEqual((shown["phase"], shown["kept"]), ("over", 0), shown)
        # and everything comes once more, in unbroken streams
        again = {header.message_id for _, header, _, _, _ in self.receiver.fetch()}
        lost = {m.Header.FromString(m.Payload.FromString(payload).header).message_id
                for payload in own if self.sent[payload].leaf_index >= behind[self.sender]}
        self.assertLessEqual(lost, again)
        self.send(6)
        refused = self.ask(cmd="status")["counts"]["refused"]
        self.receive()
        self.assertEqual(self.ask(cmd="status")["counts"]["refused"], refused)


if __name__ == "__main__":
    unittest.main(verbosity=2)
