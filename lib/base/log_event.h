/* What the daemons log: each kind of event once, with its stable name, its level and the id by
 * which `journalctl -x` finds its explanation in deploy/referral.catalog, in English and Chinese; a
 * test compares. A new event is a row here and two texts there.
 *
 * Levels: error, somebody must act now; warning, somebody must act some day; notice, worth knowing;
 * info, the course of things. Data only. */
#ifndef REFERRAL_BASE_LOG_EVENT_H
#define REFERRAL_BASE_LOG_EVENT_H

enum log_level {
    LOG_ERROR_LEVEL = 3, /* the numbers of syslog */
    LOG_WARN_LEVEL = 4,
    LOG_NOTICE_LEVEL = 5,
    LOG_INFO_LEVEL = 6,
    LOG_DEBUG_LEVEL = 7
};

/* clang-format off */
#define LOG_EVENTS(X) \
    X(READY, "ready", INFO, "6df47d70545a5b45b34fd0c2a6b137da") \
    X(STOPPING, "stopping", INFO, "6e2e1e76cd19539d9fb62c46cfdc8252") \
    X(LABORATORY, "laboratory", WARN, "773d105a2b035d3cbbb1c9b1f84fa3ab") \
    X(CONFIG_REFUSED, "config-refused", ERROR, "12afc01953715805a831b9c0d3e27bf7") \
    X(CONFIG_RELOADED, "config-reloaded", NOTICE, "f71b67d4a11c53c9971f119c7a784df2") \
    X(CONFIG_KEPT, "config-kept", ERROR, "921a8cd324565f7189fdc9e202489277") \
    X(CALENDAR_CHANGED, "calendar-changed", NOTICE, "249fbfcbb8715f8c83f7c1e042caa20d") \
    X(CALENDAR_MISSING, "calendar-missing", WARN, "f620c298939755faba524f12126e0239") \
    X(CALENDAR_DIFFERS, "calendar-differs", WARN, "536d32c69553565c8f36e5f537f3c5c2") \
    X(CALENDAR_AGREES, "calendar-agrees", INFO, "31a800820c1e571f8a8a0d1af3670cba") \
    X(CERTIFICATE_ENDS, "certificate-ends", WARN, "6ca176e860d851e68f0a3f77d5effdae") \
    X(KEY_ENDS, "key-ends", WARN, "5c1e7c6f0fd04b4e9a43a7f0a1b2c934") \
    X(CLOCK_UNCONFIRMED, "clock-unconfirmed", WARN, "f8a3d2ed28b2545fa7faac8c6eeb5860") \
    X(SCAN_LATE, "scan-late", ERROR, "c0ef3eb85cc85d3d93a23dd51dacf356") \
    X(RUNG_RAISED, "rung-raised", NOTICE, "9a53c1bcdebf583b815ee9ad915a4914") \
    X(MESSAGE_REFUSED, "message-refused", INFO, "68e697e446b852599aca059c6a14a697") \
    X(STORE_FULL, "store-full", ERROR, "5d4b75b3caf958ee8d4102df60a7effb") \
    X(STORE_FAILED, "store-failed", ERROR, "06a3427a520d54e2bbb1ea83d9f50e3d") \
    X(STORE_WHOLE, "store-whole", INFO, "f763b82d13224dc69be325af0936d6be") \
    X(STORE_DAMAGED, "store-damaged", ERROR, "0dd31461d63f42ec8cc55afcf3a4c124") \
    X(STORE_UNCHECKED, "store-unchecked", WARN, "45ab6f8b0f104029b42fe97341021beb") \
    X(ATTACHMENT_MISSING, "attachment-missing", ERROR, "3313c290febb5e9498dc0532ebb862de") \
    X(ATTACHMENT_LEFT, "attachment-left", WARN, "e70fdd74017056c589e966cdc8b9b577") \
    X(ATTACHMENTS_CLEANED, "attachments-cleaned", INFO, "7d27c00af2765ddf95938dc211865a77") \
    X(ATTACHMENTS_FULL, "attachments-full", WARN, "b689f80a64445063bbf5221f95bc7bed") \
    X(ATTACHMENT_FAILED, "attachment-failed", WARN, "0f121a1a83135da7bfd926d9811d536b") \
    X(BACKUP_MADE, "backup-made", INFO, "892c577142e15aa7baaaf6f3ae16e252") \
    X(BACKUP_FAILED, "backup-failed", ERROR, "1b274978c256583cbb52bd0612a48189") \
    X(CASE_ERASED, "case-erased", NOTICE, "79c91084a35f4a04967421fec25b4351") \
    X(STANDBY_FOLLOWS, "standby-follows", INFO, "5eabcb8cc9415143b3df4e112fac7e5b") \
    X(STANDBY_CUT, "standby-cut", WARN, "210f13bf2ee75a9c82b335759bbdad89") \
    X(STANDBY_STOPPED, "standby-stopped", ERROR, "a6566757e31c5335b72e92fdc593f6f7") \
    X(STANDBY_PROMOTED, "standby-promoted", WARN, "8d64bcacc1765090a5eb821cf0af0333") \
    X(HANDED_OVER, "handed-over", WARN, "c6e01dcad9b85d158911e04ce5133db6") \
    X(TRANSPORT_STUCK, "transport-stuck", ERROR, "683a5751c32a5dfb8ecb05135a654a9b") \
    X(TRANSPORT_SLOW, "transport-slow", WARN, "edfed41401ef5a03ac1cb5ab70f20bcb") \
    X(START_FAILED, "start-failed", ERROR, "9dc20684fca450a497dafc1cd9fb987d") \
    X(STORE_DOUBTED, "store-doubted", WARN, "43003c3773ff471c9e1967cc8dd32493") \
    X(SOCKET_FOLDER, "socket-folder", WARN, "94f51300ac9456fe9b8b3c5b7d89f37c") \
    X(CONNECTED, "connected", INFO, "d46c13b2323e58fd9a26b10fae11e804") \
    X(DISCONNECTED, "disconnected", NOTICE, "64976a0d846756b9aae855f41a314226") \
    X(BROKER_SILENT, "broker-silent", WARN, "b6cc2d69c79e56bfbfa51e575abd0e50") \
    X(BROKER_REFUSES, "broker-refuses", WARN, "f46af425d4f75d5483c37b2f94647285") \
    X(BROKER_NOT_BELIEVED, "broker-not-believed", ERROR, "ced1e0d8743d5b37b37a90b9d28d5f58") \
    X(EVIDENCE_KEPT, "evidence-kept", WARN, "ae659b9d2fc64f89964cc99f1cc2fd14") \
    X(EVIDENCE_LOST, "evidence-lost", ERROR, "547b7d8094504018a5135cdcfe49c9a3") \
    X(LOG_UNCONFIRMED, "log-unconfirmed", WARN, "113a83cc4ec446ea8cb02e57bd39ed20") \
    X(BROKER_BELIEVED, "broker-believed", NOTICE, "ae3caf5b8cb0539bb6d95c0408d07d9e") \
    X(REGISTRY_DIFFERS, "registry-differs", WARN, "cd81be04d19a5134a4bb8bd87046d80b") \
    X(REGISTRY_TAKEN, "registry-taken", NOTICE, "0af80a210e0642aebd7e6351f3158af2") \
    X(REGISTRY_REFUSED, "registry-refused", WARN, "52fbf18310f040af919839b18200e4a1") \
    X(KEY_REVOKED, "key-revoked", NOTICE, "850c1dc9a2db4b728925b8ead6294b4a") \
    X(POLICY_DIFFERS, "policy-differs", WARN, "4e7d69eac93050bc94c013f7effefb8b") \
    X(MESSAGES_SKIPPED, "messages-skipped", WARN, "2123945032be5775af572ba6d144a609") \
    X(MESSAGE_WAITS, "message-waits", INFO, "3a89d5b76a5a5705898efbf4acf1add2") \
    X(MESSAGE_RETURNED, "message-returned", WARN, "6ec077a688d557c6b28a8e81addef3fe") \
    X(CHANNEL_FAILED, "channel-failed", WARN, "260169e0b2715c128cba8404b103abc8") \
    X(PAGES_OPEN, "pages-open", INFO, "7a244eb8eaee560ba41532d00b78da98") \
    X(PAGE_FAILED, "page-failed", WARN, "90dcda5ddcb6581ea370c8fcddee159d") \
    X(ALARM, "alarm", ERROR, "ea24ba4d3332540392427befaf6bf2c5") \
    X(PROGRAM_BROKEN, "program-broken", ERROR, "269b8e1d47c55f21bb56092da3fa5599") \
    X(STORE_OLD, "store-old", ERROR, "25cd7427dcf65438b9d2062f9ea8679b") \
    X(LOG_ANEW, "log-anew", WARN, "d5f8c4f995965622a02c4b4729a186e2") \
    X(HANDED_BACK, "handed-back", NOTICE, "ef7e88aae17059acbb134714739d04d8") \
    X(HAND_BACK_REFUSED, "hand-back-refused", ERROR, "893cc55ac359556e9a36cddc5ce91b30") \
    X(GAP_CLOSED, "gap-closed", WARN, "f7497587c1ce595eb661562133a2931d") \
    X(MESSAGE_LEFT_OUT, "message-left-out", WARN, "1f396092219451d2a2a09b98baf9935f")
/* clang-format on */

#define LOG_EVENT_NAME(constant, name, level, id) EVENT_##constant,
enum log_event { LOG_EVENTS(LOG_EVENT_NAME) LOG_EVENT_COUNT };
#undef LOG_EVENT_NAME

#endif
