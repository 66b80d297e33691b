/*
 * ring.h - an io_uring with buffers for the kernel to receive into: set up, and taken down.
 *
 * Partner:  tcp_io_uring.c, which shows what it is good for. Here because it is long and teaches little, and in no library because that
 *           would make everything need liburing.
 *
 * Two rings of memory are shared with the kernel: requests (sqe) go in, completions (cqe) come out, and none of both is a system call.
 * The third ring holds the chunks that are free: a receive takes the next of them only when there are bytes, so that ten thousand clients
 * who are waited for need none.
 */
#ifndef ECHOLAB_RING_H
#define ECHOLAB_RING_H

#include <errno.h>
#include <liburing.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { RING_REQUESTS = 1024, RING_CHUNKS = 64, RING_CHUNK_MAX = 16 << 10 };

/* Completions are made by the thread that waits for them, inside io_uring_enter(2), and interrupt none of its work. Linux 6.1. */
enum { RING_FLAGS = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN };

struct ring {
    struct io_uring uring;
    struct io_uring_buf_ring *chunks;
    size_t chunks_bytes;   /* of that ring and the chunks behind it, one mapping */
    unsigned char *memory; /* RING_CHUNKS times chunk_size bytes */
    size_t chunk_size;
};

/* NULL: this machine can run it. Else why not, in a sentence that the next call overwrites. */
static inline const char *ring_missing(void)
{
    static char why[160];
    struct io_uring uring;
    int error = io_uring_queue_init(8, &uring, RING_FLAGS);
    if (error == 0) {
        io_uring_queue_exit(&uring);
        return NULL;
    }
    const char *fix = "";
    if (error == -ENOSYS || error == -EINVAL)
        fix = " (it needs Linux 6.1)";
    else if (error == -EPERM || error == -EACCES)
        fix = " (forbidden here: see sysctl kernel.io_uring_disabled, or the container's seccomp "
              "filter)";
    snprintf(why, sizeof why, "io_uring_setup: %s%s", strerror(-error), fix);
    return why;
}

static inline unsigned char *ring_chunk(const struct ring *ring, unsigned chunk)
{
    return ring->memory + chunk * ring->chunk_size;
}

/* Gives chunk number `chunk` to the kernel, again or for the first time. */
static inline void ring_give(struct ring *ring, unsigned chunk)
{
    io_uring_buf_ring_add(ring->chunks, ring_chunk(ring, chunk), (unsigned)ring->chunk_size,
                          (unsigned short)chunk, io_uring_buf_ring_mask(RING_CHUNKS), 0);
    io_uring_buf_ring_advance(ring->chunks, 1);
}

/* From the thread that will use it, and no other may. Chunks get `chunk_size` bytes. 0 or -errno; then there is nothing to close. */
static inline int ring_open(struct ring *ring, size_t chunk_size)
{
    const size_t head = 4096; /* a page: the ring of 64 times 16 bytes must be aligned to one */
    *ring = (struct ring){.chunk_size = chunk_size};
    int error = io_uring_queue_init(RING_REQUESTS, &ring->uring, RING_FLAGS);
    if (error < 0)
        return error;
    ring->chunks_bytes = head + RING_CHUNKS * chunk_size;
    void *pages =
        mmap(NULL, ring->chunks_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        error = -errno;
        io_uring_queue_exit(&ring->uring);
        return error;
    }
    struct io_uring_buf_reg group = {.ring_addr = (uintptr_t)pages, .ring_entries = RING_CHUNKS};
    ring->chunks = pages;
    ring->memory = (unsigned char *)pages + head;
    error = io_uring_register_buf_ring(&ring->uring, &group, 0);
    if (error < 0) {
        io_uring_queue_exit(&ring->uring);
        munmap(pages, ring->chunks_bytes);
        return error;
    }
    io_uring_buf_ring_init(ring->chunks);
    for (unsigned chunk = 0; chunk < RING_CHUNKS; chunk++)
        ring_give(ring, chunk);
    return 0;
}

/* The kernel cancels what is still under way, maybe a moment later; chunks that it writes to until then are pages it holds on to. */
static inline void ring_close(struct ring *ring)
{
    io_uring_queue_exit(&ring->uring);
    munmap(ring->chunks, ring->chunks_bytes);
}

#endif
