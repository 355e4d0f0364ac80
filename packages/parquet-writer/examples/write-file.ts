import { writeFile } from 'node:fs/promises';
import { createParquetEncoder } from '@danube/parquet-writer';

const encoder = createParquetEncoder();
const writer = encoder.open({
  fields: [
    { id: 1, name: 'offset', required: true, type: 'long' },
    { id: 2, name: 'payload', required: true, type: 'binary' },
    { id: 3, name: 'publish_time', required: true, type: 'timestamptz' },
  ],
  metrics: { default: 'full', columns: { payload: 'counts' } },
});
await writer.write({
  rowCount: 2,
  columns: {
    offset: new BigInt64Array([0n, 1n]),
    payload: [Buffer.from('hello'), Buffer.from('world')],
    publish_time: new BigInt64Array([1_790_000_000_000_000n, 1_790_000_000_001_000n]),
  },
});
const file = await writer.finish();
await writeFile(process.argv[2] ?? 'messages.parquet', file.bytes);
console.log(file.recordCount, file.splitOffsets, file.valueCounts);
await encoder.close();
