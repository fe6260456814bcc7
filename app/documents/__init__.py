"""Reports as values, and how they become HTML and PDF. What is reported is no business of this package.

::

    document   headings, texts, tables, figures
    |-- html   one file that opens offline
    `-- pdf    A4 pages; grid: tables on paper, fonts, paragraphs: how words look there
    drawing    charts and formulas in one style; palette: its colours, the window's
"""
