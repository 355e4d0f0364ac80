// Writes a file with the built package: the worker is found from dist, by import and by require, and the
// public types name no third party. Run after the build: node packages/parquet-writer/scripts/check-dist.mjs
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const dist = new URL('../dist/', import.meta.url);
const built = new URL('index.js', dist);

for (const load of [() => import(built.href), () => createRequire(import.meta.url)(built.pathname)]) {
  const { createParquetEncoder } = await load();
  const encoder = createParquetEncoder();
  const writer = encoder.open({ fields: [{ id: 7, name: 'offset', required: true, type: 'long' }] });
  await writer.write({ rowCount: 3, columns: { offset: new BigInt64Array([1n, 2n, 3n]) } });
  const file = await writer.finish();
  await encoder.close();
  const magic = Buffer.from(file.bytes.subarray(-4)).toString('latin1');
  if (file.recordCount !== 3 || magic !== 'PAR1') throw new Error('the built package wrote no Parquet file');
}

const types = readFileSync(new URL('index.d.ts', dist), 'utf8');
const imports = [...types.matchAll(/from ['"]([^'".][^'"]*)['"]|import\(['"]([^'".][^'"]*)['"]\)/g)];
if (imports.length > 0)
  throw new Error(`the public types import ${imports.map((found) => found[0]).join(', ')}`);
console.error('parquet-writer: dist writes files by import and by require');
