/* `chatter RECORDS NAME BYTES`: on USR1 writes so many bytes of lines of 100 to stdout, and tells
   when the last was taken (E); stays until TERM. */
#include "record.h"
#include <string.h>

#define LINE 100
#define LINES 600

int main(int argc, char **argv)
{
    static char block[LINE * LINES];
    sigset_t set;
    int number;
    if (argc != 4)
        return 2;
    await_orders(&set);
    memset(block, 'x', sizeof block);
    for (int i = 0; i < LINES; i++)
        block[i * LINE + LINE - 1] = '\n';
    int fd = open_records(argv[1]);
    record(fd, 'S', getpid(), now(), argv[2]);
    while (sigwait(&set, &number) == 0 && number == SIGUSR1) {
        record(fd, 'B', getpid(), now(), argv[2]);
        for (long long left = atoll(argv[3]); left > 0;) {
            ssize_t size = left < (long long)sizeof block ? left : (long long)sizeof block;
            size = write(1, block, size);
            if (size < 0)
                return 125;
            left -= size;
        }
        record(fd, 'E', getpid(), now(), argv[2]);
    }
    return 0;
}
