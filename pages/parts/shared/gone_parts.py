"""What the browser still asks of a page that it is about to leave is not answered."""

from functools import wraps

from streamlit.runtime.scriptrunner.script_runner import RerunData, ScriptRunner


def ignore() -> None:
    """Skip a run of parts of a page (st.fragment) of which none is there any more; once a process.

    The browser may ask for one, by a timer or a click, while the server opens another page. Streamlit finds no such
    part and draws nothing, but tells the browser that the page it has left is shown now: the browser empties itself and
    stays white until it is loaded anew. So it was in some one of ten changes of page of a follower on a busy machine.
    """
    run = ScriptRunner._run_script
    if hasattr(run, "__wrapped__"):
        return

    @wraps(run)
    def run_what_is_there(self: ScriptRunner, asked: RerunData) -> None:
        parts = asked.fragment_id_queue
        if not parts or any(map(self._fragment_storage.contains, parts)):
            run(self, asked)

    ScriptRunner._run_script = run_what_is_there
