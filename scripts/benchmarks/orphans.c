/* `orphans RECORDS NAME COUNT`: on USR1 makes so many orphans as fast as it can, each of which ends
   at once, tells when the last has been made (O), and stays until TERM. */
#include "record.h"
#include <sys/wait.h>

int main(int argc, char **argv)
{
    sigset_t set;
    int number;
    if (argc != 4)
        return 2;
    await_orders(&set);
    int fd = open_records(argv[1]);
    record(fd, 'S', getpid(), now(), argv[2]);
    while (sigwait(&set, &number) == 0 && number == SIGUSR1) {
        for (int left = atoi(argv[3]); left > 0; left--) {
            pid_t child = vfork();
            if (child < 0)
                return 125;
            if (child == 0)
                _exit(fork() < 0 ? 125 : 0); /* the one that it leaves behind ends here, too */
            waitpid(child, &number, 0);
        }
        record(fd, 'O', getpid(), now(), argv[2]);
    }
    return 0;
}
