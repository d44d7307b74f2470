/* The process that chaos is made of: `subject TOKEN NAME DIRECTORY ROLE WORD...`.

   Does one word after the other (see `act`). Two runs of a service at once can't go unnoticed: a
   main process takes a lock that lasts as long as itself (byte 0 of locks/NAME), and what it leaves
   behind takes one on byte 1, which the next main process finds. Who finds a lock says so in the
   file `violations`. Locks of fcntl(2) belong to one process and end with it, before its parent can
   hear of its end. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char *token, *name, *directory, *role, *program;
static int lock_fd = -1;

static void nap(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    while (nanosleep(&t, &t) < 0 && errno == EINTR)
        ;
}

static void tell(const char *what, int other)
{
    char path[300], line[300];
    snprintf(path, sizeof path, "%s/violations", directory);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    int size = snprintf(line, sizeof line, "%s %s %d %d\n", what, name, (int)getpid(), other);
    if (fd >= 0 && write(fd, line, size) == size)
        close(fd);
}

static int lock(int byte, short type, int *other)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    if (fcntl(lock_fd, F_SETLK, &l) == 0)
        return 1;
    *other = 0;
    if (fcntl(lock_fd, F_GETLK, &l) == 0)
        *other = l.l_type == F_UNLCK ? 0 : l.l_pid;
    return 0;
}

static void open_lock(void)
{
    char path[300];
    if (lock_fd >= 0)
        return;
    snprintf(path, sizeof path, "%s/locks/%s", directory, name);
    lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
}

static void be_the_only_one(int alone)
{
    int other = 0;
    open_lock();
    if (!lock(0, F_WRLCK, &other) && other != getpid())
        tell("two", other);
    if (alone && !lock(1, F_WRLCK, &other) && other != getpid())
        tell("left", other);
    lock(1, F_UNLCK, &other);
}

static void notify(const char *text)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    if (path == NULL || strlen(path) >= sizeof to.sun_path)
        return;
    strcpy(to.sun_path, path);
    if (to.sun_path[0] == '@')
        to.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = offsetof(struct sockaddr_un, sun_path) + strlen(path);
    sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to, size);
    close(fd);
}

/* Become another role of the same service; `words` are what it does. */
static void become(char *as, char **words)
{
    char *argv[64] = {program, token, name, directory, as};
    int n = 5;
    while (*words != NULL && n < 63)
        argv[n++] = *words++;
    argv[n] = NULL;
    execv("/proc/self/exe", argv);
    execv(program, argv);
    _exit(125);
}

static void child(int far, char *as, char *first, char *second)
{
    char *words[] = {first, second, "wait", NULL};
    if (fork() != 0)
        return;
    if (far) { /* a session of its own, and a parent that is gone */
        setsid();
        if (fork() != 0)
            _exit(0);
    }
    become(as, words);
}

static void flood(long kib)
{
    char line[128];
    memset(line, 'x', sizeof line);
    line[127] = '\n';
    for (long i = 0; i < kib * 8; i++)
        if (write(1 + (i & 1), line, sizeof line) < 0)
            continue;
}

static void orphans(long count)
{
    for (long i = 0; i < count; i++)
        if (fork() == 0) {
            if (fork() == 0)
                nap(i % 7);
            _exit(0);
        }
}

static void daemonize(char **rest, int with_pid_file)
{
    char path[300], text[32];
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) < 0)
        _exit(124);
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        pid = fork();
        if (pid != 0) {
            snprintf(path, sizeof path, "%s/pids/%s", directory, name);
            int fd = with_pid_file ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1;
            if (fd >= 0 && write(fd, text, snprintf(text, sizeof text, "%d\n", pid)) > 0)
                close(fd);
            _exit(0);
        }
        become("main", rest); /* and with that the pipe is closed */
    }
    close(ready[1]);
    while (read(ready[0], text, 1) < 0 && errno == EINTR)
        ;
    _exit(0);
}

static void on_term(int number)
{
    (void)number;
    _exit(0);
}

static void heed_reload(int number)
{
    (void)number;
    struct timespec t;
    char text[100];
    clock_gettime(CLOCK_MONOTONIC, &t);
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld",
             t.tv_sec * 1000000LL + t.tv_nsec / 1000);
    notify(text);
    notify("READY=1");
}

static void nothing(int number)
{
    (void)number;
}

static void act(char *word, char **rest)
{
    char *value = strchr(word, ':');
    long number;
    if (value != NULL)
        *value++ = 0;
    number = value == NULL ? 0 : atol(value);
    if (!strcmp(word, "lock"))
        be_the_only_one(1);
    else if (!strcmp(word, "lock-main")) /* what it leaves behind may stay */
        be_the_only_one(0);
    else if (!strcmp(word, "graceful"))
        signal(SIGTERM, on_term);
    else if (!strcmp(word, "ignore-term"))
        signal(SIGTERM, SIG_IGN);
    else if (!strcmp(word, "reloads"))
        signal(SIGHUP, heed_reload);
    else if (!strcmp(word, "sleep"))
        nap(number);
    else if (!strcmp(word, "exit"))
        _exit(number);
    else if (!strcmp(word, "die"))
        raise(number);
    else if (!strcmp(word, "notify"))
        notify(value);
    else if (!strcmp(word, "fd")) {
        if (write(3, "\n", 1) == 1)
            close(3);
    } else if (!strcmp(word, "listen")) {
        struct sockaddr_un at = {.sun_family = AF_UNIX};
        snprintf(at.sun_path, sizeof at.sun_path, "%s/socks/%s", directory, name);
        unlink(at.sun_path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (bind(fd, (struct sockaddr *)&at, sizeof at) == 0)
            listen(fd, 5);
    } else if (!strcmp(word, "stray"))
        child(1, "stray", "hold", "wait");
    else if (!strcmp(word, "bad-stray"))
        child(1, "stray", "hold", "ignore-term");
    else if (!strcmp(word, "child"))
        child(0, "child", "hold", "wait");
    else if (!strcmp(word, "liar")) /* a child says what its parent is not */
        child(0, "child", "notify:READY=1", "notify:MAINPID=1");
    else if (!strcmp(word, "hold")) {
        int other;
        open_lock();
        lock(1, F_RDLCK, &other);
    } else if (!strcmp(word, "flood"))
        flood(number);
    else if (!strcmp(word, "orphans"))
        orphans(number);
    else if (!strcmp(word, "daemon"))
        daemonize(rest, 0);
    else if (!strcmp(word, "daemon-pid"))
        daemonize(rest, 1);
    else if (!strcmp(word, "feed"))
        for (;;) {
            notify("WATCHDOG=1");
            nap(number);
        }
    else if (!strcmp(word, "chat"))
        for (;;) {
            flood(1);
            nap(number);
        }
    else if (!strcmp(word, "wait"))
        for (;;)
            pause();
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    program = argv[0], token = argv[1], name = argv[2], directory = argv[3], role = argv[4];
    prctl(PR_SET_NAME, role);
    signal(SIGHUP, nothing);
    signal(SIGUSR1, nothing);
    signal(SIGUSR2, nothing);
    signal(SIGWINCH, nothing);
    signal(SIGCHLD, SIG_IGN); /* children of a service are none of this program's business */
    for (int i = 5; i < argc; i++)
        act(argv[i], argv + i + 1);
    return 0;
}
