#ifndef C_LOCKSTEP_H
#define C_LOCKSTEP_H

// A pipe that holds one write, its reading end first. 0, or -1 and errno.
int lockstep_pipe(int ends[2]);

// Waits for what is in the pipe and copies it to another, taking nothing out. Bytes; 0 at the end.
long lockstep_copy(int from, int to);

#endif
