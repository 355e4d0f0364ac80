import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { temporaryDirectory } from '../test/support/clean-up.ts';
import { runCommandLine } from './cli.ts';

afterEach(() => vi.unstubAllEnvs());

async function run(...args: string[]) {
  const output = { out: '', err: '' };
  const code = await runCommandLine(args, {
    interactive: false,
    out: (line) => {
      output.out += `${line}\n`;
    },
    err: (text) => {
      output.err += text;
    },
  });
  return { code, ...output };
}

test.each([
  [['start', '--broker-addr', '0.0.0.0:0'], 'add --insecure'],
  [['--prom-exporter', '0.0.0.0:0'], 'add --insecure'],
  [['start', '--config-file', '/nowhere.yml'], 'The configuration file /nowhere.yml cannot be read (ENOENT)'],
  [['table', 'orders'], 'The topic name "orders" is malformed'],
  [['start', '--prot', '1'], "unknown option '--prot'"],
  [['prodcue', '/default/t'], 'There is no command prodcue; there is start, demo'],
  [['demo', '--messages', 'many'], 'expected a whole number'],
])('%j is refused in one line', async (args, expected) => {
  const result = await run(...args, '--data-dir', join(temporaryDirectory(), 'data'));
  expect(result.code).toBe(1);
  expect(result.err).toContain(expected);
  expect(result.err.trim().split('\n')).toHaveLength(1);
});

test('--help is no failure', async () => {
  const { code, out } = await run('--help');
  expect(code).toBe(0);
  for (const command of ['start', 'demo', 'table', 'produce', 'consume'])
    expect(out).toContain(`  ${command} `);
});

test('relative paths start at INIT_CWD; looking for a table creates nothing', async () => {
  const base = temporaryDirectory();
  vi.stubEnv('INIT_CWD', base);
  const { out } = await run('table', '/default/orders', '--data-dir', 'here');
  expect(out).toContain(`Nothing of /default/orders is committed yet in ${join(base, 'here')}.`);
  expect((await import('node:fs')).existsSync(join(base, 'here'))).toBe(false);
});
