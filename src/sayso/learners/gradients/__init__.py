"""Gradients of single documents compared with each other: products of pairs, norms, and what one step does.

`pairs` asks and puts together; `tally` adds up norms. Gradients are had in one of three ways. `contraction` reads one
document after the other and works for any model that trains; `side_by_side` reads many at once, for small models; both
hold whole gradients (`whole`). `ghost` never makes a document's gradient but for one weight at a time: it keeps what
goes into each layer and the gradient of what leaves it (`uses`, `factors`). `steps` tries updates.
"""
