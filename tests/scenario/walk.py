#!/usr/bin/python3
"""Runs the random walk (walk.c) and computes each date and rung that it prints again, with the
calendar of tests/oracle, which shares no code with the broker: day N of every window, task and
duty, the floor of a re-dating, when each rung fell due, that none came early. Two fixed seeds and
one of the day, all printed; REFERRAL_SEED plays that one alone, REFERRAL_LONG more and longer.

usage: walk.py WALK      (in the root of the tree)
"""
import datetime
import json
import os
import random
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "oracle"))
import calendar_oracle as oracle  # noqa: E402

DATA = os.path.join(HERE, "..", "data")
STEPS = 400
DATED = range(18, 23)  # duties until a date that people gave: no calendar moves it
LATE_RUNGS = {"undelivered", "unsigned", "urgent"}  # their clocks have no day N


def day_of(instant_ms):
    return datetime.datetime.fromtimestamp(instant_ms / 1000, oracle.CHINA).date()


class Judge:
    def __init__(self):
        self.days = oracle.Days(os.path.join(DATA, "holidays.csv"),
                                os.path.join(DATA, "holidays-2027-provisional.csv"))
        self.windows = {}  # (number, task, window) -> (arrival, n, due)
        self.never = set()
        self.counts = {"opened": 0, "redated": 0, "rung": 0}

    def calendar(self, name):
        """A notice takes the place of what was projected for its year; a local file adds to it."""
        with open(os.path.join(HERE, "calendars", name), encoding="utf-8") as file:
            rows = json.load(file)
        if not name.startswith("local"):
            self.days.notices.add(rows["year"])
            self.days.rows = {date: row for date, row in self.days.rows.items()
                              if date.year != rows["year"]}
        for row in rows["days"]:
            self.days.rows[datetime.date.fromisoformat(row["date"])] = (
                "off" if row["isOffDay"] else "work", row["name"])

    def window(self, deed, number, task, window, arrival, n, due, old, at, provisional):
        arrival, n, due, old, at = int(arrival), int(n), int(due), int(old), int(at)
        if int(task) not in DATED:
            wanted = self.due(deed, arrival, n, old, at)
            if wanted != due:
                raise ValueError("%s: day N is %s, the oracle has %s" % (
                    number, day_of(due - 1), day_of(wanted - 1)))
        self.windows[number, task, window] = (arrival, n, due)

    def due(self, deed, arrival, n, old, at):
        new = oracle.end_ms(self.days.nth(day_of(arrival), n))
        if deed == "redated":  # two working days are left, unless that is later than it was
            floor = oracle.end_ms(self.days.nth(day_of(at), 2))
            new = max(new, min(floor, old))
        return new

    def rung(self, number, task, window, rung, at, fell):
        at, fell = int(at), int(fell)
        name, _, step = rung.partition("-")
        if at < fell:
            raise ValueError("%s: %s came early" % (number, rung))
        if name in LATE_RUNGS or (number, task, window) not in self.windows:
            return
        due = self.windows[number, task, window][2]
        offset = {"due-1": 0, "due-2": 3, "due-3": 10, "remind-5": -5, "remind-2": -2}.get(rung)
        if offset is None:
            offset = 10 + 10 * int(step.split(".")[1])
        day = day_of(due - 1)
        wanted = oracle.end_ms(self.days.nth(day, offset) if offset else day)
        if wanted != fell:
            raise ValueError("%s: %s fell due on %s, the oracle has %s" % (
                number, rung, day_of(fell - 1), day_of(wanted - 1)))

    def line(self, words):
        if words[0] in self.counts:
            self.counts[words[0]] += 1
        if words[0] == "calendar":
            self.calendar(words[1])
        elif words[0] in ("opened", "redated"):
            self.window(*words)
        elif words[0] in ("taken", "never"):
            self.never.update(words[1:] if words[0] == "never" else ())
        elif words[0] == "rung":
            self.rung(*words[1:])


def walk(program, seed, steps, never):
    print("seed %d, %d steps (REFERRAL_SEED=%d repeats it)" % (seed, steps, seed), flush=True)
    done = subprocess.run([program, str(seed), str(steps)], stdout=subprocess.PIPE, text=True,
                          check=False)
    judge = Judge()
    try:
        for line in done.stdout.splitlines():
            judge.line(line.split())
    except ValueError as fault:
        print(fault)
        return False
    print("\n".join(line for line in done.stdout.splitlines()
                    if line.startswith(("#", "wrong", "done"))))
    print("judged: %(opened)d opened, %(redated)d re-dated, %(rung)d rungs" % judge.counts)
    never.append(judge.never)
    return done.returncode == 0


def main(program):
    lengthy = "REFERRAL_LONG" in os.environ
    seeds = [1, 3] + [random.SystemRandom().randrange(1 << 31) for _ in
                         range(40 if lengthy else 1)]
    if "REFERRAL_SEED" in os.environ:
        seeds = [int(os.environ["REFERRAL_SEED"])]
    never = []
    good = all([walk(program, seed, 3000 if lengthy else STEPS, never) for seed in seeds])
    missed = set.intersection(*never) if good and len(seeds) > 1 else set()
    if missed:
        print("no walk had any of these taken: " + ", ".join(sorted(missed)))
    return 0 if good and not missed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 else __doc__)
