import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createMemoryFileIO } from '@danube/iceberg/testing';
import { expect, test } from 'vitest';
import { startMemoryRestServer } from './support/memory-rest-server.ts';

const file = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const examples = ['smallest', 'stage-table'] as const;

test.each(examples)('%s is what the README shows', (example) => {
  expect(readFileSync(file('README.md'), 'utf8')).toContain(
    readFileSync(file(`examples/${example}.ts`), 'utf8'),
  );
});

test('the examples run against a server, and end by themselves', async () => {
  await using server = await startMemoryRestServer({ io: createMemoryFileIO() });
  const printed: string[] = [];
  for (const example of examples) {
    const node = ['--conditions=@danube/source', '--experimental-strip-types', '--no-warnings'];
    const args = [...node, file(`examples/${example}.ts`), server.uri];
    printed.push((await promisify(execFile)(process.execPath, args, { timeout: 20_000 })).stdout);
  }
  expect(printed).toEqual(['shop\n', 'true\n']);
});
