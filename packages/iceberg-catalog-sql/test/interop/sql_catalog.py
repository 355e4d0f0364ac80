"""The PyIceberg side of pyiceberg.interop.test.ts.

usage: sql_catalog.py COMMAND CATALOG_DB WAREHOUSE_URI [ARGUMENT ...]
Prints one JSON value. Needs pyiceberg[pyarrow,sql-sqlite].
"""

import json
import sys

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException


def open_catalog(database, warehouse):
    return SqlCatalog("danube", uri=f"sqlite:///{database}", warehouse=warehouse)


def rows(*ids):
    schema = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("text", pa.string())])
    return pa.Table.from_pylist([{"id": i, "text": f"row {i}"} for i in ids], schema=schema)


def describe_table(catalog, identifier):
    table = catalog.load_table(identifier)
    snapshot = table.current_snapshot()
    return {
        "identifier": list(identifier),
        "uuid": str(table.metadata.table_uuid),
        "metadataLocation": table.metadata_location,
        "location": table.location(),
        "properties": table.properties,
        "fields": [[f.field_id, f.name, str(f.field_type), f.required] for f in table.schema().fields],
        "partitionFields": [[f.source_id, f.field_id, f.name, str(f.transform)] for f in table.spec().fields],
        # As text: JSON's numbers would round it.
        "snapshotId": None if snapshot is None else str(snapshot.snapshot_id),
        "snapshots": len(table.metadata.snapshots),
        "ids": sorted(table.scan().to_arrow()["id"].to_pylist()),
    }


def describe_namespace(catalog, namespace):
    return {
        "namespace": list(namespace),
        "properties": catalog.load_namespace_properties(namespace),
        "tables": [describe_table(catalog, identifier) for identifier in sorted(catalog.list_tables(namespace))],
        "children": [describe_namespace(catalog, child) for child in sorted(catalog.list_namespaces(namespace))],
    }


def describe(catalog):
    return [describe_namespace(catalog, namespace) for namespace in sorted(catalog.list_namespaces())]


def create(catalog, namespace, name):
    catalog.create_namespace(namespace, {"owner": "pyiceberg"})
    catalog.create_namespace(f"{namespace}.deep")
    table = catalog.create_table(f"{namespace}.{name}", rows().schema, properties={"made.by": "pyiceberg"})
    table.append(rows(1, 2, 3))
    return describe_table(catalog, (*namespace.split("."), name))


def append(catalog, identifier, count):
    """Appends `count` times one row, each in a commit of its own, beside whoever else commits."""
    conflicts = 0
    for i in range(int(count)):
        while True:
            try:
                catalog.load_table(identifier).append(rows(1000 + i))
                break
            except CommitFailedException:
                conflicts += 1
    return {"conflicts": conflicts}


def change(catalog, source, target):
    """Renames a table, changes properties of its namespace, and makes and drops names of its own."""
    catalog.rename_table(source, target)
    namespace = source.split(".")[0]
    summary = catalog.update_namespace_properties(namespace, {"note"}, {"owner": "pyiceberg", "more": "ünï"})
    catalog.create_namespace("theirs", {"owner": "pyiceberg"})
    catalog.create_namespace("passing")
    catalog.create_table("passing.t", rows().schema)
    catalog.drop_table("passing.t")
    catalog.drop_namespace("passing")
    return {"updated": sorted(summary.updated), "removed": sorted(summary.removed)}


def main():
    command, database, warehouse, *arguments = sys.argv[1:]
    catalog = open_catalog(database, warehouse)
    answer = {"describe": describe, "create": create, "append": append, "change": change}[command](catalog, *arguments)
    print(json.dumps(answer))


main()
