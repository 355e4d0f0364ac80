"""Evolves tables with PyIceberg, writes data files for schemas that others evolved, and reads every snapshot of a table.

Commands, each with one JSON argument; each prints one JSON object:
  write   {"files": [{"path", "schema", "step"}]}        two rows in a Parquet file with the field ids of that schema
  evolve  {"sqlite", "warehouse", "schema", "steps"}     makes a table and takes the steps, with an append after each
  further {"sqlite", "warehouse", "metadata", "steps"}   registers a table, takes the steps, with an append after each
  read    {"metadata"}                                   rows of every snapshot, as PyIceberg and as DuckDB see them

A step is {"schema": [[method, ...arguments]], "spec": [...], "sort": [...]}; values are printed as scan_tables.py does.
"""

import datetime
import decimal
import json
import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.schema import Schema
from pyiceberg.table import StaticTable
from pyiceberg.table.sorting import NullOrder
from pyiceberg.transforms import parse_transform
from pyiceberg.types import NestedField
from scan_tables import EPOCH, rows_of

from iceberg_judge import duckdb_connection


def is_list(type_):
    return pa.types.is_list(type_) or pa.types.is_large_list(type_)


def sample(type_, seed):
    """A value that tells the field and the row apart from every other."""
    if pa.types.is_boolean(type_):
        return seed % 2 == 0
    if pa.types.is_integer(type_):
        return seed * 7 - (2**40 if type_ == pa.int64() else 0)
    if pa.types.is_floating(type_):
        return seed / 4
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return f"text {seed}"
    if pa.types.is_decimal(type_):
        return decimal.Decimal(seed).scaleb(-type_.scale)
    if pa.types.is_date(type_):
        return datetime.date(1969, 12, 1) + datetime.timedelta(days=seed)
    if pa.types.is_struct(type_):
        return {field.name: sample(field.type, seed * 3 + i) for i, field in enumerate(type_)}
    if pa.types.is_map(type_):
        return [(sample(type_.key_type, seed), sample(type_.item_type, seed + 1))]
    if is_list(type_):
        return [sample(type_.value_type, seed + i) for i in range(2)]
    raise TypeError(str(type_))


def table_of(schema, step):
    """Two rows of one partition, whatever the spec: the second is null where that may be.

    Lists and maps have values always: PyIceberg 0.12 reads nulls of those as empty ones.
    """
    arrow = schema_to_pyarrow(schema)
    key = {
        "id": step * 10,
        "ts": EPOCH + datetime.timedelta(hours=5 * step - 7),
    }
    rows = []
    for i in range(2):
        row = {}
        for position, field in enumerate(arrow):
            if field.name in key:
                row[field.name] = key[field.name]
            elif i == 1 and field.nullable and not pa.types.is_map(field.type) and not is_list(field.type):
                row[field.name] = None
            else:
                row[field.name] = sample(field.type, step * 20 + position + i)
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=arrow)


def write(request):
    sizes = []
    for file in request["files"]:
        os.makedirs(os.path.dirname(file["path"]), exist_ok=True)
        pq.write_table(table_of(Schema.model_validate(file["schema"]), file["step"]), file["path"], compression="zstd")
        sizes.append(os.path.getsize(file["path"]))
    return {"sizes": sizes}


def type_of(spelled):
    return NestedField.model_validate({"id": 1, "name": "x", "required": False, "type": spelled}).field_type


def change_schema(update, method, *arguments):
    path = tuple(arguments[0]) if arguments else ()
    if method == "addColumn":
        update.add_column(path, type_of(arguments[1]), doc=arguments[2])
    elif method == "dropColumn":
        update.delete_column(path)
    elif method == "renameColumn":
        update.rename_column(path, arguments[1])
    elif method == "widenColumn":
        update.update_column(path, field_type=type_of(arguments[1]))
    elif method == "makeOptional":
        update.make_column_optional(path)
    elif method == "setDoc":
        update.update_column(path, doc=arguments[1])
    elif method == "moveFirst":
        update.move_first(path)
    elif method == "moveBefore":
        update.move_before(path, tuple(arguments[1]))
    elif method == "moveAfter":
        update.move_after(path, tuple(arguments[1]))
    elif method == "setIdentifierFields":
        update.set_identifier_fields(*path)
    elif method == "unionByName":
        update.union_by_name(Schema.model_validate(arguments[0]))
    else:
        raise ValueError(method)


def take(table, step):
    if step.get("schema"):
        with table.update_schema() as update:
            for change in step["schema"]:
                change_schema(update, *change)
    if step.get("spec"):
        with table.update_spec() as update:
            for method, *arguments in step["spec"]:
                if method == "addField":
                    update.add_field(arguments[0], parse_transform(arguments[1]), arguments[2])
                elif method == "removeField":
                    update.remove_field(arguments[0])
                else:
                    update.rename_field(*arguments)
    if "sort" in step:
        with table.update_sort_order() as update:
            for method, column, transform in step["sort"]:
                # Iceberg Java's defaults, which ours are; PyIceberg puts nulls last always.
                nulls = NullOrder.NULLS_FIRST if method == "asc" else NullOrder.NULLS_LAST
                getattr(update, method)(column, parse_transform(transform), nulls)


def take_all(table, steps, first):
    locations = []
    for number, step in enumerate(steps, first):
        take(table, step)
        table.append(table_of(table.schema(), number))
        locations.append(table.metadata_location)
    return locations


def catalog_of(request):
    catalog = SqlCatalog("danube", uri=f"sqlite:///{request['sqlite']}", warehouse=request["warehouse"])
    catalog.create_namespace_if_not_exists("default")
    return catalog


def evolve(request):
    table = catalog_of(request).create_table("default.evolved", Schema.model_validate(request["schema"]))
    return {"locations": take_all(table, request["steps"], 0)}


def further(request):
    table = catalog_of(request).register_table("default.further", request["metadata"])
    return {"locations": take_all(table, request["steps"], 100)}


def read(request):
    table = StaticTable.from_metadata(request["metadata"])
    duck = duckdb_connection()
    location = request["metadata"].removeprefix("file://")
    snapshots = []
    for snapshot in table.metadata.snapshots:
        scan = table.scan(snapshot_id=snapshot.snapshot_id)
        result = duck.sql(f"select * from iceberg_scan('{location}', snapshot_from_id => {snapshot.snapshot_id})")
        snapshots.append(
            {
                "snapshotId": str(snapshot.snapshot_id),
                "pyiceberg": rows_of(scan.to_arrow()),
                "duckdb": rows_of(result.to_arrow_table()),
            }
        )
    filtered = table.scan(row_filter=f"id >= {request['from_id']}")
    duck_filtered = duck.sql(f"select * from iceberg_scan('{location}') where id >= {request['from_id']}")
    return {
        "snapshots": snapshots,
        "filtered": {
            "pyiceberg": rows_of(filtered.to_arrow()),
            "duckdb": rows_of(duck_filtered.to_arrow_table()),
        },
    }


if __name__ == "__main__":
    commands = {"write": write, "evolve": evolve, "further": further, "read": read}
    print(json.dumps(commands[sys.argv[1]](json.loads(sys.argv[2]))))
