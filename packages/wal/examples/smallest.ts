import { openWal } from '@danube/wal';

const wal = await openWal({ dir: process.argv[2] ?? './my-log' });

const { offset, durable } = await wal.append({ type: 1, payload: Buffer.from('hello') });
console.log(`record ${offset} is ${durable ? 'on disk' : 'written'}`);

for await (const batch of wal.read({ from: wal.firstOffset })) {
  for (const { offset, payload } of batch) console.log(offset, Buffer.from(payload).toString());
}

await wal.close();
