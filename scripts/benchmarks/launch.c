/* `launch RECORDS COMMAND ARG...`: COMMAND as PID 1 of a fresh pid and mount namespace, as
   `unshare --fork --pid --mount-proc --kill-child` makes it, with records of what only this side
   knows: P with the pid of init as it is outside, I right before its exec, X when all are gone.
   TERM kills init, and with it everything in its namespace. */
#define _GNU_SOURCE
#include "record.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static volatile pid_t child;

static void check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "launch: cannot %s: %s\n", what, strerror(errno));
        _exit(125);
    }
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    check(fd, path);
    check(write(fd, text, strlen(text)), path);
    close(fd);
}

static void become_root(unsigned uid, unsigned gid)
{
    char map[64];
    check(unshare(CLONE_NEWUSER), "make a user namespace (run this as root)");
    write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", uid);
    write_file("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "0 %u 1", gid);
    write_file("/proc/self/gid_map", map);
}

static void kill_child(int number)
{
    (void)number;
    kill(child, SIGKILL);
}

int main(int argc, char **argv)
{
    sigset_t term, before;
    siginfo_t end;
    if (argc < 3)
        return 2;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing may outlive the benchmark, however it ends */
    if (geteuid() != 0)
        become_root(geteuid(), getegid());
    int fd = open_records(argv[1]);
    check(unshare(CLONE_NEWPID | CLONE_NEWNS), "make namespaces");
    check(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), "make mounts private");
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, &before); /* until there is a child that TERM can mean */
    child = fork();
    check(child, "fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* of PID 1: the kernel ends its namespace with it */
        unsigned long safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;
        check(mount("proc", "/proc", "proc", safe, NULL), "mount /proc");
        sigprocmask(SIG_SETMASK, &before, NULL);
        record(fd, 'I', getpid(), now(), argv[2]);
        execv(argv[2], argv + 2);
        check(-1, argv[2]);
    }
    record(fd, 'P', child, now(), "init");
    signal(SIGTERM, kill_child);
    sigprocmask(SIG_SETMASK, &before, NULL);
    while (waitid(P_PID, child, &end, WEXITED | WNOWAIT) < 0 && errno == EINTR)
        ;
    record(fd, 'X', child, now(), "init");
    signal(SIGTERM, SIG_IGN); /* before the pid can be another's */
    waitpid(child, NULL, 0);
    return end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
}
