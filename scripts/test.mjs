// `npm test`: everything that needs Node.js alone, then real faults where the kernel lets us make them, then the
// interop tier where Python is there. The jvm tier (Iceberg Java as a judge) runs in CI and with --jvm, the s3 tier
// (S3 servers as judges) in CI, with --s3 and once its server is built. Options: --no-interop, --jvm, --s3, --unit (no
// build, no other tier: the inner loop), any other word filters test files.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { whyNoFaults } from './lib/faults.mjs';
import { javaEnvironment } from './lib/java.mjs';
import { interopPython } from './lib/python.mjs';
import { s3Judges, s3JudgesAreBuilt } from './lib/s3-judges.mjs';
import { createStages, say } from './lib/stages.mjs';
import { CACHE, passSignalsOn, run, runQuietly } from './lib/toolchain.mjs';

const args = process.argv.slice(2);
const mandatory = process.env.CI === 'true';
const unitOnly = args.includes('--unit');
const withInterop = !unitOnly && !args.includes('--no-interop');
const withJvm = withInterop && (mandatory || args.includes('--jvm'));
const withS3 = withInterop && (mandatory || args.includes('--s3') || s3JudgesAreBuilt());
const filters = args.filter((arg) => !arg.startsWith('--'));
const totals = { passed: 0, failed: 0 };

/** Runs one vitest pass and adds its own counts to the totals; a skipped test counts as a failure in CI. */
async function vitest(name, env, options = []) {
  const file = join(CACHE, `results-${name}.json`);
  mkdirSync(CACHE, { recursive: true });
  rmSync(file, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const code = await run(
    'vitest',
    ['run', ...reporters, ...options, ...(filters.length > 0 ? ['--passWithNoTests'] : []), ...filters],
    {
      env: { ...process.env, ...env },
    },
  );
  if (!existsSync(file)) {
    totals.failed += 1;
    return code || 1;
  }
  const report = JSON.parse(readFileSync(file, 'utf8'));
  totals.passed += report.numPassedTests;
  totals.failed += report.numFailedTests;
  const left = report.numPendingTests + report.numTodoTests;
  if (left > 0) {
    say(`${left} tests were skipped; nothing may be skipped here.`);
    totals.failed += left;
  }
  // A file that fails to load has no failed test of its own.
  if (code !== 0 && report.numFailedTests === 0) totals.failed += Math.max(1, report.numFailedTestSuites);
  return code !== 0 || left > 0 ? 1 : 0;
}

async function main() {
  passSignalsOn();
  const stages = createStages();
  const gate = async (name, work) => {
    const ok = await stages.run(name, work);
    if (!ok) totals.failed += 1;
    return ok;
  };
  if (
    !unitOnly &&
    !(await gate('build', () => runQuietly('turbo', ['run', 'build', '--output-logs=errors-only'])))
  ) {
    return finish(stages);
  }
  if (!unitOnly && filters.length === 0)
    await gate('built packages load', () => run('node', ['scripts/check-dist.mjs']));
  await stages.run('tests', () => vitest('unit', {}));
  // One file at a time: what these start shares the machine's cores with them.
  const tier = async (name, reason, env = {}) => {
    const stage = `${name} tests`;
    if (reason === undefined) {
      await stages.run(stage, () => vitest(name, { DANUBE_TIER: name, ...env }, ['--no-file-parallelism']));
    } else if (mandatory) {
      await gate(stage, () => {
        throw new Error(`The ${name} tier is mandatory here: ${reason}.`);
      });
    } else {
      say(`\nThe ${name} tier was left out: ${reason}.`);
    }
  };
  if (!unitOnly) await tier('faults', whyNoFaults());
  if (withInterop) {
    const { python, reason } = await interopPython();
    await tier('interop', reason, { DANUBE_PYTHON: python });
    if (withJvm) {
      const java = await javaEnvironment();
      // The REST catalog server of Iceberg Java has a test with its tables on S3.
      const s3 = await s3Judges();
      await tier('jvm', reason ?? java.reason ?? s3.reason, {
        DANUBE_PYTHON: python,
        ...java.env,
        ...s3.env,
      });
    }
    if (withS3) {
      const judges = await s3Judges();
      await tier('s3', judges.reason, judges.env);
    } else {
      say('\nThe s3 tier was left out: its server is not built yet (npm test -- --s3 builds it, once).');
    }
  }
  return finish(stages);
}

function finish(stages) {
  const fine = stages.summary();
  writeFileSync(join(CACHE, 'totals.json'), JSON.stringify(totals));
  if (!process.env.DANUBE_CI_RUN) console.log(`${totals.passed} passed, ${totals.failed} failed`);
  return fine && totals.failed === 0 && totals.passed > 0 ? 0 : 1;
}

process.exit(await main());
