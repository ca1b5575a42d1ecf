/* Loaded before libc: the n-th call of a kind on a file that is written fails, writes only half, or is met by a signal.
 * The plan lies in memory that forked processes share, so that who forked them reads what came of it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WRITE, FSYNC, RENAME, CLOSE, OPEN, MKDIR, TRUNCATE, KINDS };
enum { HALF = -1 };

struct plan {
    int armed, kind, error, lasting, signal;
    long at, seen[KINDS], all, struck;
    char where[4096];
};
static struct plan *plan;

__attribute__((constructor)) static void begin(void) {
    plan = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(plan, 0, sizeof *plan);
}

/* kind: which calls are counted, KINDS for all of them. signal: sent instead of failing. */
void faults_arm(int kind, long at, int error, int lasting, int signal) {
    memset(plan, 0, sizeof *plan);
    plan->kind = kind, plan->at = at, plan->error = error, plan->lasting = lasting, plan->signal = signal;
    plan->armed = 1;
}

long faults_seen(int kind) { return kind == KINDS ? plan->all : plan->seen[kind]; }
long faults_struck(void) { return plan->struck; }
const char *faults_where(void) { return plan->where; }

static int strikes(int kind, const char *path, int file) {
    if (!plan || !plan->armed) return 0;
    long all = __sync_add_and_fetch(&plan->all, 1), one = __sync_add_and_fetch(&plan->seen[kind], 1);
    long now = plan->kind == KINDS ? all : one;
    if (plan->kind != KINDS && plan->kind != kind) return 0;
    if (now != plan->at && !(plan->lasting && now > plan->at)) return 0;
    if (__sync_fetch_and_add(&plan->struck, 1) == 0) {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", file);
        ssize_t size = path ? -1 : readlink(link, plan->where, sizeof plan->where - 1);
        if (path) strncpy(plan->where, path, sizeof plan->where - 1);
        else plan->where[size < 0 ? 0 : size] = 0;
    }
    if (plan->signal) return kill(getpid(), plan->signal), 0;
    errno = plan->error;
    return 1;
}

static int written(int file) {
    int kept = errno, flags = fcntl(file, F_GETFL);
    struct stat about;
    int found = flags >= 0 && (flags & O_ACCMODE) != O_RDONLY && file != 2 && !fstat(file, &about)
                && S_ISREG(about.st_mode);
    errno = kept;
    return found;
}

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

ssize_t write(int file, const void *data, size_t size) {
    if (written(file) && strikes(WRITE, NULL, file)) {
        if (plan->error != HALF || size < 2) return errno = plan->error == HALF ? ENOSPC : errno, -1;
        size /= 2;
    }
    return REAL(write)(file, data, size);
}

#define PWRITE(name, offset_type)                                                                     \
    ssize_t name(int file, const void *data, size_t size, offset_type offset) {                       \
        if (written(file) && strikes(WRITE, NULL, file)) {                                            \
            if (plan->error != HALF || size < 2) return errno = plan->error == HALF ? ENOSPC : errno, -1; \
            size /= 2;                                                                                \
        }                                                                                             \
        return REAL(name)(file, data, size, offset);                                                  \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

/* Nothing here must outlive a power cut, and a disk takes its time. */
int fsync(int file) { return written(file) && strikes(FSYNC, NULL, file) ? -1 : 0; }

int rename(const char *from, const char *to) { return strikes(RENAME, to, 0) ? -1 : REAL(rename)(from, to); }

int mkdir(const char *path, mode_t mode) { return strikes(MKDIR, path, 0) ? -1 : REAL(mkdir)(path, mode); }

int ftruncate(int file, off_t size) {
    return written(file) && strikes(TRUNCATE, NULL, file) ? -1 : REAL(ftruncate)(file, size);
}
int ftruncate64(int file, off64_t size) {
    return written(file) && strikes(TRUNCATE, NULL, file) ? -1 : REAL(ftruncate64)(file, size);
}

/* A descriptor is gone even where its closing fails. */
int close(int file) {
    int fails = written(file) && strikes(CLOSE, NULL, file), error = errno;
    int status = REAL(close)(file);
    return fails ? (errno = error, -1) : status;
}

#define OPEN_AS(name, ...)                                                            \
    {                                                                                 \
        mode_t mode = 0;                                                              \
        if (flags & (O_CREAT | __O_TMPFILE)) {                                        \
            va_list rest;                                                             \
            va_start(rest, flags);                                                    \
            mode = va_arg(rest, mode_t);                                              \
            va_end(rest);                                                             \
            if (strikes(OPEN, path, 0)) return -1;                                    \
        }                                                                             \
        return REAL(name)(__VA_ARGS__, flags, mode);                                  \
    }
int open(const char *path, int flags, ...) OPEN_AS(open, path)
int open64(const char *path, int flags, ...) OPEN_AS(open64, path)
int openat(int folder, const char *path, int flags, ...) OPEN_AS(openat, folder, path)
int openat64(int folder, const char *path, int flags, ...) OPEN_AS(openat64, folder, path)
