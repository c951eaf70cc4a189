/* Tables for spreadsheet programs: CSV with a byte order mark, or XLSX, into memory.
 *
 * Own code, since what libraries there are write through temporary files, and names of applicants
 * must not lie on a disk unsealed. Cells are texts; what a spreadsheet would take for a formula is
 * kept a text. XLSX is a stored (not compressed) ZIP of the five parts that ECMA-376 asks for.
 * Pure; any thread. */
#ifndef REFERRAL_AGENT_WEB_SHEET_H
#define REFERRAL_AGENT_WEB_SHEET_H

#include "base/bytes.h"

enum sheet_kind { SHEET_CSV, SHEET_XLSX };

struct sheet {
    enum sheet_kind kind;
    struct buf *out;  /* borrowed: the file so far */
    struct buf cells; /* owned: of XLSX, the worksheet part */
    uint32_t row, column;
    enum err error; /* the first one */
};

void sheet_begin(struct sheet *sheet, enum sheet_kind kind, struct buf *out);
/* The next cell of the row; NULL is an empty one. Characters that XML has not are left out. */
void sheet_cell(struct sheet *sheet, const char *text);
void sheet_row_end(struct sheet *sheet);
/* Completes the file; the sheet may be begun again. ERR_TOO_LARGE: over the buf's bound. */
enum err sheet_end(struct sheet *sheet) MUST_CHECK;
const char *sheet_type(enum sheet_kind kind); /* Content-Type */

#endif
