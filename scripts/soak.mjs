// `npm run soak -- PART`: named, resumable long runs. Each writes its figures to apps/bench/results/soak-PART.json. A smaller
// SIZE makes a trial, with a file of its own.
import { join } from 'node:path';
import { javaClasspath } from './lib/java.mjs';
import { interopPython } from './lib/python.mjs';
import { say } from './lib/stages.mjs';
import { passSignalsOn, ROOT, run } from './lib/toolchain.mjs';

const parts = {
  'iceberg-commits': {
    what: '5,000 commits to an Iceberg table with expiry on: CPU of a commit, early and late (about 10 minutes)',
    file: 'apps/bench/src/scenarios/iceberg-commits.soak.ts',
    size: 'commits',
  },
  'kill-loop': {
    what: '200 × kill -9 under load, restart, resume; PyIceberg and DuckDB compare every acknowledged message (about 15 minutes)',
    file: 'apps/broker/test/crash/kill-loop.soak.ts',
    judges: true,
  },
  'iceberg-writers': {
    what: 'two processes on one SQLite catalog, 500 Iceberg transactions each on one table (about 1 minute)',
    file: 'packages/iceberg-catalog-sql/test/crash/writers.soak.ts',
    size: 'transactions of each',
  },
  'rest-commits': {
    what: '3,000 transactions through a proxy that fails 20 % of the replies of a REST catalog server: 3,000 snapshots (about 25 minutes)',
    file: 'test/rest/commits.soak.ts',
    size: 'transactions',
    restServer: true,
  },
  'wal-crash': {
    what: '100,000 simulated crashes of the write-ahead log in all its modes, each followed by a recovery and a check (about 5 minutes)',
    file: 'packages/wal/test/crash/crash.soak.ts',
    size: 'rounds',
  },
  'wal-damage': {
    what: 'a log of 16 KiB with every bit flipped and every byte cut in turn (about 5 minutes)',
    file: 'packages/wal/test/crash/damage.soak.ts',
    size: 'bytes',
  },
  'wal-recovery': {
    what: 'time and memory to open logs of 64 MiB, 256 MiB and 1 GiB (about 2 minutes)',
    file: 'packages/wal/test/crash/recovery.soak.ts',
    size: 'MiB of the largest',
  },
};

const [name, ...rest] = process.argv.slice(2);
const part = parts[name];
if (part === undefined) {
  say('npm run soak -- PART [SIZE]\n');
  for (const [known, { what, size }] of Object.entries(parts)) {
    say(`  ${known.padEnd(15)} ${what}${size ? `; SIZE: ${size}` : ''}`);
  }
  process.exit(name === undefined ? 0 : 2);
}
passSignalsOn();
const env = { ...process.env };
if (part.judges) {
  const found = await interopPython();
  if (!found.python) {
    say(`This part needs the Python judges: ${found.reason}.`);
    process.exit(1);
  }
  env.DANUBE_PYTHON = found.python;
}
if (part.restServer) {
  const { classpath, reason } = await javaClasspath('rest');
  if (!classpath) {
    say(`This part needs the REST catalog server of Iceberg Java: ${reason}.`);
    process.exit(1);
  }
  env.DANUBE_REST_CLASSPATH = classpath;
}
process.exit(
  await run(process.execPath, ['--conditions=@danube/source', join(ROOT, part.file), ...rest], { env }),
);
