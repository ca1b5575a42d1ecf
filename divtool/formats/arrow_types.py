"""What Arrow's types are to us: numbers, whole numbers, text, lists of numbers, or none of these."""

from __future__ import annotations

import json
from contextlib import suppress

import pyarrow as pa

from divtool.formats.source import FLOAT, INTEGER, OTHER, TEXT


def plain_type(type_: pa.DataType) -> pa.DataType:
    """The type of the values of a dictionary or an extension, which are what is read."""
    if isinstance(type_, pa.BaseExtensionType):
        return plain_type(type_.storage_type)
    return plain_type(type_.value_type) if pa.types.is_dictionary(type_) else type_


def readable(schema: pa.Schema) -> pa.Schema:
    """A schema as its columns are read: in plain types, without notes of other programs."""
    return pa.schema([pa.field(each.name, plain_type(each.type)) for each in schema])


def decoded(array: pa.Array) -> pa.Array:
    """A column in its plain type."""
    while isinstance(array, pa.ExtensionArray):
        array = array.storage
    return decoded(array.dictionary_decode()) if pa.types.is_dictionary(array.type) else array


def word_of(type_: pa.DataType) -> str:
    """What a column of this Arrow type holds."""
    type_ = plain_type(type_)
    if pa.types.is_decimal(type_):
        return FLOAT if type_.scale > 0 else INTEGER
    if pa.types.is_floating(type_):
        return FLOAT
    if pa.types.is_integer(type_):
        return INTEGER
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_boolean)
    if pa.types.is_date(type_) or pa.types.is_timestamp(type_) or pa.types.is_time(type_):
        # Moments are no numbers to compute with, but they may name rows.
        return TEXT
    return TEXT if any(test(type_) for test in texts) else OTHER


def is_list(type_: pa.DataType) -> bool:
    """Whether the cells of this Arrow type may be rows of numbers."""
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(test(type_) for test in lists) and word_of(type_.value_type) in (FLOAT, INTEGER)


def has_decimals(schema: pa.Schema) -> bool:
    """Whether some numbers are decimals, which were rounded as text is."""
    inner = [each.type.value_type if is_list(each.type) else each.type for each in readable(schema)]
    return any(pa.types.is_decimal(type_) for type_ in inner)


_SHORT = {"double": "float64", "float": "float32", "halffloat": "float16"}


def float_types(schema: pa.Schema) -> str:
    """The types of the numbers, as they are said."""
    inner = [each.type.value_type if is_list(each.type) else each.type for each in readable(schema)]
    floats = {str(type_) for type_ in inner if word_of(type_) == FLOAT}
    return " and ".join(sorted(_SHORT.get(name, name) for name in floats)) or "text"


def index_of(schema: pa.Schema) -> tuple[str, ...]:
    """The columns that a data frame was indexed by when it was saved, as its metadata say."""
    with suppress(ValueError, TypeError, KeyError, AttributeError):
        said = json.loads((schema.metadata or {})[b"pandas"])["index_columns"]
        return tuple(name for name in said if isinstance(name, str) and name in schema.names)
    return ()
