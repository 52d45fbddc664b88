"""Generates files to import: valid, nearly valid and arbitrary ones, as bytes."""

import json

from hypothesis import strategies as st

CELLS = st.text(max_size=8) | st.sampled_from(
    ["law", "food", '"', ",", "\t", ";", "\r", "\n", "sep=", "[", "{", "__label__", "\x00", "\ufeff"]
)
NAMES_OF_FIELDS = st.sampled_from(
    ["text", "title", "label", "labels", "cats", "answer", "accept", "options", "data", "annotations", "completions", "result",
     "annotation_id", "annotator", "id", "fields", "responses", "suggestions", "topic.responses", "topic.responses.status",
     "annotation", "prediction", "inputs", "metadata", "value", "choices", "taxonomy", "meta", "status", "score", "start", "end"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | CELLS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES_OF_FIELDS | CELLS, inner, max_size=4),
    max_leaves=12,
)
RECORDS = st.dictionaries(NAMES_OF_FIELDS, VALUES, max_size=6)
JSON_LINES = st.lists(RECORDS.map(json.dumps) | CELLS, max_size=4).map("\n".join)
ARRAYS = st.lists(RECORDS, max_size=4).map(json.dumps)
DELIMITED = st.sampled_from([",", "\t", ";", "|"]).flatmap(
    lambda mark: st.lists(st.lists(CELLS, max_size=4).map(mark.join), max_size=5).map(
        lambda lines: "\n".join([mark.join(("text", "label", "annotator", "annotation_id")), *lines])
    )
)
CODES = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
BROKEN = st.tuples(
    JSON_LINES | ARRAYS | DELIMITED, st.integers(0, 80), st.sampled_from([0, 1, 5]), st.text(max_size=3)
).map(lambda one: one[0][: one[1]] + one[3] + one[0][one[1] + one[2] :])
FILES = st.one_of(
    st.tuples(BROKEN, CODES).map(lambda pair: pair[0].encode(pair[1], errors="replace")),
    st.tuples(JSON_LINES | ARRAYS | DELIMITED, CODES).map(lambda pair: pair[0].encode(pair[1], errors="replace")),
    st.binary(max_size=60),
    st.tuples(DELIMITED, st.binary(max_size=10)).map(lambda pair: pair[0].encode("utf-8", errors="replace") + pair[1]),
)
