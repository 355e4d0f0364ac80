"""PyIceberg's part of the scenario `iceberg-plan`: iceberg_plan.py ROOT TABLE ROW_FILTER REPEATS, a line of JSON."""

import json
import resource
import sys
import time

import pyiceberg
from pyiceberg.catalog.sql import SqlCatalog


def cpu_ms():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1000


def main():
    root, name, row_filter, repeats = sys.argv[1:]
    catalog = SqlCatalog("bench", uri=f"sqlite:///{root}/catalog.db", warehouse=f"file://{root}")
    table = catalog.load_table(("bench", name))
    result = {"version": pyiceberg.__version__, "python": sys.version.split()[0], "cpuMs": [], "wallMs": []}
    for _ in range(int(repeats)):
        cpu, wall = cpu_ms(), time.perf_counter()
        scan = table.scan(row_filter=row_filter) if row_filter else table.scan()
        result["files"] = sum(1 for task in scan.plan_files() if task.file.record_count > 0)
        result["cpuMs"].append(cpu_ms() - cpu)
        result["wallMs"].append((time.perf_counter() - wall) * 1000)
    result["peakRssBytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(result))


main()
