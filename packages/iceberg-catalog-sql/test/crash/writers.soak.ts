// Two processes on one SQLite catalog, 500 transactions each on one table: nothing is lost, nothing is doubled. The
// argument is the number of transactions of each.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTwoWriters } from '../support/two-writers.ts';

const REAL_TURNS = 500;
const turns = Number(process.argv[2] ?? REAL_TURNS);
if (!Number.isInteger(turns) || turns < 10)
  throw new Error(`transactions of each: at least 10, got ${process.argv[2]}`);
const dir = mkdtempSync(join(tmpdir(), 'iceberg-writers-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));

const report = await runTwoWriters(dir, turns);
const result = {
  part: 'iceberg-writers',
  commit: execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim(),
  date: new Date().toISOString(),
  node: process.version,
  size: turns,
  summary: report,
};
const results = fileURLToPath(new URL('../../../../apps/bench/results/', import.meta.url));
const file =
  turns < REAL_TURNS
    ? join(tmpdir(), 'soak-iceberg-writers-trial.json')
    : join(results, 'soak-iceberg-writers.json');
writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
console.log(`${JSON.stringify(report)}\n${file}`);
process.exit(report.violations.length === 0 ? 0 : 1);
