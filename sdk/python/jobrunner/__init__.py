"""Write JobRunner job handlers in Python.

>>> from jobrunner import handler
>>> @handler("greet")
... def greet(job):
...     return "Hello, " + job.data["name"]
"""

from ._definition import handler
from ._errors import Cancelled, Delay, RateLimit, Release, RequestError, Unrecoverable, WaitForChildren
from ._job import AddedJob, DependencyCounts, Job, NewJob

__all__ = [
    "AddedJob",
    "Cancelled",
    "Delay",
    "DependencyCounts",
    "Job",
    "NewJob",
    "RateLimit",
    "Release",
    "RequestError",
    "Unrecoverable",
    "WaitForChildren",
    "handler",
]

# Tracebacks and help call these what authors call them.
for _name in __all__:
    globals()[_name].__module__ = __name__
