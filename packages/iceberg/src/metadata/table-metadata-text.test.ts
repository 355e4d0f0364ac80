import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitraryTableMetadata } from '../../test/support/arbitrary-metadata.ts';
import { stringifyJson } from '../json/json.ts';
import { formatTableMetadata, tableMetadataToJson } from './table-metadata-json.ts';

test('the text is that of the JSON form, also where parts of it were made for an earlier state', () => {
  fc.assert(
    fc.property(arbitraryTableMetadata, fc.nat(), (metadata, at) => {
      const plain = (state: typeof metadata) => stringifyJson(tableMetadataToJson(state));
      expect(formatTableMetadata(metadata)).toBe(plain(metadata));
      expect(formatTableMetadata(metadata)).toBe(plain(metadata));
      const { snapshots, metadataLog } = metadata;
      const changed = snapshots.map((snapshot, index) =>
        index === at % snapshots.length ? { ...snapshot, timestampMs: snapshot.timestampMs + 1 } : snapshot,
      );
      const next = { ...metadata, snapshots: changed, metadataLog: metadataLog.slice(1) };
      expect(formatTableMetadata(next)).toBe(plain(next));
    }),
    { numRuns: 100 },
  );
});
