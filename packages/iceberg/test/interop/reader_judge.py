"""Independent readers of the tables that the tests make, in one process, and a writer of their data files.

Reads one request a line, {"op": ...}, and answers each with one line: {"result": ...} or {"error": {type, message}}.
Rows are in the printed form of scan_tables.py.

  versions                                       of the readers
  write {"files": [{"path", "schema", "rows"}]}  Parquet files with field ids, of a schema in Iceberg's JSON form
  pyiceberg {"metadata", "snapshotId", "ref", "equal"}  rows as PyIceberg plans and reads them (pyarrow); "equal" is
                                                 {"column", "value"}
  duckdb    {"metadata", "snapshotId"}           rows as DuckDB's iceberg extension does
  rust      {"metadata"}                         rows as iceberg-rust does (pyiceberg-core's provider for DataFusion)
"""

import datetime
import decimal
import functools
import os
import struct
import uuid

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.expressions import EqualTo
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.schema import Schema
from pyiceberg.table import StaticTable
from pyiceberg.types import (
    BooleanType, DateType, DecimalType, DoubleType, FloatType, ListType, MapType, StringType, StructType, TimeType,
    TimestampType, TimestamptzType, UUIDType, BinaryType, FixedType,
)

from judge_server import serve
from scan_tables import rows_of


def versions(_request):
    from importlib.metadata import version

    names = {"pyiceberg": "pyiceberg", "duckdb": "duckdb", "rust": "pyiceberg-core", "pyarrow": "pyarrow"}
    return {key: version(name) for key, name in names.items()}


def parsed(type_, value):
    """What pyarrow takes for a printed value."""
    if value is None or isinstance(type_, BooleanType):
        return value
    if isinstance(type_, StructType):
        return {field.name: parsed(field.field_type, value.get(field.name)) for field in type_.fields}
    if isinstance(type_, ListType):
        return [parsed(type_.element_type, item) for item in value]
    if isinstance(type_, MapType):
        return [(parsed(type_.key_type, key), parsed(type_.value_type, item)) for key, item in value["map"]]
    if isinstance(type_, (FloatType, DoubleType)):
        return struct.unpack(">d", bytes.fromhex(value[2:]))[0]
    if isinstance(type_, StringType):
        return value[2:]
    if isinstance(type_, UUIDType):
        return uuid.UUID(value[2:]).bytes
    if isinstance(type_, (BinaryType, FixedType)):
        return bytes.fromhex(value[2:])
    if isinstance(type_, DecimalType):
        return decimal.Decimal(int(value)).scaleb(-type_.scale, decimal.Context(prec=60))
    number = int(value)
    if isinstance(type_, DateType):
        return datetime.date(1970, 1, 1) + datetime.timedelta(days=number)
    if isinstance(type_, TimeType):
        return (datetime.datetime.min + datetime.timedelta(microseconds=number)).time()
    if isinstance(type_, (TimestampType, TimestamptzType)):
        zone = datetime.timezone.utc if isinstance(type_, TimestamptzType) else None
        return datetime.datetime(1970, 1, 1, tzinfo=zone) + datetime.timedelta(microseconds=number)
    return number


def write(request):
    sizes = []
    for file in request["files"]:
        schema = Schema.model_validate(file["schema"])
        rows = [parsed(schema.as_struct(), row) for row in file["rows"]]
        os.makedirs(os.path.dirname(file["path"]), exist_ok=True)
        arrow = schema_to_pyarrow(schema, include_field_ids=True)
        pq.write_table(pa.Table.from_pylist(rows, schema=arrow), file["path"], compression="zstd")
        sizes.append(os.path.getsize(file["path"]))
    return sizes


def snapshot_id(table, request):
    if "ref" in request:
        return table.snapshot_by_name(request["ref"]).snapshot_id
    return int(request["snapshotId"]) if "snapshotId" in request else None


def pyiceberg(request):
    table = StaticTable.from_metadata(request["metadata"])
    scan = table.scan(snapshot_id=snapshot_id(table, request))
    if "equal" in request:
        column, value = request["equal"]["column"], request["equal"]["value"]
        scan = scan.filter(EqualTo(column, literal_of(table.schema().find_type(column), value)))
    return rows_of(scan.to_arrow())


def literal_of(type_, value):
    """What PyIceberg's literals are made of: times as text."""
    plain = parsed(type_, value)
    if isinstance(type_, UUIDType):
        return uuid.UUID(bytes=plain)
    return plain.isoformat() if isinstance(plain, (datetime.date, datetime.time)) else plain


@functools.cache
def duckdb_connection():
    import duckdb
    from duckdb_extensions import import_extension

    for name in ("avro", "httpfs", "iceberg"):
        import_extension(name)
    connection = duckdb.connect()
    connection.sql("load avro; load httpfs; load iceberg; set timezone = 'UTC'")
    return connection


def duckdb(request):
    location = request["metadata"].removeprefix("file://").replace("'", "''")
    at = f", snapshot_from_id => {int(request['snapshotId'])}" if "snapshotId" in request else ""
    try:
        result = duckdb_connection().sql(f"select * from iceberg_scan('{location}'{at})")
        return rows_of(result.to_arrow_table())
    except Exception:
        # After an internal error a database answers nothing any more.
        duckdb_connection.cache_clear()
        raise


def rust(request):
    from datafusion import SessionContext
    from pyiceberg_core.datafusion import IcebergDataFusionTable

    context = SessionContext()
    provider = IcebergDataFusionTable(
        identifier=["judged", "table"], metadata_location=request["metadata"], file_io_properties={}
    )
    context.register_table("judged", provider)
    return rows_of(with_uuids(request, context.table("judged").to_arrow_table()))


def with_uuids(request, rows):
    """iceberg-rust gives the 16 bytes: the same value, not yet in the printed form."""
    for field in StaticTable.from_metadata(request["metadata"]).schema().fields:
        at = rows.schema.get_field_index(field.name)
        if isinstance(field.field_type, UUIDType) and rows.schema.field(at).type == pa.binary(16):
            rows = rows.set_column(at, field.name, rows[field.name].cast(pa.uuid()))
    return rows


if __name__ == "__main__":
    serve({"versions": versions, "write": write, "pyiceberg": pyiceberg, "duckdb": duckdb, "rust": rust})
