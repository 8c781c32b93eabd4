"""Comments: what is understood of them, and what people make of that. The only caller of `nlp`.

`redaction` takes personal data out first where the workspace asks; `analysis` reads what was not
read yet; `learning` fits the sentiment to the workspace's own scores; `topics` looks for what no
theme explains. All four are work that a job finds undone. `corrections` and `own_themes` are what
people say, which no later analysis overrides. Whatever takes comments from the database for a list,
a search or learning begins with `readable.comments`.
"""
