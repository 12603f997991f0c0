from jobrunner import Unrecoverable, handler


@handler(name="async-python-kind")
async def run(job):
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
        await job.save_state_async({"value": job.data["value"]})
        raise RuntimeError("once more, please")
    values = list((await job.children_values_async()).values())
    if values:
        return {"gathered": values}
    await job.add_children_async([{"name": "echo", "data": {"from": "async-python-kind"}}])
    job.wait_for_children()
