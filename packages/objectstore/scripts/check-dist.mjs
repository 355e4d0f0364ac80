// What a user without the AWS SDK has of the built package: it loads, a local store works, and its types name no type
// of the SDK, which would be an error in their compilation.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const dist = new URL('../dist/', import.meta.url);
const foreign = /@aws-sdk\/|@smithy\//;

for (const name of readdirSync(dist).filter((file) => file.endsWith('.d.ts'))) {
  const imports =
    readFileSync(new URL(name, dist), 'utf8').match(/(?:from|import\()\s*['"][^'"]+['"]/g) ?? [];
  assert.deepEqual(
    imports.filter((text) => foreign.test(text)),
    [],
    `${name} needs the AWS SDK`,
  );
}

registerHooks({
  resolve(specifier, context, next) {
    if (foreign.test(specifier)) throw new Error(`not installed: ${specifier}`);
    return next(specifier, context);
  },
});
const { openLocalObjectStore, openS3ObjectStore } = await import(new URL('index.js', dist).href);
const dir = mkdtempSync(join(tmpdir(), 'objectstore-'));
try {
  const store = await openLocalObjectStore({ root: join(dir, 'root') });
  await store.put('k', new Uint8Array(3));
  assert.equal((await store.head('k')).sizeBytes, 3);
  await assert.rejects(openS3ObjectStore({ bucket: 'bucket' }), { code: 'NOT_SUPPORTED' });
} finally {
  rmSync(dir, { recursive: true });
}
