/* One record: a line that a single write(2) with O_APPEND adds, so that records never mix.
   kind (one letter), pid as its writer sees it, CLOCK_MONOTONIC in nanoseconds, name. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int open_records(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0) {
        perror(path);
        exit(125);
    }
    return fd;
}

static void record(int fd, char kind, int pid, long long at, const char *name)
{
    char line[128];
    int size = snprintf(line, sizeof line, "%c %d %lld %.80s\n", kind, pid, at, name);
    if (write(fd, line, size) != size) {
        perror("record");
        exit(125);
    }
}

/* Keep TERM and USR1 for sigwait(3): before the first record, whose reader may send them. */
static void await_orders(sigset_t *orders)
{
    sigemptyset(orders);
    sigaddset(orders, SIGTERM);
    sigaddset(orders, SIGUSR1);
    sigprocmask(SIG_BLOCK, orders, NULL);
}
