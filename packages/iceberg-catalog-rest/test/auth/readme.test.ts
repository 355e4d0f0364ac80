import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { credential, startGuardedCatalog } from '../support/guarded-catalog.ts';

const file = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const read = (name: string) => readFileSync(file(name), 'utf8');

test('the example of signing in is what the README shows, and gets into a guarded catalog', async () => {
  expect(read('README.md')).toContain(read('examples/sign-in.ts'));
  const { server, oauth2, refused } = await startGuardedCatalog();
  const before = oauth2.issued.length;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      '--conditions=@danube/source',
      '--no-warnings',
      file('examples/sign-in.ts'),
      server.uri,
      oauth2.tokenUri,
    ],
    {
      timeout: 20_000,
      env: {
        ...process.env,
        CATALOG_CREDENTIAL: `${credential.clientId}:${credential.clientSecret}`,
      },
    },
  );
  expect(stdout).toBe("[ [ 'db' ] ]\n");
  expect(oauth2.issued.length).toBe(before + 1);
  expect(refused).toEqual([]);
});

test('the lines that open a store with vended keys are those that the S3 tests run', () => {
  const block =
    /go to `@danube\/objectstore` so:\n\n```ts\n(.*?)\n```/s.exec(read('README.md'))?.[1] ?? 'none';
  const program = read('../../test/rest/open-vended-store.ts').replace(/^ {2}/gm, '');
  expect(program).toContain(block);
});
