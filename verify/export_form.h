/* The numbers of the export's form, for the one that writes and the one that reads. */
#ifndef REFERRAL_VERIFY_EXPORT_FORM_H
#define REFERRAL_VERIFY_EXPORT_FORM_H

#define EXPORT_MAGIC      "RBAUDIT1" /* without the NUL */
#define EXPORT_MAGIC_SM   "RBAUDSM1" /* of the suite sm */
#define EXPORT_RECORD_MAX 8192u
#define EXPORT_NOTE_MAX   1024u

#endif
