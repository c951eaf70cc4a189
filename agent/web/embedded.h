/* The files that were compiled in (cmake/embed.cmake): tables with their counts. For the readers of
 * templates, static files and catalogues in this folder; nobody else. Const data; any thread. */
#ifndef REFERRAL_AGENT_WEB_EMBEDDED_H
#define REFERRAL_AGENT_WEB_EMBEDDED_H

#include "agent/web/template.h"

extern const struct asset embedded_templates[];
extern const size_t embedded_templates_count;
extern const struct asset embedded_static[];
extern const size_t embedded_static_count;
extern const struct asset embedded_catalogues[];
extern const size_t embedded_catalogues_count;

#endif
