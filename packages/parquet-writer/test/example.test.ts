import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { readRows } from './support/read-back.ts';

const root = join(import.meta.dirname, '..');

it('the example runs from source, ends by itself, and is the one in the README', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parquet-example-'));
  const example = join(root, 'examples', 'write-file.ts');
  const target = join(folder, 'out.parquet');
  await promisify(execFile)(process.execPath, ['--conditions=@danube/source', example, target]);
  const rows = await readRows(new Uint8Array(await readFile(target)));
  expect(rows.map((row) => Buffer.from(row.payload as Uint8Array).toString())).toEqual(['hello', 'world']);
  const code = (await readFile(example, 'utf8')).trim();
  expect(await readFile(join(root, 'README.md'), 'utf8')).toContain(`\`\`\`ts\n${code}\n\`\`\``);
  await rm(folder, { recursive: true });
});
