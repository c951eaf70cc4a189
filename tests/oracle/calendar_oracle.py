#!/usr/bin/env python3
"""Working days, due dates, rungs and lateness, computed a second time.

For tests only: the arithmetic of lib/model/calendar and window in another language, straight from
CSV files with datetime.date, sharing no code, table or constant with the C side. CTest compares its
lines with those of calendar_dump. Reads the CSV files named on the command line; writes to standard
output; nothing is durable.

usage: calendar_oracle.py HOLIDAYS.csv [STATUTORY.csv]
"""
import csv
import datetime
import sys

DAY = datetime.timedelta(days=1)
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
CHINA = datetime.timezone(datetime.timedelta(hours=8))
COUNTS = (1, 2, 3, 5, 7, 8, 10, 15, 18, 20, 23, 30)


class Days:
    """Which days work, from rows (date, off or work); Saturdays and Sundays are off."""

    def __init__(self, holidays, statutory):
        self.rows = {}
        self.notices = set()
        with open(holidays, encoding="utf-8") as file:
            for row in csv.DictReader(file):
                self.rows[datetime.date.fromisoformat(row["date"])] = (row["kind"], row["name"])
                self.notices.add(int(row["year-source"].split()[0]))
        if statutory:
            with open(statutory, encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    date = datetime.date.fromisoformat(row["date"])
                    if row["basis"].startswith("statutory") and date.year not in self.notices:
                        self.rows[date] = (row["kind"], row["name"])

    def works(self, date):
        if date in self.rows:
            return self.rows[date][0] == "work"
        return date.isoweekday() < 6

    def reason(self, date):
        if date in self.rows:
            kind, name = self.rows[date]
            return ("make-up " if kind == "work" else "holiday ") + name
        return "working" if date.isoweekday() < 6 else "weekend"

    def nth(self, date, count):
        """The count-th working day after (before, when negative) the date."""
        step = DAY if count > 0 else -DAY
        for _ in range(abs(count)):
            date += step
            while not self.works(date):
                date += step
        return date

    def between(self, first, last):
        """Working days after first, up to and including last."""
        count = 0
        while first < last:
            first += DAY
            count += self.works(first)
        return count

    def provisional(self, date):
        """On or after 25 December before a year without a notice (of those after the first)."""
        missing = max(self.notices) + 1
        return date >= datetime.date(missing - 1, 12, 25)


def end_ms(date):
    """24:00 of the date at +08:00, in UTC milliseconds."""
    after = date + DAY
    moment = datetime.datetime(after.year, after.month, after.day, tzinfo=CHINA)
    return (moment - EPOCH) // datetime.timedelta(milliseconds=1)


def rungs(n):
    """(rung id, working day counted from the arrival) of a window of n working days."""
    yield "remind-5", n - 5
    yield "remind-2", n - 2
    yield "due-1", n
    yield "due-2", n + 3
    yield "due-3", n + 10
    for k in range(1, 21):
        yield f"due-3.{k}", n + 10 + 10 * k


def delivery_rungs():
    """(rung id, working day counted from queueing or delivery)."""
    yield "undelivered-1", 1
    yield "undelivered-2", 3
    for k in range(1, 21):
        yield f"undelivered-2.{k}", 3 + 5 * k
    yield "unsigned-1", 3
    yield "unsigned-2", 5


def print_day(days, date):
    print(f"day {date} {days.reason(date)}")
    for n in COUNTS:
        due = days.nth(date, n)
        mark = " provisional" if days.provisional(due) else ""
        print(f"due {date} {n} {due} {end_ms(due)}{mark}")
    for n in (20, 10, 5):
        for rung, count in rungs(n):
            if count >= 1:
                print(f"rung {date} {n} {rung} {end_ms(days.nth(date, count))}")
    for rung, count in delivery_rungs():
        print(f"rung {date} 0 {rung} {end_ms(days.nth(date, count))}")


def print_lateness(days, date):
    """Answers 0 to 40 civil days after the end of a window of 10, at 00:00 and at 23:59:59."""
    due = days.nth(date, 10)
    for after in range(0, 41, 3):
        answered = due + DAY * (after + 1)
        print(f"late {date} {answered} {days.between(due, answered)}")


def main(argv):
    days = Days(argv[1], argv[2] if len(argv) > 2 else None)
    date = datetime.date(2023, 1, 1)
    while date.year <= 2026:
        print_day(days, date)
        if date.day % 9 == 1:
            print_lateness(days, date)
        date += DAY


if __name__ == "__main__":
    main(sys.argv)
