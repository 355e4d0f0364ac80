"""Reads a Parquet file with pyarrow and prints what it saw as one JSON object.

Usage: read_parquet.py FILE
64-bit integers go as strings, binary as hex, timestamps as microseconds since 1970.
"""

import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq


def field_ids(schema: pa.Schema) -> dict:
    seen = {}

    def visit(path: str, field: pa.Field) -> None:
        metadata = field.metadata or {}
        if b"PARQUET:field_id" in metadata:
            seen[path] = [int(metadata[b"PARQUET:field_id"]), "optional" if field.nullable else "required"]
        if pa.types.is_map(field.type):
            visit(f"{path}.key", field.type.key_field)
            visit(f"{path}.value", field.type.item_field)

    for field in schema:
        visit(field.name, field)
    return seen


def plain(array: pa.ChunkedArray) -> list:
    kind = array.type
    if pa.types.is_timestamp(kind) or pa.types.is_int64(kind):
        return [None if v is None else str(v) for v in array.cast(pa.int64()).to_pylist()]
    if pa.types.is_binary(kind):
        return [None if v is None else v.hex() for v in array.to_pylist()]
    if pa.types.is_map(kind):
        return [None if v is None else [list(entry) for entry in v] for v in array.to_pylist()]
    return array.to_pylist()


def statistics_of(chunk: pq.ColumnChunkMetaData) -> list | None:
    statistics = chunk.statistics
    if statistics is None or not statistics.has_min_max:
        return None
    physical = statistics.to_dict()
    bounds = [physical["min"], physical["max"]]
    return [str(int(b.timestamp() * 1_000_000)) if hasattr(b, "timestamp") else str(b) for b in bounds]


def main(path: str) -> None:
    file = pq.ParquetFile(path)
    footer = file.metadata
    table = file.read()
    table.validate(full=True)
    leaves = [file.schema.column(i) for i in range(footer.num_columns)]
    row_groups = []
    for i in range(footer.num_row_groups):
        group = footer.row_group(i)
        chunks = [group.column(j) for j in range(group.num_columns)]
        row_groups.append(
            {
                "rows": group.num_rows,
                "bytes": group.total_byte_size,
                "columns": {
                    c.path_in_schema: {
                        "codec": c.compression,
                        "columnIndex": c.has_column_index,
                        "offsetIndex": c.has_offset_index,
                        "dictionary": c.has_dictionary_page,
                        "bloomFilter": c.bloom_filter_offset is not None,
                        "bounds": statistics_of(c),
                    }
                    for c in chunks
                },
            }
        )
    print(
        json.dumps(
            {
                "pyarrow": pa.__version__,
                "rows": table.num_rows,
                "fields": field_ids(file.schema_arrow),
                "logical": {c.path: json.loads(c.logical_type.to_json()) for c in leaves},
                "physical": {c.path: c.physical_type for c in leaves},
                "rowGroups": row_groups,
                "columns": {name: plain(table[name]) for name in table.column_names},
            }
        )
    )


main(sys.argv[1])
