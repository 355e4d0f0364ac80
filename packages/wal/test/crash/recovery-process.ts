// A process of its own for `recovery.soak.ts`: `write DIR MEBIBYTES` fills a log and dies without closing it; `open DIR`
// opens it and says how long that took and how much memory the process ever had.
import { openWal } from '../../src/index.ts';

const [task, dir, size] = process.argv.slice(2) as [string, string, string | undefined];

if (task === 'write') {
  const wal = await openWal({ dir, sync: { kind: 'none' } });
  const payload = Buffer.alloc(1024);
  const target = Number(size) * 2 ** 20;
  // The last segment is left three quarters full at the least, so that there is something to write again.
  for (let bytes = 0, record = 0; bytes < target; ) {
    for (let n = 0; n < 256; n++) {
      payload.writeUInt32LE(record++, 0);
      void wal.append({ type: 1, payload: Buffer.from(payload) });
      bytes += payload.length + 32;
    }
    await wal.append({ type: 1, payload });
  }
  process.kill(process.pid, 'SIGKILL');
} else {
  const before = process.resourceUsage().maxRSS;
  const start = process.hrtime.bigint();
  const wal = await openWal({ dir });
  const openMs = Number(process.hrtime.bigint() - start) / 1e6;
  const { bytesScanned, records, segments, rewrittenBytes } = wal.recovery;
  const found = {
    openMs,
    bytesScanned,
    records,
    segments,
    rewrittenBytes,
    peakBytesBefore: before * 1024,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
  // Nothing is closed: the next process meets the same log.
  process.stdout.write(JSON.stringify(found), () => process.kill(process.pid, 'SIGKILL'));
}

export interface FoundByRecovery {
  readonly openMs: number;
  readonly bytesScanned: number;
  readonly records: number;
  readonly segments: number;
  /** Only by the first to open the log after its writer was killed. */
  readonly rewrittenBytes: number;
  /** Largest resident set before opening, and after. */
  readonly peakBytesBefore: number;
  readonly peakBytes: number;
}
