from jobrunner import Unrecoverable, handler


@handler(name="python-kind")
def run(job):
    job.log(f"attempt {job.attempt}")
    todo = job.data["do"]
    if todo == "answer":
        job.progress(50)
        return {"answer": job.data["value"]}
    if todo == "fail":
        raise TypeError("failed on purpose")
    if todo == "give-up":
        raise Unrecoverable("gave up on purpose")
    if todo == "remember":
        if job.state is not None:
            return {"remembered": job.state}
        job.save_state({"value": job.data["value"]})
        raise RuntimeError("once more, please")
    values = list(job.children_values().values())
    if values:
        return {"gathered": values}
    job.add_children([{"name": "echo", "data": {"from": "python-kind"}}])
    job.wait_for_children()
