"""A broker whose status socket is asked by the schema, and a subscriber of it: what the tests of
status_*.py share. Nothing here judges but the schema."""

import json
import os

import support
from status_schema import Schema
from support import run_client

SCHEMA = Schema()
REASON = "a test asked for it"
PROCURATORATE, EDUCATION = "procuratorate", "education"


class City(support.City):
    def ask(self, cmd, **members):
        """The answer, as the schema has it."""
        return SCHEMA.answer(cmd, self.command(cmd, **members))

    def good(self, cmd, **members):
        answer = self.ask(cmd, **members)
        support.need(answer["ok"], answer)
        return answer

    def refused(self, code, cmd, **members):
        answer = self.ask(cmd, **members)
        support.need(not answer["ok"] and answer["code"] == code, answer)
        return answer

    def size(self):
        return self.good("status")["log"]["size"]

    def start_with(self, **environment):
        """Starts it anew, with fault points for instance."""
        os.environ.update(environment)
        try:
            self.start()
        finally:
            for name in environment:
                del os.environ[name]

    def greeted(self, name):
        """An agency that was heard."""
        agency = self.agency(name)
        agency.hello()
        agency.registry()
        return agency


class Sender:
    """Refers new cases from the procuratorate to education."""

    def __init__(self, city):
        self.city = city
        self.number = 0
        self.connect()

    def connect(self):
        self.agency = self.city.greeted(PROCURATORATE)

    def case(self):
        return "JZ-%d-%04d" % (run_client.year_of(self.agency), self.number)

    def payload(self):
        self.number += 1
        return run_client.referral(self.agency, self.number)

    def submit(self, count=1):
        payloads = [self.payload() for _ in range(count)]
        for record, receipt in self.agency.submit(payloads):
            support.need(record is not None and record.refusal == 0, receipt)
        return payloads

    def close(self):
        self.agency.link.close()


class Subscriber:
    """One connection with a subscription; each line of it against the schema."""

    def __init__(self, city, **members):
        self.raw = city.status_socket()
        self.raw.sendall(json.dumps({"cmd": "subscribe", **members}).encode() + b"\n")
        self.file = self.raw.makefile("rb")
        self.first = SCHEMA.answer("subscribe", json.loads(self.file.readline()))

    def line(self):
        line = self.file.readline()
        if not line:
            raise ConnectionError("the subscription ended")
        event = json.loads(line)
        SCHEMA.check("event", event)
        return event

    def until(self, name, **members):
        """The events up to this one; of others than leaves only this."""
        found = []
        while True:
            event = self.line()
            wanted = event["event"] == name and members.items() <= event.items()
            if "position" in event and event["event"] != "heartbeat" or wanted:
                found.append(event)
            if wanted:
                return found

    def leaves(self, last):
        """All leaves up to this position."""
        found = []
        while not found or found[-1]["position"] < last:
            event = self.line()
            if event["event"] not in ("agency", "heartbeat"):
                found.append(event)
        return found

    def close(self):
        self.file.close()
        self.raw.close()
