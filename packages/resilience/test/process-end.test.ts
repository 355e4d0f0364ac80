import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('a process ends once its calls have ended, however they did', async () => {
  const child = fileURLToPath(new URL('children/calls-that-end.ts', import.meta.url));
  const node = ['--conditions=@danube/source', '--experimental-strip-types', '--no-warnings', child];
  // A timer left behind would keep it alive for ten minutes.
  const { stdout } = await promisify(execFile)(process.execPath, node, { timeout: 20_000 });
  expect(stdout).toBe('done failed TIMEOUT ABORTED false worked\n');
});
