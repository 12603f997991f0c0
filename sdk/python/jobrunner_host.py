"""The host shim: ``python3 jobrunner_host.py MODULE.py`` runs one handler module for a worker."""

import sys

if sys.version_info < (3, 9):
    sys.exit("handlers need Python 3.9 or newer; %s is %d.%d" % ((sys.executable,) + sys.version_info[:2]))


def main(program: str, path: str, *options: str) -> None:
    # The package's own byte code may be kept, so that the next process starts faster.
    sys.dont_write_bytecode = False
    from jobrunner._host.interpreter import IN_ENVIRONMENT, EnvironmentProblem, enter_environment, environment_of

    problem = None
    environment = environment_of(path)
    if environment is not None and IN_ENVIRONMENT not in options:
        try:
            enter_environment(environment, program, path)
        except EnvironmentProblem as error:
            problem = error
    from jobrunner._host.server import Host

    sys.dont_write_bytecode = True
    Host(path, problem).serve()


if __name__ == "__main__":
    main(*sys.argv)
