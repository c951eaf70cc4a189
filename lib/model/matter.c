/* How: tables of names, and searches in the arrays of one matter. The packed form is in
 * matter_pack.c. */
#include "model/matter.h"

static const char *const kind_names[MATTER_KIND_COUNT] = {
    [MATTER_NONE] = "none",
    [MATTER_INFORMATION] = "information",
    [MATTER_ARCHIVE] = "archive",
    [MATTER_CONSULTATION] = "consultation",
    [MATTER_CONFERENCE] = "case-conference",
    [MATTER_MEETING] = "meeting",
    [MATTER_HEARING] = "hearing",
    [MATTER_ROSTER] = "roster",
    [MATTER_FUND] = "fund",
    [MATTER_LETTER] = "letter",
};

const char *matter_kind_name(enum matter_kind kind)
{
    return kind < MATTER_KIND_COUNT ? kind_names[kind] : "unknown";
}

const char *matter_state_name(enum matter_state state)
{
    static const char *const names[] = {
        [MATTER_OPEN] = "open", [MATTER_CLOSED] = "closed", [MATTER_CANCELLED] = "cancelled"};
    return state >= MATTER_OPEN && state <= MATTER_CANCELLED ? names[state] : "unknown";
}

bool matter_duty_open(const struct duty *duty)
{
    return duty->window.stopped_ms == 0;
}

const struct duty *matter_duty(const struct matter *matter, uint32_t number)
{
    for (uint32_t i = 0; i < matter->duty_count; i++) {
        if (matter->duties[i].number == number) {
            return &matter->duties[i];
        }
    }
    return NULL;
}

bool matter_is_member(const struct matter *matter, uint16_t agency)
{
    for (uint32_t i = 0; i < matter->member_count; i++) {
        if (matter->members[i].agency == agency) {
            return true;
        }
    }
    return matter->owner == agency;
}

uint32_t matter_clocks(const struct matter *matter)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < matter->duty_count; i++) {
        const struct duty *duty = &matter->duties[i];
        bool outlives = duty->kind == DUTY_FOLLOW_UP || duty->kind == DUTY_PAYMENT;
        count += matter_duty_open(duty) && !outlives ? 1 : 0;
    }
    return count;
}

bool matter_next_rung(const struct matter *matter, const struct ladder *ladder,
                      const struct calendar *calendar, struct matter_rung *ret_next)
{
    bool found = false;
    for (uint32_t i = 0; i < matter->duty_count; i++) {
        struct matter_rung next = {.duty = i};
        if (!matter_duty_open(&matter->duties[i]) ||
            !rung_next(ladder, calendar, &matter->duties[i].window, &next.rung, &next.due_ms)) {
            continue;
        }
        if (!found || next.due_ms < ret_next->due_ms) {
            *ret_next = next;
            found = true;
        }
    }
    return found;
}
