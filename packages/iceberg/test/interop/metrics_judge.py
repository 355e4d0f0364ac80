"""Has PyIceberg add a Parquet file without field ids to a table of its own; prints where the metadata is.

Argument: {"folder", "file"}; the table's columns are those of no_ids.parquet in make_metrics.py.
"""

import json
import sys

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.schema import Schema
from pyiceberg.types import IntegerType, ListType, LongType, MapType, NestedField, StringType, StructType


def main(request):
    folder = request["folder"]
    catalog = SqlCatalog("c", uri=f"sqlite:///{folder}/c.db", warehouse=f"file://{folder}/wh")
    catalog.create_namespace("default")
    schema = Schema(
        NestedField(1, "id", LongType(), required=True),
        NestedField(2, "old_name", StringType()),
        NestedField(3, "tags", ListType(6, StringType(), element_required=False)),
        NestedField(4, "counts", MapType(7, StringType(), 8, IntegerType(), value_required=False)),
        NestedField(
            5, "place", StructType(NestedField(9, "city", StringType()), NestedField(10, "dotted.name", IntegerType()))
        ),
        NestedField(11, "unmapped", IntegerType()),
    )
    table = catalog.create_table("default.t", schema)
    table.add_files([request["file"]])
    print(json.dumps({"metadata": catalog.load_table("default.t").metadata_location}))


main(json.loads(sys.argv[1]))
