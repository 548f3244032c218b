#pragma once

/// Columns of the terminal at a descriptor; 0 where it is none or does not say.
int matriarch_terminal_columns(int descriptor);

/// No core dump of this process may hold the secrets in its memory.
void matriarch_forbid_core_dumps(void);
