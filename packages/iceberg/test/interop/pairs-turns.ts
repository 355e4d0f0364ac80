import { type DataFile, type FileScanTask, IcebergError, type LoadedTable } from '../../src/index.ts';
import { checkRefs, checkTable, type PairReader } from './pairs-checks.ts';
import { matchesOf, type OurStep, weightedSteps } from './pairs-our-steps.ts';
import type { PairTable } from './pairs-table.ts';

/** What the other program did in a step, as far as the files do not tell. */
export interface TheirStep {
  readonly name: string;
  readonly evolved?: 'schema' | 'spec';
}

/** The other program: it commits something of its own choice, and keeps the model. */
export interface Partner {
  step(table: PairTable): Promise<TheirStep>;
  /** Something that others may do while we decide; no expiry, which takes away what a decision is checked against. */
  meanwhile(table: PairTable): Promise<TheirStep>;
  /** Decides on the table of now, lets `between` happen, and commits; the model is right whether it lands or not. */
  lateStep(table: PairTable, between: () => Promise<void>): Promise<TheirStep>;
  /** Expires some snapshots. */
  expire(table: PairTable): Promise<void>;
}

export interface PairRun {
  readonly table: PairTable;
  readonly partner: Partner;
  readonly readers: readonly PairReader[];
  readonly turns: number;
  readonly seed: number;
  /** How many turns apart readers look. Default 4. */
  readonly checkEvery?: number;
  expireOurs(table: PairTable): Promise<void>;
}

/** Takes turns and checks; a failure says the seed and what was done before. */
export async function takeTurns(run: PairRun): Promise<void> {
  const { table, readers, turns, seed, checkEvery = 4 } = run;
  try {
    await table.note(`seed ${seed}`);
    for (let turn = 1; turn <= turns; turn += 1) {
      await takeTurn(run);
      if (turn % checkEvery === 0 || turn === turns) await checkTable(table, readers);
    }
    await checkRefs(table, readers);
  } catch (error) {
    const steps = table.log.map((line) => `  ${line}`).join('\n');
    (error as Error).message += `\nDANUBE_SEED=${seed}, after\n${steps}`;
    throw error;
  }
}

async function takeTurn({ table, partner, expireOurs }: PairRun): Promise<void> {
  const { random } = table;
  const dice = random.next();
  if (dice < 0.35) return theirs(table, () => partner.step(table));
  if (dice < 0.42) return theirs(table, () => partner.lateStep(table, () => weCommit(table)));
  if (dice < 0.46) {
    await (random.chance(0.5) ? partner.expire(table) : expireOurs(table));
    return table.note('expiry');
  }
  return weCommit(table, random.chance(0.4) ? partner : undefined);
}

async function theirs(table: PairTable, step: () => Promise<TheirStep>): Promise<void> {
  const { name } = await step();
  await table.note(`they: ${name}`);
}

/** A commit of ours, or with `partner` one on a state that the partner changes before it lands. */
async function weCommit(table: PairTable, partner?: Partner): Promise<void> {
  const base = await table.load();
  const step = await table.random.pick(weightedSteps)(table, base.metadata);
  if (step === undefined) return;
  if (partner === undefined) {
    await table.commit(step.operations, { base });
    step.landed();
    return table.note(`we: ${step.name}`);
  }
  const before = await table.tasks(base.metadata);
  table.near = new Set(step.named?.map(({ filePath }) => filePath));
  const between = await partner.meanwhile(table);
  table.near = new Set();
  await table.note(`they, before us: ${between.name}`);
  await landOrConflict(table, step, base, await reasonAgainst(table, step, before, between));
}

async function landOrConflict(
  table: PairTable,
  step: OurStep,
  base: LoadedTable,
  reason: string | undefined,
): Promise<void> {
  const outcome = await table.commit(step.operations, { base }).then(
    () => 'committed',
    (error) => {
      if (IcebergError.is(error, 'COMMIT_CONFLICT')) return 'conflict';
      throw error;
    },
  );
  if (outcome === 'committed') step.landed();
  await table.note(`we, late: ${step.name}: ${outcome}${reason === undefined ? '' : ` (${reason})`}`);
  const expected = reason === undefined ? 'committed' : 'conflict';
  if (outcome !== expected) throw new Error(`${outcome}, which should be a ${expected}`);
}

/** Why a commit must be refused after what others did, by the rules of docs/formats/iceberg-concurrency.md. */
async function reasonAgainst(
  table: PairTable,
  step: OurStep,
  before: readonly FileScanTask[],
  { evolved }: TheirStep,
): Promise<string | undefined> {
  const { metadata } = await table.load();
  const after = await table.tasks(metadata);
  const seen = new Set(before.flatMap((task) => [task, ...task.deletes]).map(pathOf));
  const named = new Set((step.named ?? []).map(({ filePath }) => filePath));
  const concerned = after.filter((task) => named.has(pathOf(task)));
  if (concerned.length < named.size) return 'a file is gone';
  if (step.evolves !== undefined && step.evolves === evolved) return `another ${evolved}`;
  if (step.refusesAppends && after.some((task) => !seen.has(pathOf(task)))) return 'new files';
  if (step.filter && matchesOf(step.filter, metadata, after).includes('maybe-some')) return 'part of a file';
  const deletes = concerned.flatMap((task) => task.deletes).filter((file) => !seen.has(pathOf(file)));
  return deletes.some(({ dataFile }) => step.refusesDeletes?.(dataFile)) ? 'rows are deleted' : undefined;
}

const pathOf = ({ dataFile }: { readonly dataFile: DataFile }): string => dataFile.filePath;
