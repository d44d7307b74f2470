/* `floor SERVICES [LOGS]`: what no init can be faster than. As floor.py, but in C: vfork, exec and
   waitpid of the commands in the file SERVICES (each line a name and words). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS 16
#define CHUNK (256 * 1024)
#define PIPE (1024 * 1024)
#define SIZE (10 * 1024 * 1024)
#define KEEP 5

struct service {
    char *name, *argv[WORDS], *path;
    pid_t pid;
    int out[2], file;
    long long size;
};

static struct service *services;
static int count, running, ends;
static char buffer[CHUNK];
extern char **environ;

static void must(long result, const char *what)
{
    if (result < 0) {
        perror(what);
        exit(1);
    }
}

static void open_log(struct service *s)
{
    s->file = open(s->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    must(s->file, s->path);
    s->size = 0;
}

static void rotate(struct service *s)
{
    char from[4096], to[4096];
    close(s->file);
    for (int number = KEEP; number > 0; number--) {
        snprintf(to, sizeof to, "%s.%d", s->path, number);
        snprintf(from, sizeof from, number > 1 ? "%s.%d" : "%s", s->path, number - 1);
        rename(from, to);
    }
    open_log(s);
}

static int pump(struct service *s)
{
    ssize_t got = read(s->out[0], buffer, sizeof buffer);
    if (got < 0)
        return 0;
    for (ssize_t done = 0; done < got;) {
        ssize_t put = write(s->file, buffer + done, got - done);
        must(put, s->path);
        done += put;
    }
    if ((s->size += got) >= SIZE)
        rotate(s);
    return 1;
}

static void load(const char *path, const char *logs)
{
    char *line = NULL, name[4096];
    size_t space = 0;
    FILE *file = fopen(path, "re");
    must(file ? 0 : -1, path);
    while (getline(&line, &space, file) > 0) {
        services = realloc(services, (count + 1) * sizeof *services);
        struct service *s = &services[count++];
        memset(s, 0, sizeof *s);
        char *text = strdup(line), *word = strtok(text, " \n");
        s->name = word;
        for (int i = 0; i < WORDS - 1 && (word = strtok(NULL, " \n")); i++)
            s->argv[i] = word;
        if (logs) {
            snprintf(name, sizeof name, "%s/%s.log", logs, s->name);
            s->path = strdup(name);
            must(pipe2(s->out, O_CLOEXEC), "pipe");
            fcntl(s->out[0], F_SETPIPE_SZ, PIPE);
            open_log(s);
        }
    }
    fclose(file);
}

static void start(struct service *s)
{
    sigset_t none;
    sigemptyset(&none);
    s->pid = vfork();
    must(s->pid, "vfork");
    if (s->pid == 0) {
        setsid();
        sigprocmask(SIG_SETMASK, &none, NULL);
        if (s->path) {
            dup2(s->out[1], 1);
            dup2(s->out[1], 2);
        }
        execve(s->argv[0], s->argv, environ);
        _exit(127);
    }
    running++;
}

static void reap(void)
{
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        for (int i = 0; i < count; i++)
            if (services[i].pid == pid) {
                services[i].pid = 0;
                running--;
                if (!ends)
                    start(&services[i]);
                break;
            }
    if (!ends || running)
        return;
    for (int i = 0; i < count && services[i].path; i++) {
        fcntl(services[i].out[0], F_SETFL, O_NONBLOCK);
        while (pump(&services[i]))
            ;
    }
    _exit(0);
}

static void end(void)
{
    ends = 1;
    for (int i = 0; i < count; i++)
        if (services[i].pid)
            kill(services[i].pid, SIGTERM);
}

static void watch(int epoll, int fd, int which)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = which};
    must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

int main(int argc, char **argv)
{
    sigset_t set;
    struct signalfd_siginfo info;
    struct epoll_event events[64];
    if (argc < 2)
        return 2;
    load(argv[1], argc > 2 ? argv[2] : NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_SETMASK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), epoll = epoll_create1(EPOLL_CLOEXEC);
    must(signals, "signalfd");
    watch(epoll, signals, count);
    for (int i = 0; i < count; i++)
        start(&services[i]);
    for (int i = 0; i < count && services[i].path; i++)
        watch(epoll, services[i].out[0], i);
    for (;;) {
        int ready = epoll_wait(epoll, events, 64, -1);
        for (int i = 0; i < ready; i++) {
            if ((int)events[i].data.u32 < count) {
                pump(&services[events[i].data.u32]);
                continue;
            }
            while (read(signals, &info, sizeof info) == sizeof info)
                if (info.ssi_signo == SIGTERM)
                    end();
            reap();
        }
    }
}
