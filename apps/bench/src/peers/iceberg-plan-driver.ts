// The part of the scenario `iceberg-plan` that is ours, in processes of their own:
// iceberg-plan-driver build ROOT
// iceberg-plan-driver plan ROOT SHAPE QUERY REPEATS   prints a line of JSON, a `PlanResult`
import { getHeapStatistics } from 'node:v8';
import { commitTransaction, type FileIO, fastAppend, planFiles } from '@danube/iceberg';
import { openSqlCatalog, type SqlCatalog } from '@danube/iceberg-catalog-sql';
import { createFileIO, localBaseUri, openLocalObjectStore } from '@danube/objectstore';
import { FILES, FILES_PER_DAY, type QueryName, queries, type Shape, shapes } from './iceberg-plan-queries.ts';
import { describeDataFile, tableOptions } from './iceberg-table.ts';

/** One process that planned one query several times. */
export interface PlanResult {
  /** In the plan. */
  readonly files: number;
  /** User and system time of the whole process over one plan, by repetition. */
  readonly cpuMs: readonly number[];
  readonly wallMs: readonly number[];
  /** The most that was seen in use between two files of a plan, garbage included; JavaScript only. */
  readonly peakHeapBytes?: number;
  /** Of the process from its start. */
  readonly peakRssBytes: number;
}

const [task, root = '', ...rest] = process.argv.slice(2);
const io: FileIO = createFileIO({ store: await openLocalObjectStore({ root }), baseUri: localBaseUri(root) });
const catalog = await openSqlCatalog({
  ...{ file: `${root}/catalog.db`, name: 'bench', warehouse: localBaseUri(root), io },
});
if (task === 'build') await build(catalog);
else
  console.log(JSON.stringify(await plan(catalog, rest[0] as Shape, rest[1] as QueryName, Number(rest[2]))));
await catalog.close();

async function build(target: SqlCatalog): Promise<void> {
  await target.createNamespace(['bench']);
  for (const [name, manifests] of Object.entries(shapes)) {
    const identifier = { namespace: ['bench'], name };
    // One append is to make one manifest, however large.
    const properties = { ...tableOptions.properties, 'commit.manifest.target-size-bytes': String(2 ** 30) };
    let table = await target.createTable(identifier, { ...tableOptions, properties });
    const perManifest = FILES / manifests;
    for (let first = 0; first < FILES; first += perManifest) {
      const dataFiles = Array.from({ length: perManifest }, (_, index) =>
        describeDataFile(first + index, table.metadata.location, FILES_PER_DAY),
      );
      const operation = fastAppend({ dataFiles });
      ({ table } = await commitTransaction({ catalog: target, io, identifier }, [operation], {
        base: table,
      }));
    }
  }
}

async function plan(from: SqlCatalog, shape: Shape, query: QueryName, repeats: number): Promise<PlanResult> {
  const { metadata } = await from.loadTable({ namespace: ['bench'], name: shape });
  const cpuMs: number[] = [];
  const wallMs: number[] = [];
  let [files, peakHeapBytes] = [0, 0];
  const look = () => {
    peakHeapBytes = Math.max(peakHeapBytes, getHeapStatistics().used_heap_size);
  };
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    const cpu = process.cpuUsage();
    const wall = performance.now();
    files = 0;
    for await (const { dataFile } of planFiles(metadata, io, { filter: queries[query].filter })) {
      if (dataFile.recordCount > 0) files += 1;
      if (files % 100 === 0) look();
    }
    look();
    const { user, system } = process.cpuUsage(cpu);
    cpuMs.push((user + system) / 1000);
    wallMs.push(performance.now() - wall);
  }
  return { files, cpuMs, wallMs, peakHeapBytes, peakRssBytes: process.resourceUsage().maxRSS * 1024 };
}
