/* Prints every rule that a decision can name, one a line: id, article, "refuses" or "lets", and the
 * rule in a line, tabs between. For traceability.py, which compares them with docs/agreement.md and
 * with what the scenarios assert. */
#include <stdio.h>

#include "model/rules.h"
#include "model/why.h"

int main(void)
{
    for (size_t i = 0; i < rule_count(); i++) {
        const struct rule *rule = rule_at(i);

        (void)printf("%s\t%s\tlets\t%s\n", rule->id, rule->article, rule->text);
    }
    for (size_t i = 0; i < why_count(); i++) {
        const struct why *why = why_at(i);

        if (why_refused_at(i).refusal != REFUSAL_NONE) { /* that row is of requests */
            (void)printf("%s\t%s\trefuses\t%s\n", why->rule, why->article, why->accepted);
        }
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
