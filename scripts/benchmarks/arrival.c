/* The program in a sandbox: `arrival RECORDS NAME` tells that it began (S), and ends. */
#include "record.h"

int main(int argc, char **argv)
{
    long long began = now();
    if (argc != 3)
        return 2;
    record(open_records(argv[1]), 'S', getpid(), began, argv[2]);
    return 0;
}
