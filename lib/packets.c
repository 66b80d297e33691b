/*
 * packets.c - the packet log as a file: a ring in shared memory with one writer, and the fence.
 *
 * Teaches:  how a reader can trust data that somebody else overwrites meanwhile, without a lock.
 *           `count` only grows. A record is written first and counted after (release); a reader
 *           copies it and then looks at `count` again (acquire): if the writer may have come round
 *           to that slot, the copy is thrown away. [#read-then-check]
 * Partner:  netns/packet_log.c, the writer.
 * Leaves out: anything that would let a reader hold up the writer. A slow reader loses records and
 *             is told so.
 */
#include "packets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC 0x33474f4c54454e45ULL /* changes with the layout of the file */

struct file {
    uint64_t magic;
    uint64_t record_size;
    uint64_t capacity;
    _Atomic uint64_t count; /* records ever written */
    _Atomic uint64_t lost;
    char hosts[EL_PACKET_HOSTS][EL_HOST_NAME_MAX];
    struct el_packet ring[]; /* record n is in slot n % capacity */
};

struct el_packets {
    struct file *file;
    size_t size;
    int fd; /* of a reader, to ask whether the writer lives; -1 */
    char host[EL_HOST_NAME_MAX];
};

static struct el_packets *map(int fd, size_t size, int protection)
{
    struct el_packets *packets = calloc(1, sizeof *packets);
    if (packets == NULL)
        return NULL;
    packets->size = size;
    packets->fd = -1;
    packets->file = mmap(NULL, size, protection, MAP_SHARED, fd, 0);
    if (packets->file == MAP_FAILED) {
        int saved = errno;
        free(packets);
        errno = saved;
        return NULL;
    }
    return packets;
}

void el_packets_close(struct el_packets *packets)
{
    if (packets == NULL)
        return;
    munmap(packets->file, packets->size);
    if (packets->fd >= 0)
        close(packets->fd);
    free(packets);
}

/* ---- writing --------------------------------------------------------------------------------- */

struct el_packets *el_packets_create(const struct el_packets_args *args)
{
    size_t size = sizeof(struct file) + (size_t)args->capacity * sizeof(struct el_packet);
    int fd = open(args->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return NULL;
    /*
     * The file has holes where nothing was written yet: an idle log costs no memory. The lock belongs
     * to the open file, which the mapping holds when the descriptor is closed (flock(2)): so it goes
     * when the writer does, however that ends. [#lock-of-the-writer]
     */
    struct el_packets *packets =
        ftruncate(fd, (off_t)size) == 0 && flock(fd, LOCK_EX | LOCK_NB) == 0
            ? map(fd, size, PROT_READ | PROT_WRITE)
            : NULL;
    int saved = errno;
    close(fd);
    errno = saved;
    if (packets == NULL)
        return NULL;

    struct file *file = packets->file;
    for (size_t i = 0; i < EL_PACKET_HOSTS && args->hosts[i] != NULL; i++)
        snprintf(file->hosts[i], sizeof file->hosts[i], "%s", args->hosts[i]);
    file->record_size = sizeof(struct el_packet);
    file->capacity = args->capacity;
    file->magic = MAGIC;
    return packets;
}

void el_packets_append(struct el_packets *packets, const struct el_packet *packet)
{
    struct file *file = packets->file;
    uint64_t number = atomic_load_explicit(&file->count, memory_order_relaxed);
    struct el_packet *slot = &file->ring[number % file->capacity];
    *slot = *packet;
    slot->number = number;
    atomic_store_explicit(&file->count, number + 1, memory_order_release);
}

void el_packets_count_lost(struct el_packets *packets, uint64_t more)
{
    atomic_fetch_add(&packets->file->lost, more);
}

/* ---- reading --------------------------------------------------------------------------------- */

/*
 * Which of the namespaces in /run/netns this process is in: the one with the inode of ours
 * (ip-netns(8), namespaces(7)).
 */
static void find_host(char host[EL_HOST_NAME_MAX])
{
    struct stat ours, theirs;
    DIR *names = opendir("/run/netns");
    if (names == NULL)
        return;
    if (stat("/proc/self/ns/net", &ours) == 0)
        for (struct dirent *entry; (entry = readdir(names)) != NULL;)
            if (fstatat(dirfd(names), entry->d_name, &theirs, 0) == 0 &&
                theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev)
                snprintf(host, EL_HOST_NAME_MAX, "%.31s", entry->d_name);
    closedir(names);
}

/* Is the mapped file a log of this very layout, with all its records there? */
static bool is_log(const struct file *file, size_t size)
{
    return file->magic == MAGIC && file->record_size == sizeof(struct el_packet) &&
           file->capacity > 0 && file->capacity <= (size - sizeof *file) / sizeof(struct el_packet);
}

struct el_packets *el_packets_open(const char *path)
{
    int fd = open(path == NULL ? EL_PACKETS_PATH : path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct stat status;
    struct el_packets *packets = NULL;
    errno = EBADMSG;
    if (fstat(fd, &status) == 0 && (size_t)status.st_size >= sizeof(struct file))
        packets = map(fd, (size_t)status.st_size, PROT_READ);
    int saved = errno;
    if (packets != NULL)
        packets->fd = fd;
    else
        close(fd);
    if (packets != NULL && !is_log(packets->file, packets->size)) {
        el_packets_close(packets);
        packets = NULL;
        saved = EBADMSG;
    }
    if (packets != NULL)
        find_host(packets->host);
    errno = saved;
    return packets;
}

const char *el_packets_host(const struct el_packets *packets)
{
    return packets->host;
}

const char *el_packets_logged(const struct el_packets *packets, size_t index)
{
    bool there = index < EL_PACKET_HOSTS && packets->file->hosts[index][0] != '\0';
    return there ? packets->file->hosts[index] : NULL;
}

uint64_t el_packets_mark(struct el_packets *packets)
{
    return atomic_load_explicit(&packets->file->count, memory_order_acquire);
}

uint64_t el_packets_lost(const struct el_packets *packets)
{
    return atomic_load(&packets->file->lost);
}

bool el_packets_written(const struct el_packets *packets)
{
    if (packets->fd < 0 || flock(packets->fd, LOCK_SH | LOCK_NB) < 0)
        return true; /* we are the writer, or somebody else is */
    flock(packets->fd, LOCK_UN);
    return false;
}

int el_packets_next(struct el_packets *packets, uint64_t *mark, struct el_packet *packet)
{
    struct file *file = packets->file;
    uint64_t count = el_packets_mark(packets);
    if (*mark >= count)
        return 0;
    if (count - *mark < file->capacity) {
        *packet = file->ring[*mark % file->capacity];
        /* The copy must be complete before count is looked at again. */
        atomic_thread_fence(memory_order_acquire);
        count = atomic_load_explicit(&file->count, memory_order_relaxed);
        if (count - *mark < file->capacity) {
            ++*mark;
            return 1;
        }
    }
    *mark = count - file->capacity + 1; /* the oldest slot that is not being written right now */
    return -ENODATA;
}

/* ---- the fence ------------------------------------------------------------------------------- */

/*
 * What the marker's record will have as its hash: a UDP header as it leaves this socket, and the
 * nonce.
 */
static uint32_t fence_hash(uint16_t port, const uint8_t nonce[8])
{
    uint8_t bytes[16] = {(uint8_t)(port >> 8), (uint8_t)port, 0, 9, 0, sizeof bytes};
    memcpy(bytes + 8, nonce, 8);
    return el_packet_hash(IPPROTO_UDP, bytes, sizeof bytes);
}

/* A UDP socket connected to the discard port of the loopback address; *port is its own. */
static int fence_socket(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&address, length) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    *port = ntohs(address.sin_port);
    return fd;
}

static bool fence_seen(struct el_packets *packets, uint64_t *mark, uint32_t hash)
{
    struct el_packet packet;
    for (int got; (got = el_packets_next(packets, mark, &packet)) != 0;)
        if (got > 0 && packet.checksum == hash && strcmp(packet.prefix, EL_FENCE_PREFIX) == 0 &&
            strcmp(packet.host, packets->host) == 0)
            return true;
    return false;
}

/*
 * [#the-fence] The kernel reports the packets of one namespace in their order, on one socket, and
 * the collector writes them in that order. So when a marker sent *after* everything else has come
 * out at the end of the log, nothing of before is still on its way.
 */
int el_packets_fence(struct el_packets *packets, el_time deadline)
{
    uint8_t nonce[8];
    uint16_t port = 0;
    if (packets->host[0] == '\0')
        return -ENOENT;
    if (getrandom(nonce, sizeof nonce, 0) != sizeof nonce)
        return -EIO;
    int fd = fence_socket(&port);
    if (fd < 0)
        return fd;

    uint64_t mark = el_packets_mark(packets);
    uint32_t hash = fence_hash(port, nonce);
    el_time send_again = el_now();
    int result = -ETIMEDOUT;
    do {
        if (el_now() >= send_again) { /* the first one, or one that the kernel could not report */
            if (!el_packets_written(packets)) {
                result = -ESRCH;
                break;
            }
            if (send(fd, nonce, sizeof nonce, 0) < 0 && errno != ENOBUFS && errno != EAGAIN) {
                result = -errno;
                break;
            }
            send_again = el_time_after(el_now(), 200 * EL_MS);
        }
        if (fence_seen(packets, &mark, hash)) {
            result = 0;
            break;
        }
        /*
         * Shared memory wakes nobody, so look again in a moment: the marker takes some 50
         * microseconds.
         */
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    } while (el_now() < deadline);
    close(fd);
    return result;
}
