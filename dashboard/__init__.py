"""The Streamlit shell: the gate, the parts that pages are made of, and the server that runs them."""
