"""PyIceberg and DuckDB over tables that were branched, tagged and expired; prints one JSON object.

Commands, each with one JSON argument:
  inspect  {"metadata"}                              refs, snapshots and the rows at each of them, as both see them
  expire   {"metadata", "sqlite", "warehouse"}       registers the table in a SqlCatalog, appends to it twice, tags
                                                     the first of these, and expires what is not the head of a ref
"""

import json
import sys
from datetime import datetime, timedelta

from iceberg_judge import arrow_rows, duckdb_connection


def offsets(scan):
    return sorted(scan.to_arrow()["segment_offset"].to_pylist())


def inspect(request):
    from pyiceberg.table import StaticTable

    table = StaticTable.from_metadata(request["metadata"])
    connection = duckdb_connection()
    location = request["metadata"].removeprefix("file://")
    refs = {
        row["name"]: [row["type"], str(row["snapshot_id"]), row["max_reference_age_in_ms"]]
        + [row["min_snapshots_to_keep"], row["max_snapshot_age_in_ms"]]
        for row in table.inspect.refs().to_pylist()
    }
    snapshots = [str(row["snapshot_id"]) for row in table.inspect.snapshots().to_pylist()]
    return {
        "refs": refs,
        "snapshots": snapshots,
        "history": [str(row["snapshot_id"]) for row in table.inspect.history().to_pylist()],
        "schemas": sorted(table.schemas()),
        "specs": sorted(table.specs()),
        "rowsAtRef": {name: offsets(table.scan().use_ref(name)) for name in refs},
        "duckdbSnapshots": [
            str(row[0])
            for row in connection.sql(
                f"select snapshot_id from iceberg_snapshots('{location}') order by sequence_number"
            ).fetchall()
        ],
        "duckdbRows": {
            snapshot: [
                row[0]
                for row in connection.sql(
                    f"select segment_offset from iceberg_scan('{location}', snapshot_from_id={snapshot}::ubigint) order by 1"
                ).fetchall()
            ]
            for snapshot in snapshots
        },
    }


def expire(request):
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("danube", uri=f"sqlite:///{request['sqlite']}", warehouse=request["warehouse"])
    catalog.create_namespace_if_not_exists("default")
    table = catalog.register_table("default.orders", request["metadata"])
    table.append(arrow_rows([[1000, 0, "one"]]))
    table.manage_snapshots().create_tag(table.current_snapshot().snapshot_id, "theirs").commit()
    table.append(arrow_rows([[1001, 0, "two"]]))
    table.append(arrow_rows([[1002, 0, "three"]]))
    table.maintenance.expire_snapshots().older_than(datetime.now() + timedelta(days=1)).commit()
    return {"metadata": catalog.load_table("default.orders").metadata_location}


if __name__ == "__main__":
    commands = {"inspect": inspect, "expire": expire}
    print(json.dumps(commands[sys.argv[1]](json.loads(sys.argv[2]))))
