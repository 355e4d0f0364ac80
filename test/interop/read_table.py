"""Reads one topic's table with three independent readers and prints what each of them sees.

python read_table.py CATALOG_URI CATALOG_NAME NAMESPACE TABLE METADATA_LOCATION [--rows FILE] [--s3 ENDPOINT]
-> {"<reader>": {"count", "distinct", "first", "last", "digest"}, ...}

The digest is over (offset, payload, publish_time in ms, attributes) in offset order, so that equal
digests mean equal rows. CATALOG_URI is sqlite:///FILE or, for a REST catalog, http://HOST:PORT[/PATH]. With --s3 files
are read from that endpoint, in path style, with the credentials and the region of the environment (AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_REGION). --rows writes the rows as PyIceberg saw them, one JSON object a line.
"""
import argparse
import base64
import datetime
import hashlib
import json
import os
from urllib.parse import urlsplit

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
COLUMNS = ["segment_offset", "payload", "publish_time", "attributes", "topic_name", "producer_name"]


def micros(value) -> int:
    delta = value - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def normal(row: dict) -> dict:
    attributes = row["attributes"]
    pairs = attributes.items() if isinstance(attributes, dict) else (attributes or [])
    return {
        "offset": row["segment_offset"],
        "payload": base64.b64encode(bytes(row["payload"])).decode(),
        "publishTimeMicros": micros(row["publish_time"]),
        "attributes": dict(sorted((str(k), str(v)) for k, v in pairs)),
        "topic": row["topic_name"],
        "producerName": row["producer_name"],
    }


def summary(rows: list) -> dict:
    rows.sort(key=lambda row: row["offset"])
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(row, sort_keys=True, ensure_ascii=False).encode())
    offsets = [row["offset"] for row in rows]
    return {
        "count": len(offsets),
        "distinct": len(set(offsets)),
        "first": offsets[0] if offsets else None,
        "last": offsets[-1] if offsets else None,
        "digest": digest.hexdigest(),
    }


def s3_properties(args) -> dict:
    if not args.s3:
        return {}
    return {
        "s3.endpoint": args.s3,
        "s3.access-key-id": os.environ["AWS_ACCESS_KEY_ID"],
        "s3.secret-access-key": os.environ["AWS_SECRET_ACCESS_KEY"],
        "s3.region": os.environ["AWS_REGION"],
    }


def with_catalog(args):
    if args.catalog_uri.startswith("sqlite:"):
        from pyiceberg.catalog.sql import SqlCatalog as Catalog
    else:
        from pyiceberg.catalog.rest import RestCatalog as Catalog

    catalog = Catalog(args.catalog_name, uri=args.catalog_uri, **s3_properties(args))
    table = catalog.load_table((args.namespace, args.table))
    return table.scan(selected_fields=tuple(COLUMNS)).to_arrow().to_pylist()


def with_static_table(args):
    from pyiceberg.table import StaticTable

    table = StaticTable.from_metadata(args.metadata, s3_properties(args))
    return table.scan(selected_fields=tuple(COLUMNS)).to_arrow().to_pylist()


def with_duckdb(args):
    import duckdb
    from duckdb_extensions import import_extension

    for extension in ("avro", "httpfs", "iceberg"):
        import_extension(extension)
    connection = duckdb.connect()
    for extension in ("avro", "httpfs", "iceberg"):
        connection.execute(f"load {extension}")
    connection.execute("set timezone = 'UTC'")
    if args.s3:
        endpoint = urlsplit(args.s3)
        connection.execute(
            "create secret (type s3, key_id $key, secret $secret, region $region, endpoint $endpoint, "
            "url_style 'path', use_ssl $ssl)",
            {
                "key": os.environ["AWS_ACCESS_KEY_ID"],
                "secret": os.environ["AWS_SECRET_ACCESS_KEY"],
                "region": os.environ["AWS_REGION"],
                "endpoint": endpoint.netloc,
                "ssl": endpoint.scheme == "https",
            },
        )
    location = args.metadata.removeprefix("file://")
    query = f"select {', '.join(COLUMNS)} from iceberg_scan('{location}')"
    return connection.execute(query).to_arrow_table().to_pylist()


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("catalog_uri", "catalog_name", "namespace", "table", "metadata"):
        parser.add_argument(name)
    parser.add_argument("--rows")
    parser.add_argument("--s3")
    args = parser.parse_args()
    result = {}
    for name, reader in (
        ("pyiceberg-catalog", with_catalog),
        ("pyiceberg-static", with_static_table),
        ("duckdb", with_duckdb),
    ):
        rows = [normal(row) for row in reader(args)]
        result[name] = summary(rows)
        if args.rows and name == "pyiceberg-static":
            with open(args.rows, "w", encoding="utf-8") as file:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    print(json.dumps(result))


main()
