import { afterAll, beforeAll, expect, test } from 'vitest';
import { openS3Connection, type S3Connection } from '../../src/s3/connection/s3-connection.ts';
import { resolveS3Options } from '../../src/s3/options.ts';
import { serveDouble } from '../support/s3-double.ts';
import { Schedule } from './put-schedule.ts';

/*
 * Puts of several writers to one key, drawn by lot: each of their requests may be lost, executed and not answered,
 * executed long after its sender gave up, answered with an error before or after it is executed, executed twice, or
 * refused; callers give up and stores are closed; and others replace and delete the object. The double knows what
 * really happened; each writer must have been told the truth.
 * A request that is not answered in time is, to its sender, one whose connection broke; here none waits for a clock, which
 * a busy machine would decide.
 *
 * `PUT_SCHEDULES` (how many) and `PUT_SCHEDULES_SEED` for longer and other runs.
 */

const SEED = Number(process.env['PUT_SCHEDULES_SEED'] ?? 1);
const SCHEDULES = Number(process.env['PUT_SCHEDULES'] ?? 160);
const AT_ONCE = 80;

const schedules = new Map<string, Schedule>();
let server: Awaited<ReturnType<typeof serveDouble>>;
let shared: S3Connection;

async function connect(): Promise<S3Connection> {
  const options = resolveS3Options({
    bucket: 'puts',
    endpoint: server.endpoint,
    region: 'us-east-1',
    pathStyle: true,
    credentials: async () => ({ accessKeyId: 'judge', secretAccessKey: 'judge-secret' }),
    resilience: {
      retry: { maxAttempts: 3, initialDelayMs: 1, maxDelayMs: 3 },
      breaker: false,
      maxConcurrent: 500,
    },
  });
  return openS3Connection({ ...options, partSizeBytes: 3, multipartThresholdBytes: 4 });
}

beforeAll(async () => {
  server = await serveDouble((request, response) => schedules.get(request.key)?.serve(request, response));
  shared = await connect();
});
afterAll(() => {
  shared.close();
  server.close();
});

test('whatever befalls the requests of several writers, each is told the truth and leaves nothing behind', {
  timeout: 200_000,
}, async () => {
  const codes: Record<string, number> = {};
  const wrong: string[] = [];
  let next = SEED * 1_000_000;
  const end = next + SCHEDULES;
  const worker = async () => {
    while (next < end) {
      const schedule = new Schedule(next);
      next += 1;
      schedules.set(schedule.key, schedule);
      const closes = schedule.chance(0.05);
      const connection = closes ? await connect() : shared;
      await schedule.run(connection, closes);
      if (closes) connection.close();
      schedules.delete(schedule.key);
      for (const { code } of schedule.writers) codes[code] = (codes[code] ?? 0) + 1;
      const leaks = schedule.leftBehind().map((id) => `upload ${id} is left behind`);
      for (const fault of [...schedule.lies(), ...leaks]) {
        wrong.push(`${schedule.key}: ${fault}\n  ${schedule.log.join('\n  ')}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  expect(wrong.slice(0, 5).join('\n\n'), `${wrong.length} with seed ${SEED}`).toBe('');
  for (const code of [
    'done',
    'ALREADY_EXISTS',
    'PRECONDITION_FAILED',
    'PUT_STATE_UNKNOWN',
    'ABORTED',
    'CLOSED',
  ]) {
    expect(codes[code] ?? 0, code).toBeGreaterThan(0);
  }
});
