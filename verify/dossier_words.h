/* The words of a dossier's report, in both languages: kinds of messages, tasks, findings. Static
 * tables; any thread. */
#ifndef REFERRAL_VERIFY_DOSSIER_WORDS_H
#define REFERRAL_VERIFY_DOSSIER_WORDS_H

#include "dossier.h"

struct words {
    const char *zh, *en;
};

static inline const char *words_in(struct words words, enum dossier_language language)
{
    return language == LANGUAGE_CHINESE ? words.zh : words.en;
}

struct words kind_words(enum message_kind kind);
struct words task_words(uint32_t task);
/* What a finding means to somebody who never saw the program. */
struct words finding_words(const char *code);

#endif
