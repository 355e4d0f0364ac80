"""PyIceberg as one of two writers of a table, and the readers of reader_judge.py, in one process.

Requests and answers as in reader_judge.py, whose commands are here too. Tables are {"file", "warehouse", "table"}: the
catalog.db, and the name of the table in it.

  hold   {…table}               keeps the table as it is now, for the next commit with "held": true
  append {…table, "rows"}
  delete {…table, "filter"}     copy on write
  overwrite {…table, "filter", "rows"}
  evolve {…table, "schema", "spec"}  changes as in evolution_judge.py
  properties {…table, "set"}
  expire {…table, "snapshotIds"}     without files
"""

import functools
import warnings

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import In, IsNull, LessThan
from pyiceberg.io.pyarrow import schema_to_pyarrow

import reader_judge
from evolution_judge import take
from judge_server import serve

# Of tables that PyIceberg thinks odd, such as a delete without a match.
warnings.simplefilter("ignore")
held = {}


@functools.cache
def catalog_of(file, warehouse):
    return SqlCatalog("pairs", uri=f"sqlite:///{file}", warehouse=warehouse)


def table_of(request):
    if request.get("held"):
        return held.pop(request["table"])
    return catalog_of(request["file"], request["warehouse"]).load_table(request["table"])


def hold(request):
    held[request["table"]] = table_of(request)


def arrow_of(table, rows):
    struct = table.schema().as_struct()
    return pa.Table.from_pylist(
        [reader_judge.parsed(struct, row) for row in rows], schema=schema_to_pyarrow(table.schema())
    )


def filter_of(given):
    if given["type"] == "in":
        return In(given["term"], set(given["values"]))
    return IsNull(given["term"]) if given["type"] == "is-null" else LessThan(given["term"], given["value"])


def append(request):
    table = table_of(request)
    table.append(arrow_of(table, request["rows"]))


def delete(request):
    table_of(request).delete(filter_of(request["filter"]))


def overwrite(request):
    table = table_of(request)
    table.overwrite(arrow_of(table, request["rows"]), filter_of(request["filter"]))


def evolve(request):
    take(table_of(request), request)


def properties(request):
    with table_of(request).transaction() as transaction:
        transaction.set_properties(request["set"])


def expire(request):
    ids = [int(snapshot_id) for snapshot_id in request["snapshotIds"]]
    table_of(request).maintenance.expire_snapshots().by_ids(ids).commit()


if __name__ == "__main__":
    serve({
        "write": reader_judge.write, "pyiceberg": reader_judge.pyiceberg, "duckdb": reader_judge.duckdb,
        "rust": reader_judge.rust, "hold": hold, "append": append, "delete": delete, "overwrite": overwrite,
        "evolve": evolve, "properties": properties, "expire": expire,
    })
