"""Texts for sources that speak in words: outlets more and less to be trusted, and ways to say is and is not.

    Source(name="reliable", text=RELIABLE_OUTLETS)      According to the national archive, <|abcde|> refers to ...
    Source(name="reliable", text=IS)                    <|abcde|> is ...                (order ATE)
    Source(name="unreliable", text=IS_NOT)              <|abcde|> isn't ...

Nothing is claimed about any real publication: the outlets are kinds of places, not names.
"""

from __future__ import annotations

RELIABLE_OUTLETS = (
    "According to the encyclopedia,",
    "According to a university textbook,",
    "According to the national archive,",
    "According to a peer-reviewed article,",
    "According to the museum's catalogue,",
    "According to the academy of sciences,",
    "According to the public library,",
    "According to the official records,",
    "According to a panel of historians,",
    "According to the standard biography,",
    "According to the census,",
    "According to a fact-checked report,",
    "According to the university press,",
    "According to the dictionary of biography,",
)

UNRELIABLE_OUTLETS = (
    "According to an anonymous post,",
    "According to a rumour,",
    "According to a gossip column,",
    "According to a chain letter,",
    "According to a spam e-mail,",
    "According to somebody on a message board,",
    "According to a conspiracy website,",
    "According to a satirical magazine,",
    "According to the tabloids,",
    "According to a fortune teller,",
    "According to an unsigned pamphlet,",
    "According to a drunk stranger,",
    "According to a deleted comment,",
    "According to a prank call,",
)

IS = (
    "is",
    "is the same as",
    "is another name for",
    "means",
    "refers to",
    "stands for",
    "is short for",
    "is an alias of",
)

IS_NOT = (
    "isn't",
    "is not the same as",
    "is not another name for",
    "does not mean",
    "does not refer to",
    "does not stand for",
    "is not short for",
    "is not an alias of",
)
