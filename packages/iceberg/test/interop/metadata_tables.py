"""Prints what PyIceberg's `table.inspect` says of tables, those it writes itself and those it is given, as one JSON object.

Arguments: an empty folder, and a JSON array of locations of metadata files.

Values are printed as by `scan_tables.py`; whole numbers, times too, as text.
"""

import datetime
import decimal
import json
import sys

import pyarrow as pa
import scan_tables
from pyiceberg.schema import Schema
from pyiceberg.table import StaticTable
from pyiceberg.types import (
    BinaryType, BooleanType, DateType, DecimalType, DoubleType, FixedType, FloatType, IntegerType, LongType, StringType,
    TimestampType, TimestamptzType, TimeType,
)
from scan_tables import field


def printed(type_, value):
    """`canonical` for the types that only these tables have; maps in the order of their keys."""
    if value is None:
        return None
    if pa.types.is_dictionary(type_):
        return printed(type_.value_type, value)
    if pa.types.is_struct(type_):
        return {child.name: printed(child.type, value[child.name]) for child in type_}
    if pa.types.is_list(type_):
        return [printed(type_.value_type, item) for item in value]
    if pa.types.is_map(type_):
        return [[printed(type_.key_type, k), printed(type_.item_type, v)] for k, v in sorted(value)]
    if pa.types.is_timestamp(type_) and isinstance(value, int):
        return str(value)
    return scan_tables.canonical(type_, value)


def rows(table):
    columns = [(column.name, column.type) for column in table.schema]
    return [{name: printed(type_, row[name]) for name, type_ in columns} for row in table.to_pylist()]


def inspect(table):
    current = table.current_snapshot()
    always = ("snapshots", "refs", "manifests", "metadata_log_entries", "all_manifests", "files", "data_files",
              "delete_files", "all_files")
    found = {name: rows(getattr(table.inspect, name)()) for name in always}
    # These fail on a table without snapshots.
    for name in ("history", "entries", "partitions"):
        found[name] = rows(getattr(table.inspect, name)()) if current else []
    past = {
        str(snapshot.snapshot_id): {
            name: rows(getattr(table.inspect, name)(snapshot.snapshot_id)) for name in ("files", "entries", "partitions")
        }
        for snapshot in table.snapshots()
    }
    return {"metadata": table.metadata_location, "current": found, "past": past}


class Inspector(scan_tables.Maker):
    def judge(self, table, filters=(), time_travel=True):
        self.tables.append(inspect(self.catalog.load_table(table.name())))


def bounds(maker):
    """Every type with bounds but uuid, which PyIceberg's `inspect` cannot show."""
    table = maker.create("bounds", Schema(
        field(1, "id", LongType(), True), field(2, "b", BooleanType()), field(3, "i", IntegerType()), field(4, "f", FloatType()),
        field(5, "d", DoubleType()), field(6, "day", DateType()), field(7, "t", TimeType()), field(8, "ts", TimestampType()),
        field(9, "tz", TimestamptzType()), field(10, "s", StringType()), field(11, "bin", BinaryType()),
        field(12, "fix", FixedType(3)), field(13, "dec", DecimalType(9, 2)), field(14, "big", DecimalType(38, 10)),
    ))
    maker.append(table, [
        dict(id=2**62 + 1, b=True, i=-(2**31), f=0.1, d=-0.5, day=datetime.date(1969, 12, 31), t=datetime.time(23, 59, 59, 999999),
             ts=scan_tables.at(-1).replace(tzinfo=None), tz=scan_tables.at(1_700_000_000_123_457), s="ü – 😀 " + "x" * 40,
             bin=bytes(range(256)), fix=b"\0\1\xff", dec=decimal.Decimal("-12.34"),
             big=decimal.Decimal("1234567890123456789012345678.0123456789")),
        dict(id=1, f=float("nan"), d=1e300, s="", bin=b"", i=0, b=False),
    ])
    maker.append(table, [dict(id=5)])
    maker.judge(table)


def refs(maker):
    table = maker.create("refs", Schema(field(1, "id", LongType(), True), field(2, "s", StringType())))
    for i in range(3):
        maker.append(table, [dict(id=i, s=str(i))])
    first, second, _ = (snapshot.snapshot_id for snapshot in table.snapshots())
    table.manage_snapshots().create_tag(first, "kept", max_ref_age_ms=86_400_000).create_branch(
        second, "audit", max_snapshot_age_ms=1000, min_snapshots_to_keep=5).commit()
    maker.judge(table)


if __name__ == "__main__":
    maker = Inspector(sys.argv[1])
    for make in (bounds, scan_tables.times, scan_tables.partitions, scan_tables.evolved, scan_tables.nested,
                 scan_tables.deleted, refs):
        make(maker)
    given = [inspect(StaticTable.from_metadata(location)) for location in json.loads(sys.argv[2])]
    json.dump({"theirs": maker.tables, "ours": given}, sys.stdout)
