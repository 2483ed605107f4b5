"""What the browser still asks of a page that it is about to leave is not answered."""

from functools import wraps
from weakref import WeakKeyDictionary

from streamlit.runtime.fragment import FragmentStorage
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner.script_runner import RerunData, ScriptRunner

# The page of a visit's last run, as Streamlit names it; a visit has its own storage for the parts of its page.
PAGES: WeakKeyDictionary[FragmentStorage, str] = WeakKeyDictionary()


def ignore() -> None:
    """Skip a run of parts (st.fragment) of a page that is not open any more; once a process.

    The browser may ask for one, by a timer or a click, while the server opens another page. Streamlit draws such a part
    only if the new page has one of the same name, but in any case it tells the browser that the page it has left is
    shown now: the browser empties itself and stays white until it is loaded anew. So it was in some one of ten changes
    of page of a follower on a busy machine.
    """
    run = ScriptRunner._run_script
    if hasattr(run, "__wrapped__"):
        return

    @wraps(run)
    def run_what_is_there(self: ScriptRunner, asked: RerunData) -> None:
        parts, storage = asked.fragment_id_queue, self._fragment_storage
        elsewhere = asked.page_script_hash and asked.page_script_hash != PAGES.get(storage, asked.page_script_hash)
        if parts and (elsewhere or not any(map(storage.contains, parts))):
            return
        run(self, asked)
        if context := get_script_run_ctx():
            PAGES[storage] = context.page_script_hash

    ScriptRunner._run_script = run_what_is_there
