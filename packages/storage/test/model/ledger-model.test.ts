import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const MODEL = fileURLToPath(new URL('ledger-model.js', import.meta.url));

/** Explores one configuration for at most `seconds`; gives the violations found. */
async function explore(name: string, seconds: number): Promise<readonly string[]> {
  const env = { ...process.env, CAP: String(seconds) };
  const { stdout } = await run(process.execPath, [MODEL, name], { env, maxBuffer: 64 * 1024 * 1024 });
  expect(stdout).toMatch(new RegExp(`^## ${name}: [1-9]\\d+ states`));
  const violations = stdout.split('\n').filter((line) => line.includes('VIOLATION'));
  // A run that says neither is a run that did not happen.
  expect(stdout.includes('no violation')).toBe(violations.length === 0);
  return violations;
}

const { stdout: list } = await run(process.execPath, [MODEL, 'list']);
const bad = list
  .trim()
  .split(' ')
  .filter((name) => name.startsWith('bad-'));

/** The rules as the storage follows them; longer explorations are run by hand when a rule changes. */
const RULES = ['s-fix', 's-fix-tag', 's-fix-recreate', 'f-prop', 'f-takeover-crash', 'f-all1'];

describe.concurrent('the model of the commit ledger', { timeout: 60_000 }, () => {
  it('has the bad variants that were thought of', () => {
    expect(bad).toHaveLength(5);
  });

  it.each(bad)('%s shows a violation', async (name) => {
    // A busy machine explores less in a second: more time, only if it is needed.
    const violations = [...(await explore(name, 1))];
    if (violations.length === 0) violations.push(...(await explore(name, 20)));
    expect(violations).not.toEqual([]);
  });

  it.each(RULES)('%s shows none', async (name) => {
    expect(await explore(name, 1)).toEqual([]);
  });
});
