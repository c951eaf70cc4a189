#!/usr/bin/python3
"""Dead letters and the audit log on the status socket of a real broker: a rejected message is
listed until somebody settles it, durably or not at all; its sender is told once for each act; the
reasons can be read by auditors."""

import json
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import support  # noqa: E402
from referral_client import leaf_hash, m, r  # noqa: E402
from status_client import EDUCATION, REASON, City, Sender  # noqa: E402

KIND_REJECTION, KIND_RETURNED = 10, 45


def reject(agency, found):
    """Signs that it cannot read what it fetched."""
    payloads = []
    for delivery, header, _, _, record in found:
        answer = m.Header(kind=KIND_REJECTION, recipient=header.sender, case_id=header.case_id,
                          case_number=header.case_number, referral_id=header.referral_id,
                          referral_number=header.referral_number, refers_to=header.message_id)
        facts = m.Facts(rejection=m.RejectionFacts(
            lane=record.stream.lane, stream_seq=record.stream.seq,
            leaf_index=delivery.leaf_index, leaf_hash=leaf_hash(delivery.salt, delivery.record),
            reason=1, field="body.persons"))
        payloads.append(agency.make_payload(answer, facts))
    head = agency.ask("ack", r.Ack(count=len(payloads)), payloads)
    return agency.receipts(head, payloads)


class DeadLetters(unittest.TestCase):
    def setUp(self):
        self.city = City()
        self.sender = Sender(self.city)
        self.sender.submit()
        receiver = self.city.greeted(EDUCATION)
        (record, receipt), = reject(receiver, receiver.fetch())
        self.assertEqual(record.refusal, 0, receipt)
        receiver.link.close()
        self.letter, = self.city.good("dead-list")["dead"]

    def tearDown(self):
        self.sender.close()
        self.assertEqual(self.city.close(), 0)

    def told(self):
        """Reasons of the notices that the sender fetches now."""
        found = self.sender.agency.fetch()
        self.sender.agency.acknowledge(found)
        return [facts.notice.reason for _, header, facts, _, _ in found
                if header.kind == KIND_RETURNED]

    def test_listed_shown_settled_once(self):
        letter = self.letter
        self.assertEqual((letter["cause"], letter["from"], letter["to"], letter["number"]),
                         ("unreadable", "procuratorate", EDUCATION, self.sender.case() + "-01"))
        self.assertEqual(self.told(), ["unreadable"])
        shown = self.city.good("dead-show", id=letter["id"])
        self.assertEqual(shown["detail"], "unreadable body.persons")
        self.assertEqual(self.city.good("status")["dead"], 1)
        trial = self.city.good("dead-retry", id=letter["id"], dry_run=True)
        self.assertEqual((trial["told"], trial["leaf"]), ("procuratorate", None))
        self.assertEqual(self.told(), [])
        self.city.refused("status.reason", "dead-drop", id=letter["id"])
        self.city.refused("dead.unknown", "dead-drop", id=0, reason=REASON)
        self.city.refused("dead.unknown", "dead-show", id=1 << 40)
        done = self.city.good("dead-retry", id=letter["id"], reason=REASON)
        self.assertEqual(self.told(), ["send-again"])
        self.city.refused("dead.settled", "dead-drop", id=letter["id"], reason=REASON)
        self.assertEqual(self.city.good("dead-list")["dead"], [])
        settled, = self.city.good("dead-list", all=True)["dead"]
        self.assertEqual((settled["settled"], settled["settled_leaf"]), ("retried", done["leaf"]))
        self.assertEqual(self.city.good("status")["dead"], 0)

    def test_a_killed_broker_has_settled_all_or_nothing(self):
        self.assertEqual(self.told(), ["unreadable"])
        self.sender.close()
        self.assertEqual(self.city.stop(), 0)
        self.city.start()
        commits = self.city.good("status")["counts"]["commits"]
        for point, there in (("broker.before-commit", False), ("broker.after-commit", True)):
            self.assertEqual(self.city.stop(), 0)
            self.city.start_with(REFERRAL_FAULT="%s:%d" % (point, commits + 1))
            with self.city.status_socket() as raw:
                raw.sendall(json.dumps({"cmd": "dead-drop", "id": self.letter["id"],
                                        "reason": REASON}).encode() + b"\n")
                with self.assertRaises((ConnectionError, OSError)):
                    support.read_line(raw)
            self.city.process.wait(timeout=20)
            self.city.start()
            self.sender.connect()
            self.assertEqual(self.told(), ["set-aside"] if there else [])
            self.assertEqual(len(self.city.good("dead-list")["dead"]), 0 if there else 1)
            self.sender.close()
        self.assertEqual(self.city.stop(), 0)
        self.city.verify()
        self.city.start()
        self.sender.connect()

    def test_auditors_read_the_reasons(self):
        leaf = self.city.good("dead-drop", id=self.letter["id"], reason="不再需要")["leaf"]
        page = self.city.good("audit-tail", count=5)
        self.assertEqual(len(page["leaves"]), 5)
        self.assertEqual(page["leaves"][0]["position"], page["size"] - 1)
        command = next(each for each in page["leaves"] if each["position"] == leaf)
        self.assertEqual((command["command"], command["reason"], command["about"]),
                         ("dead-drop", "不再需要", str(self.letter["id"])))
        seen = [each["position"] for each in page["leaves"]]
        while page["next"] is not None:
            page = self.city.good("audit-tail", count=200, before=page["next"])
            seen += [each["position"] for each in page["leaves"]]
        self.assertEqual(seen, list(range(self.city.size() - 1, -1, -1)))


if __name__ == "__main__":
    unittest.main()
