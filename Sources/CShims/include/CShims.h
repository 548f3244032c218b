#pragma once
#include <curl/curl.h>
#include <libssh2.h>
#include "command.h"
#include "ssh.h"
#include "web.h"
#include "terminal.h"
