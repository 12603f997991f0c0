"""Summarizes the columns of a CSV text."""

import csv
import io
import statistics

from jobrunner import Unrecoverable, handler

SCHEMA = {
    "type": "object",
    "title": "CSV summary",
    "required": ["csv"],
    "additionalProperties": False,
    "properties": {
        "csv": {
            "type": "string",
            "title": "CSV",
            "description": "The text of a CSV file, with a header line",
            "minLength": 1,
            "maxLength": 1000000,
            "default": "city,visits\nOslo,12\nRome,30\nOslo,18\n",
        },
        "delimiter": {
            "type": "string",
            "title": "Delimiter",
            "description": "What separates the columns",
            "enum": [",", ";", "\t", "|"],
            "default": ",",
        },
    },
}

RESULT_SCHEMA = {
    "type": "object",
    "required": ["rows", "columns"],
    "properties": {
        "rows": {"type": "integer", "title": "Rows"},
        "columns": {"type": "object", "title": "Columns", "additionalProperties": {"type": "object"}},
    },
}


@handler(
    name="csv-summary",
    version="1.0.0",
    description="Summarizes each column of a CSV text: numbers by their range and mean, text by its values",
    author="JobRunner examples",
    schema=SCHEMA,
    result_schema=RESULT_SCHEMA,
    attempts=3,
    backoff={"type": "exponential", "delay": 1000},
    timeout=60,
)
def csv_summary(job):
    reader = csv.DictReader(io.StringIO(job.data["csv"]), delimiter=job.data.get("delimiter", ","))
    if not reader.fieldnames:
        raise Unrecoverable("the CSV has no header line")
    rows = list(reader)
    job.log(f"{len(rows)} rows, {len(reader.fieldnames)} columns")
    columns = {}
    for done, name in enumerate(reader.fieldnames, start=1):
        job.check()
        columns[name] = summarize([row[name] for row in rows if row[name]])
        job.progress({"percent": round(100 * done / len(reader.fieldnames)), "column": name})
    return {"rows": len(rows), "columns": columns}


def summarize(values):
    """Returns the range of a column of numbers, or the number of values of any other."""
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        return {"type": "text", "filled": len(values), "distinct": len(set(values))}
    if not numbers:
        return {"type": "empty", "filled": 0}
    return {
        "type": "number",
        "filled": len(numbers),
        "min": min(numbers),
        "max": max(numbers),
        "mean": round(statistics.fmean(numbers), 6),
    }
