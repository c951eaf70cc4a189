/* Judges an evidence file for a test: the verdict, and that a finding of that code is among the
 * rest. For tests only. */
#ifndef REFERRAL_TESTS_JUDGING_H
#define REFERRAL_TESTS_JUDGING_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "verify/dossier.h"

/* `code` NULL: any. */
static inline enum verdict judge_file(struct span file, const struct digest *pin, const char *code)
{
    struct dossier *dossier = calloc(1, sizeof(*dossier));
    bool found = code == NULL;
    enum verdict verdict;

    ck_assert_ptr_nonnull(dossier);
    dossier_judge_bytes(dossier, file, pin);
    verdict = dossier->verdict;
    for (size_t i = 0; i < dossier->finding_count; i++) {
        found = found || strcmp(dossier->findings[i].code, code) == 0;
    }
    ck_assert_msg(found, "no %s; %d, first %s %s", code, (int)verdict, dossier->findings[0].code,
                  dossier->findings[0].place);
    dossier_free(dossier);
    free(dossier);
    return verdict;
}

#endif
