"""``mienscope verify``: what a pack's decisions rest on, over a labelled corpus, as a report, a table and figures.

::

    command      what was asked for --> core.verification --> Findings
    |-- report      Findings --> Document (chapters/: one file per chapter; charts: its figures) --> HTML and PDF
    |-- comparison  the same of several packs side by side
    |-- rows        Findings --> Parquet, one row per image and region
    `-- figures     Findings --> JSON, every figure for a program to read
"""
