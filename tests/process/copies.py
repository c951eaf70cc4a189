#!/usr/bin/python3
"""One act to several agencies on a real broker: the same bytes, a leaf and a receipt for each.

A consultation of the procuratorate goes to education with copies to two more. Each fetches it from
its own stream, opens it and acknowledges it; so does each with the answer that education gives to
all. In the end the verifier passes the store and its export, with one leaf for each addressee.
Then every agency of the city writes at once to all others, as much as fits a request: what was
written once for each whom it went to is no more in one commit than a turn may write. In a city of
ninety, one request that would be more is taken in parts, and the rest of it when it comes again."""

import os
import secrets
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import support  # noqa: E402
from support import need, run_client  # noqa: E402
from run_client import client  # noqa: E402
from referral_client import m  # noqa: E402

CONSULTATION, RATE = 19, 22
OFFICER, TEXT = 1 << 8, 1 << 5
TURN_WRITTEN = 32 << 20  # broker/turn.h, and the request under way to the end
UNIT = """
  - id: %s
    number: %d
    class: S
    prefix: %s
    name: {zh: %s, en: %s}
    office: {zh: 联络科, en: Liaison}
    duties: []
"""
LARGE = 65500            # a text whose sealed body is of the largest class, 212,992 bytes
run_client.AGENCIES = ("procuratorate", "education", "civil-affairs", "justice", "human-resources",
                       "health", "rural-revitalization", "veterans-affairs", "youth-league",
                       "womens-federation", "disabled-federation")


class City(support.City):
    """With room for what the whole city writes at once."""

    def change(self, old, new):
        with open(self.path("broker.yaml"), encoding="utf-8") as file:
            text = file.read()
        need(old in text, old)
        self.write("broker.yaml", text.replace(old, new))

    def make_configuration(self):
        super().make_configuration()
        self.change("store-mib: 64\n", "store-mib: 512\n")


class LargeCity(City):
    """And with eighty units of banners."""

    units = tuple("unit-%d" % number for number in range(100, 180))

    def make_configuration(self):
        super().make_configuration()
        registry = os.path.join(client.ROOT, "config", "agencies.yaml")
        with open(registry, encoding="utf-8") as file:
            text = file.read()
        for number, name in enumerate(self.units, 100):
            prefix = "X" + chr(ord("A") + number // 26) + chr(ord("A") + number % 26)
            text += UNIT % (name, number, prefix, name, name)
        self.write("agencies.yaml", text)
        self.change(registry, self.path("agencies.yaml"))


def consultation(agency, of, recipient, copies, text="\u60c5\u51b5"):
    """The payload of a consultation in the matter `of`."""
    header = m.Header(kind=CONSULTATION, recipient=recipient, **of)
    facts = m.Facts(body_fields=OFFICER | TEXT, consultation=m.ConsultationFacts(topic=1),
                    copies=client.copies_of([agency.number_of(name) for name in copies]))
    return agency.make_payload(header, facts, m.Body(officer="officer 7", text=text))


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


def new_matter(agency, number):
    prefix = support.prefixes()[agency.agency]
    return {"case_id": secrets.token_bytes(16), "referral_id": client.uuid7(agency.now_ms()),
            "referral_number": "%s-SX-%d-%04d" % (prefix, run_client.year_of(agency), number)}


def write_at_once(city):
    """Answers the bytes of one request as they are written."""
    requests = {}
    for name, agency in city.speakers.items():
        others = [other for other in run_client.AGENCIES if other != name]
        requests[name] = [consultation(agency, new_matter(agency, 10 + number), others[0],
                                       others[1:], "x" * LARGE) for number in range(4)]
    answers = {}

    def submit(name):
        answers[name] = city.speakers[name].submit(requests[name])

    threads = [threading.Thread(target=submit, args=(name,)) for name in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in requests:
        refusals = [record.refusal for record, _ in answers.get(name, [])]
        need(refusals == [0] * 4, "%s: %s" % (name, refusals))
    return (len(requests) - 1) * sum(len(payload) for payload in requests["education"])


def judge_turns(log, request):
    """All leaves of one turn have its one time."""
    turns, large = {}, request // 4 // (len(run_client.AGENCIES) - 1)
    for record in log:
        if record.kind == support.LEAF_MESSAGE and record.actor != "broker":
            turns[record.at_ms] = turns.get(record.at_ms, 0) + large
    print("written by the turns: %s MiB" % sorted(size >> 20 for size in turns.values()))
    need(sum(turns.values()) >= 11 * request, "too little was written")
    need(max(turns.values()) <= TURN_WRITTEN + request, "one turn wrote %d" % max(turns.values()))


def write_to_ninety(city):
    asker = city.speaker("procuratorate")
    asker.hello()
    asker.registry()
    others = [name for name in run_client.AGENCIES if name != "procuratorate"]
    payloads = [consultation(asker, new_matter(asker, number), others[0], others[1:], "x" * LARGE)
                for number in range(1, 5)]
    answers = [asker.submit(payloads) for _ in range(2)]
    codes = [[0 if record is not None else receipt.code for record, receipt in answer]
             for answer in answers]
    print("codes: %s" % codes)
    need(codes[0].count(0) == 2 and codes[0] == sorted(codes[0]), "first: %s" % codes)
    need(codes[0][-1] == RATE and codes[1] == [0] * 4, "then: %s" % codes)
    need(city.stop() == 0, "the broker ended badly")
    city.verify()


def play(city):
    city.speakers = {name: city.speaker(name) for name in run_client.AGENCIES}
    for agency in city.speakers.values():
        agency.hello()
        agency.registry()
    of = new_matter(city.speakers["procuratorate"], 1)
    said = [say(city, of, "procuratorate", "education", ["civil-affairs", "health"]),
            say(city, of, "education", "procuratorate", ["health", "civil-affairs"])]
    request = write_at_once(city)
    need(city.stop() == 0, "the broker ended badly")
    report, log = city.verify()
    need(report["messages_shown"] >= 6, "shown: %s" % report)
    for ident in said:
        leaves = [record for record in log if record.kind == support.LEAF_MESSAGE
                  and record.message_id == ident]
        need(len({record.recipient for record in leaves}) == len(leaves) == 3,
             "leaves of one message: %s" % leaves)
        need(len({record.message_digest for record in leaves}) == 1, "not the same bytes")
    judge_turns(log, request)
    print("2 messages, 6 leaves; %d records pass" % len(log))


def run(make, judge):
    city = make()
    try:
        judge(city)
    finally:
        city.kill()
        city.folder.cleanup()


def main():
    run(City, play)
    run_client.AGENCIES += LargeCity.units
    run(LargeCity, write_to_ninety)


if __name__ == "__main__":
    main()
