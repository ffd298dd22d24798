// Preloaded into a process, this shows it a system clock that can be set while the process runs:
// the real one, and a number of seconds from the file that SYSTEM_CLOCK_OFFSET names.
//
// libfaketime does the same, but it allocates memory before it knows the real clock. An allocator
// that asks for the time, such as millpond's, then never starts.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static int64_t none;
static volatile int64_t *offset = &none;

__attribute__((constructor)) static void map_offset(void) {
    const char *path = getenv("SYSTEM_CLOCK_OFFSET");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *mapped = file < 0 ? MAP_FAILED : mmap(0, 8, PROT_READ, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) abort();
    offset = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        time->tv_sec += *offset;
    }
    return result;
}

int gettimeofday(struct timeval *time, void *zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result) *result = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *time, int base) {
    clock_gettime(CLOCK_REALTIME, time);
    return base;
}

static int64_t nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

// Waits until a time of the system's clock, as the kernel does: longer, if the clock is set back
// meanwhile.
int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                           const struct timespec *until) {
    int64_t due = until->tv_sec * SECOND + until->tv_nsec;
    for (;;) {
        int64_t left = due - nanoseconds(CLOCK_REALTIME);
        if (left <= 0) return ETIMEDOUT;
        int64_t end = nanoseconds(CLOCK_MONOTONIC) + left;
        struct timespec real = {.tv_sec = end / SECOND, .tv_nsec = end % SECOND};
        int result = pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, &real);
        if (result != ETIMEDOUT) return result;
    }
}

// The same in the words of C11. The C library's own does not come by the function above.
int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex,
                  const struct timespec *restrict until) {
    int result =
        pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, until);
    if (result == 0) return thrd_success;
    return result == ETIMEDOUT ? thrd_timedout : thrd_error;
}
