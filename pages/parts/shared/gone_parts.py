"""What the browser still asks of a page that it is about to leave is not answered."""

from functools import wraps


def ignore() -> None:
    """Skip a run of parts (st.fragment) of a page that is not open any more; once a process.

    The browser may ask for one, by a timer or a click, while the server opens another page. Streamlit draws such a part
    only if the new page has one of the same name, but in any case it tells the browser that the page it has left is
    shown now: the browser empties itself and stays white until it is loaded anew. So it was in some one of ten changes
    of page of a follower on a busy machine. Raises an ImportError or an AttributeError where this Streamlit is another
    one inside.
    """
    from streamlit.runtime.scriptrunner.script_runner import RerunData, ScriptRunner

    run = ScriptRunner._run_script
    if hasattr(run, "__wrapped__"):
        return

    @wraps(run)
    def run_what_is_there(self: ScriptRunner, asked: RerunData) -> None:
        here = ("", self._pages_manager.current_page_script_hash)
        if not asked.fragment_id_queue or asked.page_script_hash in here:
            run(self, asked)

    ScriptRunner._run_script = run_what_is_there
