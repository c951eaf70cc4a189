/* How: the same window_redate as the decision's. Rungs are not asked, so the ladder is any. */
#include "model/movable.h"

#include <assert.h>

static void add(struct movables *movables, const char *number, uint16_t responsible,
                const struct window *window)
{
    if (window->n == 0 || window->basis == BASIS_GIVEN) {
        return;
    }
    assert(movables->count < LIMIT_DUTIES);
    movables->rows[movables->count++] =
        (struct movable){.number = number, .responsible = responsible, .window = *window};
}

static void add_referral(struct movables *movables)
{
    const struct referral *referral = &movables->of.referral;
    for (enum referral_clock clock = 0; clock < REFERRAL_CLOCK_COUNT; clock++) {
        if (referral_clock_open(referral, clock)) {
            add(movables, referral->number, referral_responsible(referral, clock),
                &referral->clocks[clock]);
        }
    }
}

static void add_matter(struct movables *movables)
{
    const struct matter *matter = &movables->of.matter;
    for (uint32_t i = 0; i < matter->duty_count; i++) {
        if (matter_duty_open(&matter->duties[i])) {
            add(movables, matter->number, matter->duties[i].holder, &matter->duties[i].window);
        }
    }
}

enum err movables_read(struct span packed, struct movables *ret_movables)
{
    bool matter = matter_is_packed(packed);
    enum err error = matter ? matter_unpack(packed, &ret_movables->of.matter)
                            : referral_unpack(packed, &ret_movables->of.referral);
    ret_movables->count = 0;
    if (error != OK) {
        return error;
    }
    if (matter) {
        add_matter(ret_movables);
    } else {
        add_referral(ret_movables);
    }
    return OK;
}

bool movable_move(const struct calendar *calendar, uint64_t now_ms, const struct movable *movable,
                  struct movement *ret_movement)
{
    struct window window = movable->window;
    struct redating redating;
    window_redate(ladder_default(), calendar, now_ms, &window, &redating);
    bool kept = !redating.moved && window.basis != movable->window.basis;
    *ret_movement = (struct movement){
        .due_day = window.due_day,
        .provisional = window.provisional,
        .moved = redating.moved,
        .reason = redating.moved || kept ? window_basis_id(window.basis) : "settled",
    };
    return redating.moved || redating.settled || kept;
}
