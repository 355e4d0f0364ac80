import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestBroker } from './support/test-broker.ts';

const file = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
let broker: TestBroker;
beforeEach(async () => {
  broker = await new TestBroker().start();
});
afterEach(() => broker.stop());

const run = async (example: string): Promise<string> => {
  const node = ['--conditions=@danube/source', '--experimental-strip-types', '--no-warnings'];
  const { stdout } = await promisify(execFile)(process.execPath, [...node, file(example), broker.url]);
  return stdout;
};

test('publish-and-consume runs, ends by itself, and is what the README shows', async () => {
  expect(await run('examples/publish-and-consume.ts')).toBe('0 order 1 eu\n1 order 2 eu\n2 order 3 eu\n');
  expect(broker.topic('/default/orders').subscriptions.get('billing')!.cursor).toBe(3);
  expect(readFileSync(file('README.md'), 'utf8')).toContain(
    readFileSync(file('examples/publish-and-consume.ts'), 'utf8'),
  );
});

test('handle-outcomes tells stored, refused and unknown apart', async () => {
  expect(await run('examples/handle-outcomes.ts')).toBe('stored\n');
  broker.onSend = () => ({ answer: 3 });
  expect(await run('examples/handle-outcomes.ts')).toMatch(/^certainly not stored: INVALID_ARGUMENT/);
  broker.onSend = () => ({ answer: 13, store: true });
  expect(await run('examples/handle-outcomes.ts')).toMatch(/^stored or not/);
});
