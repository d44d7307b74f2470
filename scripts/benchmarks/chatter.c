/* `chatter RECORDS NAME BYTES`: on USR1 writes so many bytes, in whole blocks of lines of 100, to
   stdout, and tells when the last was taken (E); stays until TERM. The first line of a block begins
   with `#` and its number, so that it can be told whether any is missing (lines.py). */
#include "record.h"
#include <string.h>

#define LINE 100
#define LINES 600

int main(int argc, char **argv)
{
    static char block[LINE * LINES + 1];
    sigset_t set;
    int number;
    if (argc != 4)
        return 2;
    await_orders(&set);
    memset(block, 'x', LINE * LINES);
    for (int i = 0; i < LINES; i++)
        block[i * LINE + LINE - 1] = '\n';
    int fd = open_records(argv[1]);
    record(fd, 'S', getpid(), now(), argv[2]);
    while (sigwait(&set, &number) == 0 && number == SIGUSR1) {
        long long blocks = (atoll(argv[3]) + LINE * LINES - 1) / (LINE * LINES);
        record(fd, 'B', getpid(), now(), argv[2]);
        for (long long i = 0; i < blocks; i++) {
            char head[16];
            memcpy(block, head, snprintf(head, sizeof head, "#%010lld", i));
            for (long size = 0, done; size < LINE * LINES; size += done)
                if ((done = write(1, block + size, LINE * LINES - size)) < 0)
                    return 125;
        }
        record(fd, 'E', getpid(), now(), argv[2]);
    }
    return 0;
}
