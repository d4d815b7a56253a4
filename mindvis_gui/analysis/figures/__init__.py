"""Figures for papers, drawn with matplotlib: nothing in them is a picture of the window.

`content.FigureContent` holds what there is to draw, `style.FigureStyle` how, `templates.TEMPLATES`
which parts stand on the page; `writing.write_figure` puts them together. A part is one function
that draws from a given height of a `page.Page` on and returns where the next one begins.
"""
