/* Parked fetches: an array by agency. A city has tens of agencies, so a scan is the simple and
 * fast way to find the next one that expires. */
#include "broker/parked.h"

#include <assert.h>
#include <stdlib.h>

enum err parked_init(struct parked *parked, size_t agency_count)
{
    parked->rows = calloc(agency_count, sizeof(*parked->rows));
    parked->count = parked->rows != NULL ? agency_count : 0;
    return parked->rows != NULL ? OK : ERR_MEMORY;
}

void parked_free(struct parked *parked)
{
    free(parked->rows);
    parked->rows = NULL;
    parked->count = 0;
}

bool parked_take(struct parked *parked, size_t agency, struct parked_fetch *ret_fetch)
{
    assert(agency < parked->count);
    if (!parked->rows[agency].used) {
        return false;
    }
    *ret_fetch = parked->rows[agency];
    parked->rows[agency].used = false;
    return true;
}

void parked_put(struct parked *parked, size_t agency, const struct parked_fetch *fetch)
{
    assert(agency < parked->count);
    assert(!parked->rows[agency].used);
    assert(fetch->handle != 0);
    parked->rows[agency] = *fetch;
    parked->rows[agency].used = true;
}

bool parked_take_pipe(struct parked *parked, uint32_t pipe, struct parked_fetch *ret_fetch)
{
    for (size_t i = 0; i < parked->count; i++) {
        if (parked->rows[i].used && parked->rows[i].pipe == pipe) {
            return parked_take(parked, i, ret_fetch);
        }
    }
    return false;
}

bool parked_take_expired(struct parked *parked, uint64_t boot_ms, size_t *ret_agency,
                         struct parked_fetch *ret_fetch)
{
    for (size_t i = 0; i < parked->count; i++) {
        if (parked->rows[i].used && parked->rows[i].until_boot_ms <= boot_ms) {
            *ret_agency = i;
            return parked_take(parked, i, ret_fetch);
        }
    }
    return false;
}

uint64_t parked_next(const struct parked *parked)
{
    uint64_t next = UINT64_MAX;

    for (size_t i = 0; i < parked->count; i++) {
        if (parked->rows[i].used && parked->rows[i].until_boot_ms < next) {
            next = parked->rows[i].until_boot_ms;
        }
    }
    return next;
}
