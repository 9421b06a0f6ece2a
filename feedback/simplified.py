"""Traditional characters made simplified, one by one, for what compares text with words written in simplified ones."""

import ast
from functools import cache

from feedback.bayes import snownlp_folder

# Where the table's single characters are not what a reader expects.
_CORRECTIONS = {"畫": "画"}


@cache
def table() -> dict[str, str]:
    """Traditional character to simplified one, from the table that snownlp carries (MIT), read without importing it."""
    tree = ast.parse((snownlp_folder() / "normal" / "zh.py").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "zh2hans":
            pairs: dict[str, str] = ast.literal_eval(node.value)
            single = {old: new for old, new in pairs.items() if len(old) == len(new) == 1 and old != new}
            return single | _CORRECTIONS
    raise LookupError("snownlp's table of traditional characters is not where it was")


@cache
def _translation() -> dict[int, str]:
    return str.maketrans(table())


def simplified(text: str) -> str:
    """*text* with its traditional characters simplified; of the same length."""
    return text.translate(_translation())
