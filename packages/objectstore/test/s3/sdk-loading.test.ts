import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { tempDir } from '../local/helpers.ts';

const source = new URL('../../src/', import.meta.url);

/** Runs a program on the sources, in a process that has no AWS SDK: to resolve it fails as if it were not installed. */
async function withoutSdk(program: string): Promise<string> {
  const dir = await tempDir();
  const hooks = `import { registerHooks } from 'node:module';
    registerHooks({ resolve(specifier, context, next) {
      if (specifier.startsWith('@aws-sdk/') || specifier.startsWith('@smithy/'))
        throw Object.assign(new Error('Cannot find package ' + specifier), { code: 'ERR_MODULE_NOT_FOUND' });
      return next(specifier, context);
    } });`;
  await writeFile(join(dir, 'hooks.mjs'), hooks);
  await writeFile(join(dir, 'program.mjs'), program);
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...['--conditions=@danube/source', '--import', pathToFileURL(join(dir, 'hooks.mjs')).href],
    join(dir, 'program.mjs'),
  ]);
  return stdout;
}

test('a local store needs no AWS SDK, and asking for S3 without one says what to install', async () => {
  const root = join(await tempDir(), 'root');
  const program = `
    const { openLocalObjectStore, openS3ObjectStore } = await import('${new URL('index.ts', source)}');
    const store = await openLocalObjectStore({ root: ${JSON.stringify(root)} });
    await store.put('k', new Uint8Array(3));
    console.log((await store.head('k')).sizeBytes);
    const error = await openS3ObjectStore({ bucket: 'bucket' }).catch((error) => error);
    console.log(error.code, error.message);`;
  const [size, error] = (await withoutSdk(program)).split('\n');
  expect(size).toBe('3');
  expect(error).toBe('NOT_SUPPORTED NOT_SUPPORTED: S3 needs another package: install @aws-sdk/client-s3');
});
