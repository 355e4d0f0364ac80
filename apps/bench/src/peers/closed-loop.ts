// What the Node.js drivers share: DRIVER DIR OUTSTANDING BYTES MILLISECONDS keeps OUTSTANDING appends in flight and
// prints one line of JSON (`DriverResult`).
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { quantile, round } from '../statistics.ts';
import type { DriverResult } from './driver.ts';

export interface DriverArguments {
  readonly dir: string;
  readonly outstanding: number;
  readonly payload: Buffer;
  readonly measuredMs: number;
}

export function driverArguments(): DriverArguments {
  const [dir, outstanding, bytes, milliseconds] = process.argv.slice(-4);
  return {
    dir: dir ?? '.',
    outstanding: Number(outstanding),
    payload: Buffer.alloc(Number(bytes), 'x'),
    measuredMs: Number(milliseconds),
  };
}

/**
 * Awaits `append` in `outstanding` loops and prints what became of it. The first half of `measuredMs` again is warm-up.
 * Then the window opens at the first acknowledgement, exclusive, and closes at the first one after `measuredMs`,
 * inclusive, so that a whole number of groups lies in it.
 */
export async function closedLoop(
  { outstanding, measuredMs }: DriverArguments,
  append: () => Promise<unknown>,
): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  const warm = performance.now() + measuredMs / 2;
  const latencies: number[] = [];
  let [begin, end] = [0, 0];
  let cpu = process.cpuUsage();
  let utilization = performance.eventLoopUtilization();
  const loop = async () => {
    let before = performance.now();
    while (end === 0) {
      await append();
      const now = performance.now();
      if (begin !== 0) {
        if (end !== 0) return;
        latencies.push(now - before);
        if (now - begin >= measuredMs) {
          end = now;
          cpu = process.cpuUsage(cpu);
          utilization = performance.eventLoopUtilization(utilization);
          delay.disable();
        }
      } else if (now >= warm) {
        begin = now;
        cpu = process.cpuUsage();
        utilization = performance.eventLoopUtilization();
        delay.enable();
      }
      before = now;
    }
  };
  await Promise.all(Array.from({ length: outstanding }, loop));
  latencies.sort((a, b) => a - b);
  const us = (fraction: number) => round(quantile(latencies, fraction) * 1000, 1);
  const result: DriverResult = {
    messages: latencies.length,
    seconds: (end - begin) / 1000,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    latencyUs: { p10: us(0.1), p50: us(0.5), p99: us(0.99) },
    eventLoop: {
      utilization: round(utilization.utilization),
      p99DelayMs: round(delay.percentile(99) / 1e6),
      maxDelayMs: round(delay.max / 1e6),
    },
  };
  console.log(JSON.stringify(result));
}
