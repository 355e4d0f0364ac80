// What the disk charges for a durable append, by how it is asked: the measurement behind the log's way of writing.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compile } from '../peers/compile.ts';
import { resultsDir, writeResult } from '../results.ts';
import { quantile, ratioOfRounds, round, type Spread, spread } from '../statistics.ts';

const exec = promisify(execFile);
const SIZES = [1104, 4096, 17_000, 66_000, 270_000];
const BYTES_PER_VARIANT = 12 << 20;

/** One variant's median latency in one round. */
interface Cell {
  readonly round: number;
  readonly bytes: number;
  readonly variant: string;
  readonly p50Us: number;
}

export async function disk(options: { rounds: number }): Promise<void> {
  await mkdir(resultsDir, { recursive: true });
  const workDir = await mkdtemp(join(resultsDir, '.work-'));
  const cells: Cell[] = [];
  try {
    const program = await compile('durable-writes', workDir);
    for (let index = 0; index < options.rounds; index++) {
      for (const bytes of SIZES) {
        const appends = Math.min(800, Math.floor(BYTES_PER_VARIANT / bytes));
        const { stdout } = await exec(program, [workDir, String(appends), String(bytes)], {
          maxBuffer: 64 << 20,
        });
        for (const line of stdout.trim().split('\n')) {
          const [variant = '', ...latencies] = line.split('\t');
          const sorted = latencies.map(Number).sort((a, b) => a - b);
          cells.push({ round: index, bytes, variant, p50Us: round(quantile(sorted, 0.5) / 1000, 1) });
        }
      }
      console.error(`round ${index + 1} of ${options.rounds} done`);
    }
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
  const variants = [...new Set(cells.map(({ variant }) => variant))];
  const medians = (bytes: number, variant: string) =>
    cells.filter((cell) => cell.bytes === bytes && cell.variant === variant).map(({ p50Us }) => p50Us);
  const text = (figure: Spread | undefined) =>
    figure ? `${round(figure.median, 2)} (${round(figure.min, 2)}–${round(figure.max, 2)})` : '–';
  console.log(
    'p50 µs of one append, median (min–max) over rounds; in brackets the ratio to the first line\n',
  );
  const summary = SIZES.flatMap((bytes) => {
    console.log(`${bytes} bytes`);
    return variants.map((variant) => {
      const p50Us = spread(medians(bytes, variant));
      const ratio = ratioOfRounds(medians(bytes, variant), medians(bytes, variants[0]!));
      console.log(`  ${variant.padEnd(34)}${text(p50Us).padEnd(26)}[${text(ratio)}]`);
      return { bytes, variant, p50Us, ratio };
    });
  });
  console.log(`raw figures: ${await writeResult('disk', { ...options, summary, cells })}`);
}
