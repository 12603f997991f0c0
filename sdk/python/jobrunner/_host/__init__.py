"""Runs one handler module for a worker: the other half of the package, of no use to authors.

The worker starts ``jobrunner_host.py MODULE.py`` and speaks JSON-RPC 2.0 with it over
stdin and stdout, one message a line. A thread reads the messages; coroutines run in one
event loop on the main thread, plain functions in a pool of threads.
"""
