"""Write JobRunner job handlers in Python.

>>> from jobrunner import handler
>>> @handler(name="greet")
... def greet(job):
...     return "Hello, " + job.data["name"]
"""

from ._definition import Definition, handler
from ._errors import Cancelled, Delay, Unrecoverable
from ._job import Job

__all__ = ["Cancelled", "Definition", "Delay", "Job", "Unrecoverable", "handler"]
