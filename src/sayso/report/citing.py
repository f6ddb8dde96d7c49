"""How to cite the paper, and sayso: what ``CITATION.cff`` says, as BibTeX (a test holds them equal)."""

from __future__ import annotations

#: Where the paper is.
PAPER_URL = "https://arxiv.org/abs/2310.15047"

PAPER = f"""@inproceedings{{krasheninnikov2024implicit,
  title = {{Implicit meta-learning may lead language models to trust more reliable sources}},
  author = {{Krasheninnikov, Dmitrii and Krasheninnikov, Egor and Mlodozeniec, Bruno and Maharaj, Tegan and
            Krueger, David}},
  booktitle = {{Proceedings of the 41st International Conference on Machine Learning}},
  year = {{2024}},
  url = {{{PAPER_URL}}}
}}"""

SOFTWARE = """@software{sayso,
  title = {sayso: which statements a language model comes to believe, and why},
  author = {{The sayso authors}},
  version = {0.1.0},
  license = {Apache-2.0}
}"""

#: What is cited, and its BibTeX.
CITATIONS = (("The paper", PAPER), ("The software", SOFTWARE))
