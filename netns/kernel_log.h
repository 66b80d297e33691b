/* kernel_log.h - reading /dev/kmsg: see kernel_log.c. */
#ifndef ECHOLAB_KERNEL_LOG_H
#define ECHOLAB_KERNEL_LOG_H

#include "packets.h"

struct kernel_log; /* opaque */

/*
 * Opens the kernel's log, at its oldest record or (`from_end`) behind its newest. A file with recorded
 * lines does as well. NULL with errno: EPERM or EACCES = only root may.
 */
struct kernel_log *kernel_log_open(const char *path, bool from_end);
void kernel_log_close(struct kernel_log *log);

/* For poll(2). */
int kernel_log_fd(const struct kernel_log *log);

/* The next record: 1, 0 = that was all for now, or -errno. */
int kernel_log_next(struct kernel_log *log, struct el_kmsg *record);

/* How many records were overwritten before they were read, seen from the gaps in their numbers. */
uint64_t kernel_log_lost(const struct kernel_log *log);

#endif
