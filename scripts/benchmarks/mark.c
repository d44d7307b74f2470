/* `mark RECORDS COMMAND ARG...`: tells that COMMAND is about to be exec'ed (I), and execs it. */
#include "record.h"

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    record(open_records(argv[1]), 'I', getpid(), now(), argv[2]);
    execv(argv[2], argv + 2);
    perror(argv[2]);
    return 127;
}
