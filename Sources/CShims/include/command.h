#pragma once
#include <sys/types.h>

/// Starts `arguments[0]`, found by PATH, in `folder`, without a shell. Standard input is empty,
/// standard error is ours; `*output` becomes the reading end of its standard output. Both arrays
/// end with NULL. Signals that we block or ignore are neither for the command.
///
/// Returns 0 or an error number.
int matriarch_spawn(char *const arguments[], char *const environment[], const char *folder,
                    pid_t *process, int *output);
