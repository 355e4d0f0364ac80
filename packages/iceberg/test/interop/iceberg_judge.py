"""Independent readers and writers of the tables that the interop tests make; prints one JSON object.

Commands, each with one JSON argument:
  parquet   {"files": [{"path", "rows": [[offset, time_us, payload or null]]}]}  writes data files with field ids
  read      {"metadata", "from_offset"}                  PyIceberg StaticTable and DuckDB over a metadata file
  count     {"metadata"}                                 rows as both see them
  plan      {"metadata"}                                 PyIceberg's view of every file: partition, counts, bounds
  append    {"metadata", "sqlite", "warehouse", "rows"}  registers the table in a SqlCatalog and appends to it
"""

import json
import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA = pa.schema(
    [
        pa.field("segment_offset", pa.int64(), nullable=False, metadata={"PARQUET:field_id": "1"}),
        pa.field("append_time", pa.timestamp("us", tz="UTC"), nullable=False, metadata={"PARQUET:field_id": "2"}),
        pa.field("payload", pa.binary(), nullable=True, metadata={"PARQUET:field_id": "3"}),
    ]
)


def arrow_rows(rows):
    columns = list(zip(*rows)) if rows else [[], [], []]
    payloads = [None if p is None else p.encode() for p in columns[2]]
    return pa.table(
        [
            pa.array(columns[0], pa.int64()),
            pa.array(columns[1], pa.timestamp("us", tz="UTC")),
            pa.array(payloads, pa.binary()),
        ],
        schema=SCHEMA,
    )


def parquet(request):
    sizes = {}
    for file in request["files"]:
        os.makedirs(os.path.dirname(file["path"]), exist_ok=True)
        pq.write_table(arrow_rows(file["rows"]), file["path"], compression="zstd")
        sizes[file["path"]] = os.path.getsize(file["path"])
    return {"sizes": sizes}


def duckdb_connection():
    import duckdb
    from duckdb_extensions import import_extension

    for name in ("avro", "httpfs", "iceberg"):
        import_extension(name)
    connection = duckdb.connect()
    connection.sql("load avro; load httpfs; load iceberg")
    return connection


def read(request):
    from pyiceberg.table import StaticTable

    table = StaticTable.from_metadata(request["metadata"])
    rows = table.scan().to_arrow()
    filtered = table.scan(row_filter=f"segment_offset >= {request['from_offset']}")
    connection = duckdb_connection()
    location = request["metadata"].removeprefix("file://")
    duck = connection.sql(
        f"select count(*), count(distinct segment_offset), sum(segment_offset), count(payload) "
        f"from iceberg_scan('{location}')"
    ).fetchone()
    duck_snapshots = connection.sql(f"select count(*) from iceberg_snapshots('{location}')").fetchone()
    current = table.current_snapshot()
    return {
        "pyiceberg": {
            "rows": rows.num_rows,
            "sum": str(sum(rows["segment_offset"].to_pylist())),
            "payloads": sorted(p.decode() for p in rows["payload"].to_pylist() if p is not None),
            "filesPlanned": len(list(table.scan().plan_files())),
            "filesPlannedFiltered": len(list(filtered.plan_files())),
            "rowsFiltered": filtered.to_arrow().num_rows,
            "snapshots": len(table.metadata.snapshots),
            "currentSnapshot": str(current.snapshot_id),
            "summary": dict(current.summary.additional_properties),
            "refs": {name: [str(ref.snapshot_id), str(ref.snapshot_ref_type.value)] for name, ref in table.metadata.refs.items()},
            "properties": table.metadata.properties,
            "inspectFiles": table.inspect.files().num_rows,
            "inspectEntries": table.inspect.entries().num_rows,
            "inspectManifests": table.inspect.manifests().num_rows,
        },
        "duckdb": {
            "rows": duck[0],
            "distinct": duck[1],
            "sum": str(duck[2]),
            "payloads": duck[3],
            "snapshots": duck_snapshots[0],
        },
    }


def count(request):
    from pyiceberg.table import StaticTable

    location = request["metadata"].removeprefix("file://")
    duck = duckdb_connection().sql(f"select count(*) from iceberg_scan('{location}')").fetchone()
    table = StaticTable.from_metadata(request["metadata"])
    return {"pyiceberg": table.scan().to_arrow().num_rows, "duckdb": duck[0]}


def plain(value):
    if isinstance(value, bytes):
        return "hex:" + value.hex()
    return None if value is None else str(value)


def plan(request):
    from pyiceberg.table import StaticTable

    table = StaticTable.from_metadata(request["metadata"])
    files = []
    for task in table.scan().plan_files():
        file = task.file
        files.append(
            {
                "path": file.file_path,
                "partition": [plain(file.partition[i]) for i in range(len(file.partition))],
                "records": file.record_count,
                "lower": {str(k): v.hex() for k, v in (file.lower_bounds or {}).items()},
                "splits": file.split_offsets,
            }
        )
    return {"files": sorted(files, key=lambda file: file["path"])}


def append(request):
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("danube", uri=f"sqlite:///{request['sqlite']}", warehouse=request["warehouse"])
    catalog.create_namespace_if_not_exists("default")
    table = catalog.register_table("default.orders", request["metadata"])
    table.append(arrow_rows(request["rows"]))
    return {"metadata": catalog.load_table("default.orders").metadata_location}


if __name__ == "__main__":
    commands = {"parquet": parquet, "read": read, "count": count, "plan": plan, "append": append}
    print(json.dumps(commands[sys.argv[1]](json.loads(sys.argv[2]))))
