"""The old address of the tour, which is now a layer over Start."""

import streamlit as st

from pages.parts.shared import layout

layout.open("Guided tour", icon=":material/explore:")
st.switch_page("app.py", query_params={**st.query_params.to_dict(), "tour": "1"})
