"""Files that the browser fetches by an address: they are there for who fetches late, and do not pile up."""

from pathlib import PurePosixPath

from streamlit.testing.v1 import AppTest


def late() -> None:
    """A page that serves a file and is drawn anew; another visitor's page ends before the browser has fetched it."""
    import streamlit as st
    from streamlit.runtime import get_instance

    from pages.parts.components import serving

    url = serving.serve(b"an image", "image/png", "one")
    files = get_instance().media_file_mgr
    files.clear_session_refs()
    files.remove_orphaned_files()
    st.session_state.url, st.session_state.file = url, files.read_file(url.split("/")[-1].split(".")[0])


def many() -> None:
    import streamlit as st
    from streamlit.runtime import get_instance

    from pages.parts.components import serving

    urls = [serving.serve(b"%d" % i, "image/png", f"{i}") for i in range(10 * serving.HELD)]
    files = get_instance().media_file_mgr
    files.clear_session_refs()
    files.remove_orphaned_files()
    st.session_state.left = [url for url in urls if files.read_file(url.split("/")[-1].split(".")[0])]


def test_a_file_is_there_for_who_fetches_it_while_the_page_is_drawn_anew() -> None:
    page = AppTest.from_function(late).run()
    assert not page.exception
    assert page.session_state.file.content == b"an image"
    assert PurePosixPath(page.session_state.url).suffix == ".png"


def test_files_that_nobody_names_do_not_pile_up() -> None:
    page = AppTest.from_function(many).run(timeout=30)
    assert not page.exception
    assert 32 < len(page.session_state.left) <= 64
