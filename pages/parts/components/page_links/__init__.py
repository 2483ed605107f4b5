"""Links to pages of the explorer that take along what the address of this one holds: its runs, its epoch, its image."""

from collections.abc import Sequence

from pages.parts.components import component

COMPONENT = component("page_links", "page_links/page_links.js", ("shared/common.css", "page_links/page_links.css"))


def page_links(links: Sequence[dict], *, label: str, key: str, here: dict, column: bool = False) -> dict | None:
    """Draw the links in a row or a column, as a navigation called `label`; what was clicked, or None.

    A link is {file, address, name, icon, what, current, takes, numbers}: `current` is the value of its aria-current or
    "", `takes` the keys of the address that go along, `numbers` whether ?image= of that page is the number of a test
    image. `here` is {numbers, last}: the same of the page on which the links stand, and the run looked at last, or
    None. A click gives {"file": file, "query": {key: text}}; in a new tab the browser opens the link itself.
    """
    asked = COMPONENT(
        key=key,
        data={"links": list(links), "label": label, "column": column, **here},
        width="stretch" if column else "content",
        on_go_change=lambda: None,
    ).go
    return asked if isinstance(asked, dict) else None
