import fc from 'fast-check';
import { emptyStatistics, type RunStatistics } from '../crash/crash-driver.ts';
import type { LogModel, WalModule } from '../crash/log-model.ts';
import { logCommands } from './log-commands.ts';
import { type RunSettings, SimulatedLog } from './simulated-log.ts';

/** What `npm test` runs. Fixed, so that a run that failed fails again; the soak draws new ones. */
export const MODEL_SEED = 20_251_125;
export const MODEL_RUNS = 1500;

const settings: fc.Arbitrary<RunSettings> = fc.record({
  seed: fc.nat({ max: 0xffff }),
  sync: fc.constantFrom(
    { kind: 'always' } as const,
    { kind: 'periodic', intervalMs: 1 } as const,
    { kind: 'none' } as const,
  ),
  maxFileSizeBytes: fc.constantFrom(256, 1024, 3000, 20_000),
  preallocateBytes: fc.constantFrom(0, 600, 2000, 8000),
  prelude: fc.boolean(),
  shortWrites: fc.constantFrom(0, 0.2),
  writeBack: fc.constantFrom(0, 0.3),
  latencyTurns: fc.constantFrom(0, 3),
  slowOperations: fc.constantFrom(0, 0.5),
});

/** How to run the property. `path` and `replayPath` are what a failure reports: they go straight to its smallest form. */
export interface PropertyParameters {
  readonly seed: number;
  readonly numRuns: number;
  readonly path?: string;
  readonly replayPath?: string;
  /** Report the first failure as it was found. */
  readonly endOnFailure?: boolean;
}

/**
 * Any sequence of commands, on any disk and in any mode, leaves the log as the model says. Throws fast-check's report,
 * with the smallest failing sequence and how to replay it.
 */
export async function checkModel(
  module: WalModule,
  parameters: PropertyParameters,
  progress: () => void = () => {},
): Promise<RunStatistics> {
  const statistics = emptyStatistics();
  const { replayPath, ...rest } = parameters;
  const commands = fc.commands<LogModel, SimulatedLog, true>(logCommands as never, {
    size: 'max',
    maxCommands: 30,
    ...(replayPath !== undefined && { replayPath }),
  });
  await fc.assert(
    fc.asyncProperty(settings, commands, async (run, sequence) => {
      progress();
      let log: SimulatedLog | undefined;
      await fc.asyncModelRun(async () => {
        log = await SimulatedLog.open(module, run, statistics);
        return { model: log.model, real: log };
      }, sequence);
      await log!.end();
    }),
    rest,
  );
  return statistics;
}
