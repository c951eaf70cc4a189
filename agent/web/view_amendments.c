/* What became of a paper later: that it was corrected, and that what it referred was withdrawn. Its
 * own words stay as they were sent, so whoever reads or prints them must see it beside them. */
#include <stdio.h>

#include "agent/web/view_parts.h"

/* What waits to be sent counts, too: this agency has said it. */
static bool amends(const struct row *later, const struct row *paper)
{
    return later->state != ROW_REFUSED && row_is_shown(later) &&
           ((later->header.kind == MESSAGE_CORRECTION &&
             uuid_equal(&later->header.refers_to, &paper->header.message_id)) ||
            later->header.kind == MESSAGE_WITHDRAWAL);
}

void view_amendments(struct page *page, struct store_txn *read, const struct row *paper)
{
    struct row later = {.seq = 0};
    char id[UUID_TEXT_BYTES], href[64];

    json_name(&page->view, "amendments");
    json_array_begin(&page->view);
    while (row_of_referral(read, &paper->header.referral_id, later.seq, &later) == OK) {
        if (amends(&later, paper)) {
            uuid_format(&later.header.message_id, id);
            (void)snprintf(href, sizeof(href), "/message/%s", id);
            json_object_begin(&page->view);
            named_bool(&page->view, "corrected", later.header.kind == MESSAGE_CORRECTION);
            view_instant(page, "when", later.recorded_ms != 0 ? later.recorded_ms : later.at_ms);
            named_text(&page->view, "href", href);
            json_object_end(&page->view);
        }
    }
    json_array_end(&page->view);
}
