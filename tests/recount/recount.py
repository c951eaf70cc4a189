#!/usr/bin/python3
"""A second count for the joint meeting, from an exported audit log alone (docs/audit-export.md):
leaves, headers and facts. Written from docs/statistics.md; it shares no code with the programs nor
with the other scripts, so that figures on which both agree are right. Prints one JSON object in
the form of `referralctl stats --json`. It believes the export: referral-verify judges that.

    recount.py EXPORT --as-of-ms N --from DATE --to DATE [--calendars DIR] [--words FILE]
"""

import argparse
import datetime
import json
import os
import re
import struct
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

MESSAGE, OPENED, STOPPED, REDATED, CANCELLED, TASK_OPENED, TASK_CLOSED = 1, 10, 11, 12, 13, 14, 15
RAISED, RESOLVED = 20, 21
OUTBOUND, INBOUND, SIGN_FOR, FEEDBACK_OUT, FEEDBACK_IN, WITHDRAWAL = 1, 2, 3, 4, 5, 8
REJECTION, ASSISTANCE = 10, 13
PROCEDURE_REQUIRED = 2
STAGE_DELIVERED = 3
MINOR_GROUPS = [3] + list(range(9, 14))
DUTIES = {17: "information", 18: "follow-up", 19: "promise", 20: "payment", 21: "letter",
          22: "attendance"}
STEPS = ("due-1", "due-2", "due-3", "undelivered-1", "undelivered-2", "urgent-1", "urgent-2",
         "unsigned-1", "unsigned-2")


# --- bytes ---


class Fields:
    """A protobuf message by its numbers: varints and byte strings; absent is 0 or empty."""

    def __init__(self, data):
        self.found = {}
        at = 0
        while at < len(data):
            key, at = self.varint(data, at)
            if key & 7 == 0:
                value, at = self.varint(data, at)
            elif key & 7 == 2:
                length, at = self.varint(data, at)
                value, at = data[at:at + length], at + length
            else:
                raise ValueError("wire type %d" % (key & 7))
            self.found.setdefault(key >> 3, []).append(value)

    @staticmethod
    def varint(data, at):
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value, at

    def number(self, key):
        return self.found.get(key, [0])[-1]

    def data(self, key):
        return self.found.get(key, [b""])[-1]

    def text(self, key):
        return self.data(key).decode()

    def part(self, key):
        return Fields(self.data(key))

    def parts(self, key):
        return [Fields(data) for data in self.found.get(key, [])]


def records(data):
    """(record, header, facts) of each leaf of an export, in order; the last two may be None."""
    if data[:8] != b"RBAUDIT1":
        raise ValueError("not an export")
    count, = struct.unpack(">Q", data[16:24])
    notes, origin = struct.unpack(">HB", data[56:59])
    at = 59 + origin
    for _ in range(notes):
        at += 2 + struct.unpack(">H", data[at:at + 2])[0]
    for _ in range(count):
        at += 8 + 16 + 32
        length, = struct.unpack(">H", data[at:at + 2])
        record, at = Fields(data[at + 2:at + 2 + length]), at + 2 + length
        header = facts = None
        shown, at = data[at], at + 1
        if shown:
            length, = struct.unpack(">H", data[at:at + 2])
            header, at = Fields(data[at + 2:at + 2 + length]), at + 2 + length
            length, = struct.unpack(">I", data[at:at + 4])
            facts, at = Fields(data[at + 4:at + 4 + length]), at + 4 + length + 32
        at += 2 + struct.unpack(">H", data[at:at + 2])[0]
        yield record, header, facts


# --- days ---


def day_of(instant_ms):
    """The civil day of +08:00."""
    return (datetime.date(1970, 1, 1)
            + datetime.timedelta(days=(instant_ms + 8 * 3600 * 1000) // 86400000))


class Calendar:
    """Which days are working days: Monday to Friday, a year's notice or else its statutory days,
    and above them a city's own."""

    def __init__(self, folder):
        self.rows = {}
        layers = {"statutory": [], "notice": [], "local": []}
        for name in sorted(os.listdir(folder)):
            if name.endswith(".json"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    content = json.load(file)
                kind = ("statutory" if content.get("provisional") else
                        "local" if content.get("local") else "notice")
                layers[kind].append(content)
        noticed = {content["year"] for content in layers["notice"]}
        used = [content for content in layers["statutory"] if content["year"] not in noticed]
        for content in used + layers["notice"] + layers["local"]:
            for row in content["days"]:
                if not row.get("hint"):
                    self.rows[row["date"]] = row["isOffDay"]

    def is_working(self, day):
        off = self.rows.get(day.isoformat())
        return day.weekday() < 5 if off is None else not off

    def count(self, start, end):
        """Working days behind `start`, up to and including `end`."""
        days = (end - start).days
        return sum(self.is_working(start + datetime.timedelta(days=n))
                   for n in range(1, days + 1))


def read_words(path):
    """{table: {number: id}} of docs/messages.md."""
    tables, rows = {}, {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            head = re.match(r"### (\S+)", line)
            row = re.match(r"\| (\d+) \| `([^`]+)` \|", line)
            if head:
                rows = tables.setdefault(head.group(1), {})
            elif line.startswith("#"):
                rows = {}
            elif row:
                rows[int(row.group(1))] = row.group(2)
    return tables


# --- the life of a referral, as its leaves tell it ---


class Referral:
    def __init__(self, record, header, facts):
        given = facts.part(2)
        self.sender, self.receiver = record.text(4), record.text(10)
        self.direction = "inbound" if record.number(9) == INBOUND else "outbound"
        self.message = header.data(3)
        self.submitted_ms = record.number(3)
        self.groups = given.number(2)
        self.channel = given.number(10)
        self.urgent, self.life_danger = bool(given.number(7)), bool(given.number(8))
        self.minor = (1801 <= given.number(1) <= 1808 or given.number(9) != 0
                      or any(self.groups >> group & 1 for group in MINOR_GROUPS))
        self.signed = self.withdrawn = self.returned = False
        self.windows = []  # [arrival, due, stopped, late, answer's instant]
        self.outcome = self.granted = self.delivered = 0
        self.rungs = []
        self.resolved = 0

    def message_came(self, kind, header, facts):
        if kind == SIGN_FOR:
            self.signed = True
        elif kind in (FEEDBACK_OUT, FEEDBACK_IN):
            self.signed = True
            self.outcome = facts.part(4).number(1)
            for measure in facts.part(4).parts(2):
                self.granted |= 1 << measure.number(1)
        elif kind == WITHDRAWAL:
            self.withdrawn = True
        elif kind == REJECTION and header.data(13) == self.message:
            self.returned = self.returned or not (self.withdrawn or self.windows)
        elif kind == ASSISTANCE and facts.part(13).number(1) == STAGE_DELIVERED:
            self.delivered |= 1 << facts.part(13).number(2)

    def window_leaf(self, kind, record):
        window = record.part(15)
        if kind == OPENED:
            self.windows.append({"arrival": window.number(4), "due": window.number(6),
                                 "answered": 0, "late": False, "open": True})
            return
        if window.number(1) != 0 or not self.windows:
            return
        newest = self.windows[-1]
        if kind == REDATED:
            newest["due"] = window.number(6)
        elif kind == CANCELLED:
            newest["open"] = False
        elif kind == STOPPED:
            newest["open"] = False
            newest["late"] = bool(window.number(11))
            newest["answered"] = record.number(14) or record.number(3)

    def answers(self):
        return [window for window in self.windows if window["answered"]]

    def is_final(self):
        return bool(self.answers()) and self.outcome != PROCEDURE_REQUIRED and not self.withdrawn

    def state(self, as_of_ms):
        if self.withdrawn:
            return "withdrawn"
        if self.returned:
            return "returned"
        if not self.windows:
            return "undelivered"
        newest = self.windows[-1]
        if newest["open"]:
            return "overdue" if as_of_ms >= newest["due"] else "open"
        if self.outcome == PROCEDURE_REQUIRED:
            return "procedure"
        return "answered_late" if newest["late"] else "answered_in_time"


class Log:
    """All that is counted, after reading every leaf once."""

    def __init__(self, data):
        self.referrals, self.duties, self.seen = {}, {}, set()
        for record, header, facts in records(data):
            kind, about = record.number(2), record.data(8)
            if kind == MESSAGE and header is not None:
                self.message(record, header, facts, about)
            elif kind in (OPENED, STOPPED, REDATED, CANCELLED) and about in self.referrals:
                self.referrals[about].window_leaf(kind, record)
            elif kind == RAISED and about in self.referrals:
                self.referrals[about].rungs.append(record.part(16).text(3))
            elif kind == RESOLVED and about in self.referrals:
                self.referrals[about].resolved += 1
            if kind in (REDATED, CANCELLED, TASK_OPENED, TASK_CLOSED):
                self.duty(kind, record, about)

    def message(self, record, header, facts, about):
        if header.data(3) in self.seen:  # the same message to a further reader
            return
        self.seen.add(header.data(3))
        kind = record.number(9)
        if kind in (OUTBOUND, INBOUND):
            self.referrals[about] = Referral(record, header, facts)
        elif about in self.referrals:
            self.referrals[about].message_came(kind, header, facts)

    def duty(self, kind, record, about):
        window = record.part(15)
        if window.number(1) not in DUTIES:
            return
        key = (about, window.number(2))
        if kind == TASK_OPENED:
            self.duties[key] = {"agency": window.text(3), "duty": DUTIES[window.number(1)],
                                "due": window.number(6), "stopped": 0, "cancelled": False}
        elif kind == REDATED:
            self.duties[key]["due"] = window.number(6)
        else:
            self.duties[key]["stopped"] = record.number(3)
            self.duties[key]["cancelled"] = kind == CANCELLED


# --- counting ---


def rank(days, percent):
    """Nearest rank; None of nothing."""
    return sorted(days)[-(-len(days) * percent // 100) - 1] if days else None


def tally(values):
    counts = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return counts


def bits(values, words):
    return tally(words[bit] for value in values for bit in words if value >> bit & 1)


def step_of(rung):
    if rung.startswith("remind-"):
        return "remind"
    return next(step for step in STEPS if rung == step or rung.startswith(step + "."))


def line_of(sent, received, as_of_ms, calendar, words):
    states = tally(referral.state(as_of_ms) for referral in received)
    answers = [answer for referral in received for answer in referral.answers()]
    late = sum(answer["late"] for answer in answers)
    final = [referral for referral in received if referral.is_final()]
    ends = [day_of(referral.windows[-1]["answered"]) for referral in final]
    window_days = [calendar.count(day_of(referral.windows[-1]["arrival"]), end)
                   for referral, end in zip(final, ends)]
    whole_days = [calendar.count(day_of(referral.windows[0]["arrival"]), end)
                  for referral, end in zip(final, ends)]
    rungs = [step_of(rung) for referral in received for rung in referral.rungs]
    overdue = states.get("overdue", 0)
    ended = len(answers) + overdue
    line = {"sent": len(sent), "received": len(received)}
    for state in ("answered_in_time", "answered_late", "open", "overdue", "procedure",
                  "undelivered", "withdrawn", "returned"):
        line[state] = states.get(state, 0)
    line.update({
        "delivered": sum(bool(referral.windows) for referral in received),
        "signed": sum(referral.signed for referral in received),
        "answers": len(answers), "late_answers": late,
        "minors": sum(referral.minor for referral in received),
        "urgent": sum(referral.urgent for referral in received),
        "life_danger": sum(referral.life_danger for referral in received),
        "documents": sum(rung != "remind" for rung in rungs),
        "resolved": sum(referral.resolved for referral in received),
        "median_days": rank(window_days, 50), "p90_days": rank(window_days, 90),
        "whole_median_days": rank(whole_days, 50), "whole_p90_days": rank(whole_days, 90),
        "on_time_permille": 1000 * (len(answers) - late) // ended if ended else None,
        "outcomes": tally(words["outcome"][referral.outcome] for referral in received
                          if referral.outcome),
        "granted": bits((referral.granted for referral in received), words["measure"]),
        "measures_delivered": bits((referral.delivered for referral in received),
                                   words["measure"]),
        "priority_groups": bits((referral.groups for referral in received),
                                words["priority-group"]),
        "lead_channels": tally(words["lead-channel"][referral.channel] for referral in received
                               if referral.channel),
        "rungs": tally(rungs)})
    return line


def duty_figure(duty, as_of_ms):
    if not duty["stopped"]:
        return "overdue" if as_of_ms >= duty["due"] else "open"
    if duty["cancelled"]:
        return "cancelled"
    return "done_late" if duty["stopped"] >= duty["due"] else "done_in_time"


def duty_lines(duties, as_of_ms):
    lines = []
    for agency in ["all"] + sorted({duty["agency"] for duty in duties}):
        for name in DUTIES.values():
            mine = [duty for duty in duties
                    if duty["duty"] == name and agency in ("all", duty["agency"])]
            figures = tally(duty_figure(duty, as_of_ms) for duty in mine)
            if mine:
                lines.append({"agency": agency, "duty": name, "due": len(mine),
                              **{figure: figures.get(figure, 0) for figure in
                                 ("done_in_time", "done_late", "open", "overdue", "cancelled")}})
    return lines


def recount(data, period, as_of_ms, calendar, words):
    """`period` is a pair of dates, first and last day."""
    log = Log(data)
    within = [referral for referral in log.referrals.values()
              if period[0] <= day_of(referral.submitted_ms) <= period[1]]
    agencies = sorted({name for referral in within for name in (referral.sender,
                                                                 referral.receiver)})
    lines = []
    for agency in ["all"] + agencies:
        for direction in ("outbound", "inbound"):
            some = [referral for referral in within if referral.direction == direction]
            sent = [referral for referral in some if agency in ("all", referral.sender)]
            received = [referral for referral in some if agency in ("all", referral.receiver)]
            if sent or received:
                lines.append({"agency": agency, "direction": direction,
                              **line_of(sent, received, as_of_ms, calendar, words)})
    # A date is the end of its day: 24:00.
    due = [duty for duty in log.duties.values()
           if period[0] <= day_of(duty["due"] - 1) <= period[1]]
    return {"lines": lines, "duties": duty_lines(due, as_of_ms)}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export")
    parser.add_argument("--as-of-ms", type=int, required=True)
    parser.add_argument("--from", dest="first", type=datetime.date.fromisoformat, required=True)
    parser.add_argument("--to", dest="last", type=datetime.date.fromisoformat, required=True)
    parser.add_argument("--calendars", default=os.path.join(ROOT, "config", "calendars"))
    parser.add_argument("--words", default=os.path.join(ROOT, "docs", "messages.md"))
    arguments = parser.parse_args()
    with open(arguments.export, "rb") as file:
        data = file.read()
    json.dump(recount(data, (arguments.first, arguments.last), arguments.as_of_ms,
                      Calendar(arguments.calendars), read_words(arguments.words)),
              sys.stdout, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
