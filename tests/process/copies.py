#!/usr/bin/python3
"""One act to several agencies on a real broker: the same bytes, a leaf and a receipt for each.

A consultation of the procuratorate goes to education with copies to two more. Each fetches it from
its own stream, opens it and acknowledges it; so does each with the answer that education gives to
all. In the end the verifier passes the store and its export, with one leaf for each addressee."""

import os
import secrets
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import support  # noqa: E402
from support import need, run_client  # noqa: E402
from run_client import client  # noqa: E402
from referral_client import m  # noqa: E402

CONSULTATION = 19
OFFICER, TEXT = 1 << 8, 1 << 5
run_client.AGENCIES = ("procuratorate", "education", "civil-affairs", "health")


def consultation(agency, of, recipient, copies):
    """The payload of a consultation in the matter `of`."""
    header = m.Header(kind=CONSULTATION, recipient=recipient, **of)
    facts = m.Facts(body_fields=OFFICER | TEXT, consultation=m.ConsultationFacts(topic=1),
                    copies=client.copies_of([agency.number_of(name) for name in copies]))
    return agency.make_payload(header, facts, m.Body(officer="officer 7", text="\u60c5\u51b5"))


def say(city, of, sender, recipient, copies):
    """Says it to all of them, and each takes it once. Answers its leaf's message id."""
    agency = city.speakers[sender]
    (record, receipt), = agency.submit([consultation(agency, of, recipient, copies)])
    need((record.kind, record.refusal) == (support.LEAF_MESSAGE, 0), "refused: %s" % receipt)
    need(record.recipient == recipient, "the receipt is for %s" % record.recipient)
    for name in [recipient, *copies]:
        reader = city.speakers[name]
        found = reader.fetch()
        need(len(found) == 1, "%s finds %d messages" % (name, len(found)))
        _, header, _, body, leaf = found[0]
        need(header.recipient == recipient and leaf.recipient == name, "another's leaf")
        need(leaf.message_id == record.message_id, "another message")
        need(body.text == "\u60c5\u51b5", "another body")
        (answer, _), = reader.acknowledge(found)
        need(answer.refusal == 0, "%s may not acknowledge: %d" % (name, answer.refusal))
        need(reader.fetch() == [], "%s has it still" % name)
    return record.message_id


def play(city):
    city.speakers = {name: city.speaker(name) for name in run_client.AGENCIES}
    for agency in city.speakers.values():
        agency.hello()
        agency.registry()
    asker = city.speakers["procuratorate"]
    of = {"case_id": secrets.token_bytes(16), "referral_id": client.uuid7(asker.now_ms()),
          "referral_number": "JZ-SX-%d-0001" % run_client.year_of(asker)}
    said = [say(city, of, "procuratorate", "education", ["civil-affairs", "health"]),
            say(city, of, "education", "procuratorate", ["health", "civil-affairs"])]
    need(city.stop() == 0, "the broker ended badly")
    report, log = city.verify()
    need(report["messages_shown"] >= 6, "shown: %s" % report)
    for ident in said:
        leaves = [record for record in log if record.kind == support.LEAF_MESSAGE
                  and record.message_id == ident]
        need(len({record.recipient for record in leaves}) == len(leaves) == 3,
             "leaves of one message: %s" % leaves)
        need(len({record.message_digest for record in leaves}) == 1, "not the same bytes")
    print("2 messages, 6 leaves; %d records pass" % len(log))


def main():
    city = support.City()
    try:
        play(city)
    finally:
        city.kill()
        city.folder.cleanup()


if __name__ == "__main__":
    main()
