"""``mienscope verify``: what a pack's decisions rest on, over a labelled corpus, as a report, a table and figures."""
