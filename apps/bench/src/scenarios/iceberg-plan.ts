// Planning a table of 10,000 data files in a process whose heap is bounded, next to PyIceberg on the very same table.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { PlanResult } from '../peers/iceberg-plan-driver.ts';
import {
  FILES,
  FILES_PER_DAY,
  type PlanQuery,
  type QueryName,
  queries,
  type Shape,
  shapes,
} from '../peers/iceberg-plan-queries.ts';
import { judgesPython } from '../peers/python.ts';
import { resultsDir, writeResult } from '../results.ts';
import {
  findPlanFailures,
  formatPlans,
  type PlanCell,
  type PlanContender,
  planContenders,
  summarizePlans,
} from './iceberg-plan-report.ts';

const exec = promisify(execFile);
const REPEATS = 6;

export interface PlanBenchOptions {
  readonly rounds: number;
  /** Old space of our process. Young space is bounded by {@link SEMI_SPACE_MIB} beside it. */
  readonly heapMiB: number;
}

const SEMI_SPACE_MIB = 4;

export async function icebergPlan(options: PlanBenchOptions): Promise<void> {
  const python = await judgesPython();
  await mkdir(resultsDir, { recursive: true });
  const root = await mkdtemp(join(resultsDir, '.work-'));
  const ours = fileURLToPath(new URL('./iceberg-plan-driver.js', import.meta.url));
  const theirs = fileURLToPath(new URL('../src/peers/iceberg_plan.py', import.meta.url));
  const nodeFlags = [
    `--max-old-space-size=${options.heapMiB}`,
    `--max-semi-space-size=${SEMI_SPACE_MIB}`,
    '--disable-warning=ExperimentalWarning',
  ];
  const versions: Record<string, string> = { node: process.version };
  const loadAverageBefore = loadavg();
  const plan = async (shape: Shape, query: QueryName, contender: PlanContender): Promise<PlanResult> => {
    if (contender === 'danube') {
      const { stdout } = await exec(process.execPath, [
        ...[...nodeFlags, ours, 'plan', root, shape, query, String(REPEATS)],
      ]);
      return JSON.parse(stdout) as PlanResult;
    }
    const { rowFilter = '' }: PlanQuery = queries[query];
    const { stdout } = await exec(python, [theirs, root, shape, rowFilter, String(REPEATS)]);
    const { version, python: pythonVersion, ...result } = JSON.parse(stdout);
    Object.assign(versions, { pyiceberg: version, python: pythonVersion });
    return result as PlanResult;
  };
  const cells: PlanCell[] = [];
  try {
    await exec(process.execPath, ['--disable-warning=ExperimentalWarning', ours, 'build', root]);
    for (let round = 0; round < options.rounds; round += 1) {
      const order = round % 2 === 0 ? planContenders : planContenders.toReversed();
      for (const shape of Object.keys(shapes) as Shape[]) {
        for (const query of Object.keys(queries) as QueryName[]) {
          for (const contender of order) {
            const cell = { round, shape, query, contender };
            cells.push(
              await plan(shape, query, contender).then(
                (result) => ({ ...cell, result }),
                (error: Error) => ({ ...cell, error: describeFailure(error) }),
              ),
            );
          }
        }
      }
      console.error(`round ${round + 1} of ${options.rounds} done`);
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  const summary = summarizePlans(cells, FILES);
  const failures = findPlanFailures(cells, (query) => queries[query].files);
  console.log(formatPlans(summary));
  const file = await writeResult('iceberg-plan', {
    ...options,
    ...{ semiSpaceMiB: SEMI_SPACE_MIB, dataFiles: FILES, filesPerDay: FILES_PER_DAY, repeats: REPEATS },
    ...{ versions, loadAverage: { before: loadAverageBefore, after: loadavg() }, failures, summary, cells },
  });
  console.log(`raw figures: ${file}`);
  for (const failure of failures) console.error(`FAILED ${failure}`);
  if (failures.length > 0) process.exitCode = 1;
}

/** How a driver ended: one that ran out of heap says so among frames and addresses that tell nobody anything. */
function describeFailure(error: Error & { code?: unknown; signal?: unknown; stderr?: string }): string {
  const lines = (error.stderr ?? error.message).trim().split('\n');
  const why = lines.find((line) => /fatal error/i.test(line)) ?? lines.at(-1) ?? '';
  return `ended with ${error.signal ?? error.code} ${why}`.trimEnd();
}
