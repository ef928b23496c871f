"""strings.py - what takes and gives strings, and counts them."""

import numpy as np

from .case import DTYPE, ML, rule

WORDS = ("", "a", "A", "b", "ab", "aB", "abc", "a b", " a", "b  c ", "\ta\n", "a,b", ",", ",,a,", "a,,b", "1", "-2.5", "nan", "é", "É,ß", "日本", "x" * 70, "a" * 17 + " " + "b" * 17)
PLAIN = ("a", "b", "c", "ab", "abc", "A", "1", " ", "")


def words(c, dims, among=WORDS):
    return np.array([c.choose(*among) for _ in range(int(np.prod(dims)))], object).reshape(dims)


@rule("StringConcat")
def concat(c):
    dims = c.shape(most=200)
    c.value("X", words(c, dims))
    c.value("Y", words(c, c.broadcast(dims)))
    c.output_types = {0: "string"}


@rule("StringSplit")
def split(c):
    c.value("X", words(c, c.shape(0, 3, 60)))
    c.attribute("delimiter", "", ",", " ", "a", "ab", ",,", "é")
    c.attribute("maxsplit", 0, 1, 2, 5, 100)
    # Between delimiters there is an empty string where there is nothing else; ONNX Runtime finds none in an empty one.
    if c.attributes.get("delimiter") and "" in c.inputs["X"]:
        c.distrusted.add("ort")
    c.outputs, c.output_types = ["Y", "Z"], {0: "string", 1: "int64"}


@rule("StringNormalizer")
def normalize(c):
    width = c.dim()
    # onnx.reference drops what is empty and takes accents off, and ONNX Runtime asks the machine for the usual locale.
    among = [word for word in WORDS if word and word.isascii()]
    c.value("X", words(c, [width] if c.chance(0.6) else [1, width], among))
    # Nor does it drop stop words of a row.
    if c.inputs["X"].ndim == 2:
        c.distrusted.add("reference")
    c.attribute("locale", "C", probability=0.8)
    c.attribute("case_change_action", "NONE", "LOWER", "UPPER")
    c.attribute("is_case_sensitive", 0, 1)
    if c.chance(0.6):
        c.attributes["stopwords"] = [c.choose(*among) for _ in range(c.integer(1, 4))]
        # It looks for stop words as they are written, too, where case is not to matter.
        if not c.attributes.get("is_case_sensitive"):
            c.distrusted.add("reference")
    c.output_types = {0: "string"}


def pattern(c, depth=0):
    """One of the patterns that RE2 and Python read alike."""
    kind = c.integer(0, 9 if depth < 3 else 3)
    if kind < 4:
        return c.choose("a", "b", "ab", ".", "[ab]", "[^a]", r"\d", r"\w", r"\s", "[a-cA-C]", r"\.", "é")
    if kind < 7:
        return pattern(c, depth + 1) + pattern(c, depth + 1)
    inner = f"(?:{pattern(c, depth + 1)})"
    return inner + c.choose("*", "+", "?", "{2}", "{1,3}", "*?", "{0,2}") if kind < 9 else f"(?:{pattern(c, depth + 1)}|{pattern(c, depth + 1)})"


@rule("RegexFullMatch")
def match(c):
    c.value("X", words(c, c.shape(0, 3, 60), (*WORDS, *PLAIN, "aab", "ba", "a1", "abab")))
    c.attributes["pattern"] = pattern(c)
    c.types["T2"] = "bool"


@rule("TfIdfVectorizer")
def count(c):
    is_text = c.chance(0.4)
    low = c.integer(1, 3)
    high = c.integer(low, 3)
    alphabet = PLAIN[:6] if is_text else list(range(6))
    pool, starts, grams = [], [], 0
    for length in range(1, high + 1):
        starts.append(len(pool))
        made = {tuple(c.choose(*alphabet) for _ in range(length)) for _ in range(c.integer(1, 6))}
        for gram in sorted(made, key=str):
            pool += gram
        grams += len(made)
    c.attributes.update(min_gram_length=low, max_gram_length=high, max_skip_count=c.integer(0, 3), mode=c.choose("TF", "IDF", "TFIDF"), ngram_counts=starts)
    c.attributes["ngram_indexes"] = list(map(int, c.numbers.permutation(grams)))
    c.attributes["pool_strings" if is_text else "pool_int64s"] = pool
    if c.chance(0.5):
        c.attributes["weights"] = [float(np.float32(x)) for x in c.numbers.uniform(0.1, 3, grams)]
    dims = c.shape(1, 2, 200, empty=0)
    if is_text:
        c.value("X", words(c, dims, alphabet), 0)
    else:
        c.value("X", np.asarray(c.numbers.integers(0, 6, dims)).astype(DTYPE[c.choose("int32", "int64")]), 0)
    c.types["T1"] = "float"


@rule("CategoryMapper", domain=ML)
def mapper(c):
    keys = c.rng.sample([word for word in WORDS if word], c.integer(1, 6))
    numbers = list(map(int, c.numbers.permutation(20)[: len(keys)]))
    c.attributes.update(cats_strings=keys, cats_int64s=numbers)
    if c.chance(0.5):
        c.attribute("default_int64", -1, 7, probability=1)
        c.value("X", words(c, c.shape(1, 3, 100)))
        c.types["T2"] = "int64"
    else:
        c.attribute("default_string", "_", "none", probability=1)
        c.value("X", np.asarray(c.numbers.integers(0, 20, c.shape(1, 3, 100))))
        c.output_types = {0: "string"}
