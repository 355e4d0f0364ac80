"""Writes tables of many shapes with PyIceberg and prints what PyIceberg itself reads of them, as one JSON object.

Argument: an empty folder. Makes catalog.db and warehouse/ in it.

Values are printed in a form that both sides can make without loss: whole numbers as text, floating-point numbers as
the 16 hex digits of their double, text as "s:...", bytes as "x:<hex>", decimals as text of the unscaled value, times in
their stored unit, structs as objects, lists as arrays, maps as {"map": [[key, value], ...]}.

Filters are given twice, as PyIceberg's expressions and as ours (with values in that same form).
"""

import datetime
import decimal
import json
import pathlib
import struct
import sys
import uuid

import pyarrow as pa
from pyiceberg import expressions as ex
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import (
    BucketTransform, DayTransform, HourTransform, IdentityTransform, MonthTransform, TruncateTransform, YearTransform,
)
from pyiceberg.types import (
    BinaryType, BooleanType, DateType, DecimalType, DoubleType, FixedType, FloatType, IntegerType, ListType, LongType,
    MapType, NestedField, StringType, StructType, TimestampType, TimestamptzType, TimeType, UUIDType,
)

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = datetime.timedelta(microseconds=1)


def at(micros):
    return EPOCH + datetime.timedelta(microseconds=micros)


def canonical(type_, value):
    if value is None:
        return None
    if pa.types.is_boolean(type_):
        return value
    if pa.types.is_integer(type_):
        return str(value)
    if pa.types.is_floating(type_):
        return "f:" + struct.pack(">d", float("nan") if value != value else value).hex()
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return "s:" + value
    if pa.types.is_decimal(type_):
        return str(int(value.scaleb(type_.scale, decimal.Context(prec=60))))
    if pa.types.is_date(type_):
        return str((value - datetime.date(1970, 1, 1)).days)
    if pa.types.is_time(type_):
        return str(((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond)
    if pa.types.is_timestamp(type_):
        return str((value if value.tzinfo else value.replace(tzinfo=UTC)).__sub__(EPOCH) // MICROSECOND)
    if isinstance(value, uuid.UUID):
        return "s:" + str(value)
    if isinstance(type_, pa.UuidType):
        return "s:" + str(uuid.UUID(bytes=value))
    if isinstance(value, bytes):
        return "x:" + value.hex()
    if pa.types.is_struct(type_):
        return {field.name: canonical(field.type, value[field.name]) for field in type_}
    if pa.types.is_map(type_):
        return {"map": [[canonical(type_.key_type, k), canonical(type_.item_type, v)] for k, v in value]}
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return [canonical(type_.value_type, item) for item in value]
    raise TypeError(f"{type_}: {value!r}")


def rows_of(table):
    columns = [(field.name, field.type) for field in table.schema]
    return [{name: canonical(type_, row[name]) for name, type_ in columns} for row in table.to_pylist()]


# Filters: PyIceberg's and ours side by side.


def compare(kind, term, value, ours):
    theirs = {
        "eq": ex.EqualTo, "not-eq": ex.NotEqualTo, "lt": ex.LessThan, "lt-eq": ex.LessThanOrEqual,
        "gt": ex.GreaterThan, "gt-eq": ex.GreaterThanOrEqual,
    }[kind]
    return theirs(term, value), {"type": kind, "term": term, "value": ours}


def number(kind, term, value):
    return compare(kind, term, value, str(value))


def text(kind, term, value):
    return compare(kind, term, value, "s:" + value)


def time(kind, term, micros):
    return compare(kind, term, at(micros).isoformat(), str(micros))


def local(kind, term, micros):
    return compare(kind, term, at(micros).replace(tzinfo=None).isoformat(), str(micros))


def among(term, values):
    return ex.In(term, set(values)), {"type": "in", "term": term, "values": [str(value) for value in values]}


def without(term, values):
    # PyIceberg's NotIn keeps nulls (its NotEqualTo does not); SQL's and ours leave them out.
    return ex.And(ex.NotIn(term, set(values)), ex.NotNull(term)), inverse(among(term, values))[1]


def null(term):
    return ex.IsNull(term), {"type": "is-null", "term": term}


def given(term):
    return ex.NotNull(term), {"type": "not-null", "term": term}


def both(left, right):
    return ex.And(left[0], right[0]), {"type": "and", "operands": [left[1], right[1]]}


def either(left, right):
    return ex.Or(left[0], right[0]), {"type": "or", "operands": [left[1], right[1]]}


def inverse(inner):
    return ex.Not(inner[0]), {"type": "not", "child": inner[1]}


def field(id_, name, type_, required=False):
    return NestedField(id_, name, type_, required=required)


def part(source_id, field_id, name, transform):
    return PartitionField(source_id=source_id, field_id=field_id, name=name, transform=transform)


class Maker:
    def __init__(self, folder):
        root = pathlib.Path(folder)
        warehouse = root / "warehouse"
        warehouse.mkdir()
        self.catalog = SqlCatalog("danube", uri=f"sqlite:///{root / 'catalog.db'}", warehouse=warehouse.as_uri())
        self.catalog.create_namespace("shapes")
        self.tables = []

    def create(self, name, schema, spec=PartitionSpec(), **properties):
        return self.catalog.create_table(f"shapes.{name}", schema, partition_spec=spec, properties=properties)

    def append(self, table, rows):
        table.append(pa.Table.from_pylist(rows, schema=table.schema().as_arrow()))

    def judge(self, table, filters=(), time_travel=True):
        """Reads a table in every way, for comparison."""
        table = self.catalog.load_table(table.name())
        scans = [{"rows": rows_of(table.scan().to_arrow()), "files": len(list(table.scan().plan_files()))}]
        for theirs, ours in filters:
            scan = table.scan(row_filter=theirs)
            scans.append({"filter": ours, "rows": rows_of(scan.to_arrow()), "files": len(list(scan.plan_files()))})
        for snapshot in table.snapshots() if time_travel else []:
            scan = table.scan(snapshot_id=snapshot.snapshot_id)
            scans.append({"snapshotId": str(snapshot.snapshot_id), "rows": rows_of(scan.to_arrow()),
                          "files": len(list(scan.plan_files()))})
        self.tables.append({"name": ".".join(table.name()), "metadata": table.metadata_location, "scans": scans})


def all_types(maker):
    table = maker.create(
        "all_types",
        Schema(
            field(1, "id", LongType(), True), field(2, "b", BooleanType()), field(3, "i", IntegerType()),
            field(4, "f", FloatType()), field(5, "d", DoubleType()), field(6, "day", DateType()),
            field(7, "t", TimeType()), field(8, "ts", TimestampType()), field(9, "tz", TimestamptzType()),
            field(10, "s", StringType()), field(11, "u", UUIDType()), field(12, "bin", BinaryType()),
            field(13, "fix", FixedType(3)), field(14, "dec", DecimalType(9, 2)), field(15, "big", DecimalType(38, 10)),
        ),
    )
    maker.append(table, [
        dict(id=2**62 + 1, b=True, i=-(2**31), f=0.1, d=-0.0, day=datetime.date(1969, 12, 31),
             t=datetime.time(23, 59, 59, 999999), ts=at(-1).replace(tzinfo=None), tz=at(1_700_000_000_123_457),
             s="ü – 😀 " + "x" * 40, u=uuid.UUID(int=2**127 + 5).bytes, bin=bytes(range(256)), fix=b"\0\1\xff",
             dec=decimal.Decimal("-12.34"), big=decimal.Decimal("1234567890123456789012345678.0123456789")),
        dict(id=1), dict(id=3, f=float("nan"), d=float("inf"), s="", bin=b"", i=0, b=False),
    ])
    maker.append(table, [dict(id=i, i=i, s=f"row {i}", tz=at(i * 1_000_000), dec=decimal.Decimal(i)) for i in range(10, 400)])
    maker.judge(table, [
        number("gt", "id", 2**62), number("eq", "id", 2**62 + 1), number("eq", "id", 2**62), number("lt", "i", 0),
        null("s"), given("bin"), text("gt-eq", "s", "row 39"), text("eq", "s", "ü – 😀 " + "x" * 40),
        text("gt", "s", "ü – 😀 " + "x" * 16), time("gt-eq", "tz", 390_000_000), local("lt", "ts", 0),
        both(given("i"), inverse(number("gt-eq", "i", 20))), either(number("eq", "id", 1), number("eq", "i", 300)),
        among("id", [1, 3, 12, 2**62 + 1]), without("i", [10, 11]), text("not-eq", "s", ""),
    ])


def by_time(maker, name, transform, type_, micros, filters):
    table = maker.create(
        name, Schema(field(1, "id", LongType(), True), field(2, "at", type_)),
        PartitionSpec(part(2, 1000, f"at_{name}", transform)),
    )
    tz = isinstance(type_, TimestamptzType)
    moment = lambda value: None if value is None else at(value) if tz else at(value).replace(tzinfo=None)
    for index in range(0, len(micros), 4):
        maker.append(table, [dict(id=index + i, at=moment(value)) for i, value in enumerate(micros[index : index + 4])])
    maker.judge(table, filters)


def times(maker):
    hour, day = 3_600_000_000, 86_400_000_000
    moments = [0, -1, None, -hour, -hour - 1, hour - 1, -day, -day - 1, day, 365 * day, -366 * day, 31 * day,
               1_700_000_000_000_001, 1_700_000_000_000_000, -(10**15), 10**15]
    ends = (-(10**15), -day, -day - 1, -hour, -1, 0, 1, hour, 31 * day, 1_700_000_000_000_001)
    for name, transform in [("hour", HourTransform()), ("day", DayTransform()), ("month", MonthTransform()),
                            ("year", YearTransform())]:
        filters = [time(kind, "at", end) for end in ends for kind in ("lt", "gt-eq", "eq")] + [null("at"), given("at")]
        by_time(maker, name, transform, TimestamptzType(), moments, filters)
    by_time(maker, "day_local", DayTransform(), TimestampType(), moments,
            [local(kind, "at", end) for end in ends for kind in ("lt-eq", "gt")])


def partitions(maker):
    schema = Schema(field(1, "id", LongType(), True), field(2, "region", StringType()), field(3, "n", IntegerType()))
    specs = {
        "identity": PartitionSpec(part(2, 1000, "region", IdentityTransform())),
        "bucket": PartitionSpec(part(1, 1000, "id_bucket", BucketTransform(4)),
                                part(2, 1001, "region_bucket", BucketTransform(3))),
        "truncate": PartitionSpec(part(2, 1000, "region_trunc", TruncateTransform(2)),
                                  part(3, 1001, "n_trunc", TruncateTransform(10))),
        "both": PartitionSpec(part(2, 1000, "region", IdentityTransform()),
                              part(3, 1001, "n", IdentityTransform())),
    }
    regions = ["eu", "eu-west", "us", None, "", "ü😀", "a/b c=d"]
    for name, spec in specs.items():
        table = maker.create(name, schema, spec)
        for start in (0, 20):
            maker.append(table, [dict(id=start + i, region=regions[(start + i) % len(regions)],
                                      n=None if i == 5 else (i - 8) * 3) for i in range(20)])
        maker.judge(table, [
            text("eq", "region", "eu"), text("gt-eq", "region", "eu-"), text("lt", "region", "eu-west"),
            text("eq", "region", "ü😀"), text("eq", "region", "a/b c=d"), text("not-eq", "region", "us"), null("region"),
            number("eq", "id", 7), among("id", [1, 22, 39]), number("lt", "n", -9), number("gt", "n", 9),
            number("lt-eq", "n", 0), null("n"), both(text("eq", "region", "us"), number("gt", "id", 20)),
            inverse(either(text("eq", "region", "eu"), null("n"))),
        ])


def evolved(maker):
    table = maker.create(
        "evolved",
        Schema(field(1, "id", LongType(), True), field(2, "n", IntegerType()), field(3, "f", FloatType()),
               field(4, "old", StringType()), field(5, "dec", DecimalType(9, 2)),
               field(6, "place", StructType(field(7, "city", StringType()), field(8, "zip", StringType())))),
    )
    maker.append(table, [dict(id=i, n=i * 1000, f=i / 3, old=f"old {i}", dec=decimal.Decimal(i),
                              place=dict(city=f"c{i}", zip=None)) for i in range(5)] + [dict(id=5)])
    with table.update_schema() as update:
        update.update_column("n", LongType())
        update.update_column("f", DoubleType())
        update.update_column("dec", DecimalType(18, 2))
        update.rename_column("old", "older")
        update.rename_column("place.city", "town")
        update.add_column("added", StringType())
        update.add_column(("place", "country"), StringType())
        update.move_first("added")
    table = maker.catalog.load_table(table.name())
    maker.append(table, [dict(id=10 + i, n=2**40 + i, f=1e300, older=f"older {i}", dec=decimal.Decimal("123456789012.34"),
                              added="new", place=dict(town="t", zip="z", country="de")) for i in range(5)])
    with table.update_schema(allow_incompatible_changes=True) as update:
        update.delete_column("older")
        update.delete_column("place.zip")
    with table.update_schema() as update:
        update.add_column("older", LongType())
    with table.update_spec() as update:
        update.add_field("added", IdentityTransform(), "added")
        update.add_field("id", BucketTransform(2), "id_bucket")
    table = maker.catalog.load_table(table.name())
    maker.append(table, [dict(id=20 + i, n=-i, older=i, added=[None, "new", "x"][i % 3]) for i in range(6)])
    with table.update_spec() as update:
        update.remove_field("id_bucket")
    table = maker.catalog.load_table(table.name())
    maker.append(table, [dict(id=30, added="x")])
    maker.judge(table, [
        number("gt", "n", 2**31), number("lt-eq", "n", 3000), number("eq", "n", 2000), null("older"), number("gt", "older", 2),
        text("eq", "added", "new"), null("added"), text("eq", "added", "x"),
        compare("gt", "f", 0.5, "f:" + struct.pack(">d", 0.5).hex()),
        compare("gt", "dec", decimal.Decimal("3.00"), "300"),
    ])


def nested(maker):
    table = maker.create(
        "nested",
        Schema(
            field(1, "id", LongType(), True),
            field(2, "attributes", MapType(3, StringType(), 4, StringType(), value_required=False)),
            field(5, "tags", ListType(6, StringType(), element_required=False)),
            field(7, "place", StructType(field(8, "city", StringType()), field(9, "at", ListType(10, DoubleType(), element_required=True)))),
            field(11, "by", MapType(12, LongType(), 13, StructType(field(14, "n", IntegerType())), value_required=False)),
        ),
        **{"write.parquet.page-row-limit": "64"},
    )
    shapes = [
        dict(attributes=[("k", "v"), ("10", None), ("2", "z"), ("__proto__", "p")], tags=["a", None], place=dict(city="Ulm", at=[1.5, 2.5]), by=[(2**60, dict(n=1)), (1, None)]),
        dict(), dict(attributes=[], tags=[], place=dict(city=None, at=None), by=[]),
        dict(tags=[None], place=dict(at=[]), by=[(0, dict(n=None))]),
    ]
    maker.append(table, [dict(shapes[i % 4], id=i) for i in range(1000)])
    maker.judge(table, [number("lt", "id", 9), text("eq", "place.city", "Ulm")], time_travel=False)


def deleted(maker):
    table = maker.create(
        "deleted", Schema(field(1, "id", LongType(), True), field(2, "region", StringType())),
        PartitionSpec(part(2, 1000, "region", IdentityTransform())),
    )
    for start in (0, 30, 60):
        maker.append(table, [dict(id=start + i, region=["a", "b", "c"][i % 3]) for i in range(30)])
    table.delete(ex.EqualTo("region", "b"))
    table.delete(ex.And(ex.GreaterThan("id", 10), ex.LessThan("id", 40)))
    maker.append(table, [dict(id=100, region="b")])
    table.overwrite(pa.Table.from_pylist([dict(id=200, region="c")], schema=table.schema().as_arrow()), ex.EqualTo("region", "c"))
    maker.judge(table, [text("eq", "region", "b"), text("eq", "region", "a"), number("lt", "id", 20), number("gt", "id", 65)])
    empty = maker.create("empty", Schema(field(1, "id", LongType(), True)))
    maker.judge(empty, [number("eq", "id", 1)])


def pages(maker):
    """Row groups and pages of many shapes, and the codecs PyIceberg offers."""
    for codec in ("zstd", "snappy", "gzip", "brotli", "uncompressed"):
        table = maker.create(
            f"pages_{codec}", Schema(field(1, "id", LongType(), True), field(2, "payload", BinaryType()), field(3, "topic", StringType())),
            **{"write.parquet.compression-codec": codec, "write.parquet.row-group-limit": "700", "write.parquet.page-row-limit": "50"},
        )
        maker.append(table, [dict(id=2**53 + i, payload=bytes((i * j) % 256 for j in range(i % 90)), topic=f"/default/{i % 3}")
                             for i in range(2000)])
        maker.judge(table, [both(number("gt-eq", "id", 2**53 + 690), number("lt", "id", 2**53 + 710)), number("eq", "id", 2**53 + 1999),
                            text("eq", "topic", "/default/1")], time_travel=False)


if __name__ == "__main__":
    maker = Maker(sys.argv[1])
    for make in (all_types, times, partitions, evolved, nested, deleted, pages):
        make(maker)
    json.dump({"tables": maker.tables}, sys.stdout)
