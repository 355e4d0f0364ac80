// 3,000 transactions on one table of Apache's REST catalog server, through a proxy that fails 20 % of the replies: as many
// snapshots, and each file once. The argument is the number of transactions.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createUnsyncedFileIO } from '../../packages/iceberg/src/testing.ts';
import { startRestFixture } from '../../packages/iceberg-catalog-rest/test/support/rest-fixture.ts';
import { appendInTransaction, openImpatient } from './append-in-transaction.ts';
import { runLossyCommits } from './lossy-commits.ts';

const REAL_COMMITS = 3000;
const commits = Number(process.argv[2] ?? REAL_COMMITS);
if (!Number.isInteger(commits) || commits < 10)
  throw new Error(`transactions: at least 10, got ${process.argv[2]}`);
const seed = Number(process.env['DANUBE_SEED'] ?? Date.now() % 2 ** 31);
console.error(`seed ${seed}; DANUBE_SEED=${seed} repeats the faults of this run`);

const io = createUnsyncedFileIO();
const fixture = await startRestFixture();
const report = await runLossyCommits({
  uri: fixture.catalog(),
  io,
  commits,
  seed,
  share: 0.2,
  // The replies of a long history take their time.
  timeoutMs: 1500,
  openClient: openImpatient,
  append: appendInTransaction(io),
  onProgress: (done) => {
    if (done % 100 === 0) console.error(`  ${done} of ${commits}`);
  },
});
await fixture.stop();
const result = {
  part: 'rest-commits',
  commit: execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim(),
  date: new Date().toISOString(),
  node: process.version,
  size: commits,
  summary: report,
};
const results = fileURLToPath(new URL('../../apps/bench/results/', import.meta.url));
const file =
  commits < REAL_COMMITS
    ? join(tmpdir(), 'soak-rest-commits-trial.json')
    : join(results, 'soak-rest-commits.json');
writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
console.log(`${JSON.stringify(report)}\n${file}`);
process.exit(report.violations.length === 0 ? 0 : 1);
