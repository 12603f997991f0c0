"""The host shim: ``python3 jobrunner_host.py MODULE.py`` runs one handler module for a worker."""

import sys

from jobrunner._host import Host

if __name__ == "__main__":
    Host(sys.argv[1]).serve()
