import { expect, test } from 'vitest';
import {
  countRows,
  createGoldenFileIO,
  type GoldenRows,
  goldenNames,
  goldenTable,
} from '../../test/support/golden.ts';
import { printRow } from '../../test/support/printed.ts';
import { loadTableMetadata } from '../metadata/metadata-file.ts';
import type { Snapshot } from '../metadata/snapshot.ts';
import { snapshotById } from '../metadata/table-metadata.ts';
import { planAppends, scanSchema } from './scan-plan.ts';
import { scanRows } from './scan-rows.ts';
import type { SnapshotSelection } from './snapshot-selection.ts';

const io = createGoldenFileIO();

test.each(goldenNames())(
  '%s is read as Iceberg Java reads it, now, by every ref and at every snapshot',
  async (name) => {
    const { metadataLocation, rows, refs, snapshots } = goldenTable(name);
    const metadata = await loadTableMetadata(io, metadataLocation);
    const read = async (selection: SnapshotSelection): Promise<GoldenRows> => {
      const type = { type: 'struct', fields: scanSchema(metadata, selection).fields } as const;
      const printed: unknown[] = [];
      for await (const row of scanRows(metadata, io, selection)) printed.push(printRow(type, row));
      return countRows(printed);
    };
    expect(await read({})).toEqual(rows);
    for (const [ref, expected] of refs) expect(await read({ ref }), ref).toEqual(expected);
    for (const { snapshotId, rows: expected } of snapshots) {
      expect(await read({ snapshotId }), `snapshot ${snapshotId}`).toEqual(expected);
    }
  },
);

test('what each snapshot appended is planned once, also after manifests were merged or rewritten', async () => {
  let appends = 0;
  for (const name of goldenNames()) {
    const { metadataLocation, snapshots } = goldenTable(name);
    const metadata = await loadTableMetadata(io, metadataLocation);
    for (const { snapshotId, manifests } of snapshots) {
      const { parentSnapshotId: parent, summary } = snapshotById(metadata, snapshotId) as Snapshot;
      const planned: string[] = [];
      const range = parent === undefined ? {} : { fromSnapshotIdExclusive: parent };
      for await (const { dataFile } of planAppends(metadata, io, {
        ...range,
        toSnapshotIdInclusive: snapshotId,
      })) {
        planned.push(dataFile.filePath);
      }
      const added = manifests.flatMap(({ entries }) =>
        entries.filter(
          (entry) =>
            entry.status === 'added' && entry.content === 'data' && entry.snapshotId === String(snapshotId),
        ),
      );
      const expected = summary['operation'] === 'append' ? added.map(({ path }) => path) : [];
      expect(planned.sort(), `${name} ${snapshotId}`).toEqual(expected.sort());
      appends += planned.length;
    }
  }
  expect(appends).toBeGreaterThan(50);
});
