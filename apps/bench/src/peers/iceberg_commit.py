"""PyIceberg as a contender of the scenario `iceberg-commit`: iceberg_commit.py ROOT SETTINGS prints a line of JSON.

SETTINGS name a file with the table and its data files as the other contenders have them. Nothing is timed but commits
and expiry; the descriptions are made before.
"""

import json
import resource
import sys
import time

import pyiceberg
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import parse_transform
from pyiceberg.typedef import Record


def cpu_ms():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1000


def create_table(catalog, name, described):
    schema = Schema.model_validate(described["schema"])
    spec = PartitionSpec(
        *(
            PartitionField(field["sourceId"], 1000 + index, parse_transform(field["transform"]), field["name"])
            for index, field in enumerate(described["partitionFields"])
        )
    )
    return catalog.create_table(("bench", name), schema, partition_spec=spec, properties=described["properties"])


def data_file(described, location):
    def bounds(key):
        return {int(column): bytes.fromhex(value) for column, value in described[key].items()}

    def numbers(key):
        return {int(column): int(value) for column, value in described[key].items()}

    file = DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=location + described["path"],
        file_format=FileFormat.PARQUET,
        partition=Record(*described["partition"]),
        record_count=described["recordCount"],
        file_size_in_bytes=described["fileSizeInBytes"],
        column_sizes=numbers("columnSizes"),
        value_counts=numbers("valueCounts"),
        null_value_counts=numbers("nullValueCounts"),
        nan_value_counts={},
        lower_bounds=bounds("lowerBounds"),
        upper_bounds=bounds("upperBounds"),
        split_offsets=described["splitOffsets"],
        sort_order_id=described["sortOrderId"],
        equality_ids=None,
        key_metadata=None,
    )
    file.spec_id = 0
    return file


class Committer:
    def __init__(self, table, settings, files):
        self.table = table
        self.settings = settings
        self.files = [data_file(described, table.location()) for described in files]
        self.expiry_cpu_ms = 0.0

    def commit(self, index):
        with self.table.transaction() as transaction:
            with transaction.update_snapshot().fast_append() as append:
                append.append_data_file(self.files[index])
        if (index + 1) % self.settings["commitsPerExpiry"] == 0 and index >= self.settings["retained"]:
            start = cpu_ms()
            self.expire()
            self.expiry_cpu_ms += cpu_ms() - start

    def expire(self):
        """PyIceberg takes snapshots out of the metadata and deletes no files."""
        snapshots = sorted(self.table.snapshots(), key=lambda snapshot: snapshot.sequence_number)
        expired = [snapshot.snapshot_id for snapshot in snapshots[: -self.settings["retained"]]]
        self.table.maintenance.expire_snapshots().by_ids(expired).commit()
        if len(self.table.snapshots()) != self.settings["retained"]:
            raise RuntimeError(f"{len(self.table.snapshots())} snapshots are left")


def measure(committer, first, commits):
    cpu, wall, expiry = cpu_ms(), time.perf_counter(), committer.expiry_cpu_ms
    for index in range(first, first + commits):
        committer.commit(index)
    per_commit = lambda total: round(total / commits, 3)  # noqa: E731
    return {
        "firstCommit": first + 1,
        "lastCommit": first + commits,
        "cpuMsPerCommit": per_commit(cpu_ms() - cpu),
        "expiryCpuMsPerCommit": per_commit(committer.expiry_cpu_ms - expiry),
        "wallMsPerCommit": per_commit((time.perf_counter() - wall) * 1000),
    }


def main():
    root, settings = sys.argv[1], json.loads(sys.argv[2])
    with open(settings["table"]) as file:
        described = json.load(file)
    catalog = SqlCatalog("bench", uri=f"sqlite:///{root}/catalog.db", warehouse=f"file://{root}")
    catalog.create_namespace("bench")
    warm = Committer(create_table(catalog, "warm_up", described), settings, described["files"])
    for index in range(settings["warmUp"]):
        warm.commit(index)
    committer = Committer(create_table(catalog, "events", described), settings, described["files"])
    window = settings["commitsPerWindow"]
    windows = [measure(committer, first, window) for first in range(0, settings["commits"], window)]
    print(json.dumps({"version": pyiceberg.__version__, "python": sys.version.split()[0], "windows": windows}))


main()
